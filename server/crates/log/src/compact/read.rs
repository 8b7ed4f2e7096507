//! Reads the batches of a sealed segment in order, through a buffer.

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::{BatchHeader, HEADER_LEN, RecordBatch};

use super::CompactionError;
use crate::disk::{DiskFile, OpenMode};
use crate::files::FileKind;
use crate::limits;
use crate::segment::Segment;

/// Where a reader is.
#[derive(Debug)]
pub(crate) struct BatchReader {
    segment: Arc<Segment>,
    file: Arc<dyn DiskFile>,
    position: u64,
    end: u64,
    /// The segment's bytes from `position` on, as far as they were read.
    buffer: Bytes,
    /// Bytes read from the file since they were last asked for.
    bytes_read: u64,
}

impl BatchReader {
    /// Reads a sealed segment from its beginning.
    pub(crate) fn new(segment: &Arc<Segment>) -> Result<Self, CompactionError> {
        let file = segment.open(FileKind::Log, OpenMode::Existing)?;
        let end = segment.sealed.map_or(0, |sealed| sealed.size);
        Ok(Self { segment: Arc::clone(segment), file, position: 0, end, buffer: Bytes::new(), bytes_read: 0 })
    }

    /// The next batch, with its CRC checked; `None` behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, CompactionError> {
        if self.position >= self.end {
            return Ok(None);
        }
        self.fill(HEADER_LEN)?;
        let header = BatchHeader::parse(&self.buffer).map_err(|error| self.corrupt(&error))?;
        self.fill(header.total_len())?;
        let batch = RecordBatch::read(&mut self.buffer).map_err(|error| self.corrupt(&error))?;
        batch.check_stored().map_err(|error| self.corrupt(&error))?;
        self.position += batch.total_len() as u64;
        Ok(Some(batch))
    }

    /// Bytes read since the last call.
    pub(crate) fn take_bytes_read(&mut self) -> u64 {
        std::mem::take(&mut self.bytes_read)
    }

    /// Brings at least `len` bytes into the buffer.
    fn fill(&mut self, len: usize) -> Result<(), CompactionError> {
        if self.buffer.len() >= len {
            return Ok(());
        }
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        if len > left || len > limits::MAX_BATCH_BYTES {
            return Err(self.corrupt("the segment ends inside a batch"));
        }
        let mut bytes = vec![0; limits::COMPACTION_BUFFER_BYTES.max(len).min(left)];
        let read = self.file.read_at(&mut bytes, self.position)?;
        bytes.truncate(read);
        self.bytes_read += read as u64;
        self.buffer = bytes.into();
        if self.buffer.len() < len { Err(self.corrupt("the file ends inside a batch")) } else { Ok(()) }
    }

    fn corrupt(&self, reason: impl ToString) -> CompactionError {
        let file = self.segment.path(FileKind::Log).display().to_string();
        CompactionError::Corrupt { file, position: self.position, reason: reason.to_string() }
    }
}
