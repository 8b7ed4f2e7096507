//! Writes the segment that takes the place of others, beside them: `<base offset>.log.cleaned` and its two indexes.

use std::io;
use std::sync::Arc;

use chronik_kafka::record_batch::{HEADER_LEN, RecordBatch};

use super::CompactionError;
use crate::disk::{Disk, DiskFile, OpenMode, write_at};
use crate::end::{LogEnd, NewEntries};
use crate::files::FileKind;
use crate::limits;
use crate::segment::{Sealed, cleaned_path};
use crate::types::PartitionId;

/// A segment that grows.
#[derive(Debug)]
pub(crate) struct CleanedWriter {
    disk: Arc<dyn Disk>,
    id: PartitionId,
    log: Arc<dyn DiskFile>,
    end: LogEnd,
    index_interval_bytes: u64,
    /// Bytes before the end of the log file that are not written yet.
    buffer: Vec<u8>,
    index: Vec<u8>,
    time_index: Vec<u8>,
}

impl CleanedWriter {
    /// Begins the files; what an earlier attempt left in them goes.
    pub(crate) fn create(
        disk: &Arc<dyn Disk>,
        id: PartitionId,
        base_offset: i64,
        index_interval_bytes: u64,
    ) -> io::Result<Self> {
        let log = disk.open(&cleaned_path(id, base_offset, FileKind::Log), OpenMode::Create)?;
        log.set_len(0)?;
        Ok(Self {
            disk: Arc::clone(disk),
            id,
            log,
            end: LogEnd::empty(base_offset),
            index_interval_bytes,
            buffer: Vec::new(),
            index: Vec::new(),
            time_index: Vec::new(),
        })
    }

    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<(), CompactionError> {
        let len = batch.total_len() as u64;
        if self.end.position + len > limits::MAX_SEGMENT_BYTES {
            return Err(CompactionError::SegmentFull(self.end.segment_base));
        }
        let entries = self.end.append(&batch.header, len, self.index_interval_bytes);
        self.add_entries(entries);
        self.buffer.reserve(HEADER_LEN + batch.body.len());
        batch.write_to(&mut self.buffer);
        if self.buffer.len() >= limits::COMPACTION_BUFFER_BYTES { Ok(self.flush()?) } else { Ok(()) }
    }

    /// Completes the files and makes them durable, names included. The segment ends at `end_offset`, whatever is left before it.
    pub(crate) fn finish(mut self, end_offset: i64) -> io::Result<Sealed> {
        self.flush()?;
        let time = self.end.closing_time_entry();
        self.add_entries(NewEntries { index: None, time });
        self.log.sync_data()?;
        self.write_index(FileKind::Index, &self.index)?;
        self.write_index(FileKind::TimeIndex, &self.time_index)?;
        self.disk.sync_dir(self.id.dir_name().as_ref())?;
        Ok(Sealed { end_offset, ..self.end.sealed() })
    }

    fn flush(&mut self) -> io::Result<()> {
        let at = self.end.position - self.buffer.len() as u64;
        write_at(&*self.log, &self.buffer, at)?;
        self.buffer.clear();
        Ok(())
    }

    fn add_entries(&mut self, NewEntries { index, time }: NewEntries) {
        self.index.extend(index.into_iter().flat_map(|entry| entry.encode()));
        self.time_index.extend(time.into_iter().flat_map(|entry| entry.encode()));
    }

    /// Also if it is empty: it replaces one.
    fn write_index(&self, kind: FileKind, bytes: &[u8]) -> io::Result<()> {
        let file = self.disk.open(&cleaned_path(self.id, self.end.segment_base, kind), OpenMode::Create)?;
        file.set_len(0)?;
        write_at(&*file, bytes, 0)?;
        file.sync_data()
    }
}

/// Removes the files of a segment that will not be used, as far as they are there.
pub(crate) fn remove_cleaned(disk: &dyn Disk, id: PartitionId, base_offset: i64) {
    for kind in FileKind::ALL {
        match disk.unlink(&cleaned_path(id, base_offset, kind)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%id, base_offset, %error, "what a compaction left could not be removed: the next start removes it");
            }
            _ => {}
        }
    }
}
