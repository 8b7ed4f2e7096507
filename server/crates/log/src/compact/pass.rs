//! What all steps of a compaction work with, and the first half of them: where the last record of every key is.

use std::sync::Arc;

use chronik_kafka::record_batch::{BatchError, BatchHeader, ControlType, HEADER_LEN, RecordBatch, Records};
use rustc_hash::FxHashMap;

use super::CompactionError;
use super::job::CompactionStats;
use super::map::OffsetMap;
use super::read::BatchReader;
use super::transactions::Markers;
use crate::disk::{Disk, DiskFile};
use crate::files::FileKind;
use crate::limits;
use crate::segment::{Segment, Walk};
use crate::types::{Lsn, PartitionId, TopicLogConfig};
use crate::view::{LogView, ReadMode};

/// What all steps work with.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) id: PartitionId,
    pub(crate) generation: Lsn,
    /// The log has not been cut since, or the job is void.
    pub(crate) cut_lsn: Lsn,
    pub(crate) config: Arc<TopicLogConfig>,
    pub(crate) index_interval_bytes: u64,
    /// For transaction markers above the range.
    pub(crate) view: Arc<LogView>,
    /// Sealed segments, ascending: they go into the second pass as far as they begin below `end`.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Last batch of each producer.
    pub(crate) producers: FxHashMap<i64, LastOfProducer>,
    pub(crate) high_watermark: i64,
    pub(crate) now_ms: i64,
    /// Where the dirty part begins and ends. The end comes down if the map is full, or at an open transaction.
    pub(crate) first_dirty: i64,
    pub(crate) end: i64,
    pub(crate) map: OffsetMap,
    pub(crate) stats: CompactionStats,
    pub(crate) bytes: u64,
}

/// What a producer wrote last: its sequence must stay in the log (Kafka: `LastRecord`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastOfProducer {
    /// Last offset of its last batch; `None` if only markers are known.
    pub(crate) last_offset: Option<i64>,
    pub(crate) epoch: i16,
}

impl Pass {
    /// Puts keys into the map; `true` when that is done.
    pub(crate) fn map_keys(
        &mut self,
        next: &mut usize,
        reader: &mut Option<BatchReader>,
        markers: &mut Option<Markers>,
    ) -> Result<bool, CompactionError> {
        let mut left = limits::COMPACTION_STEP_BYTES;
        loop {
            let Some(current) = reader else {
                match self.segments.get(*next).filter(|segment| segment.base_offset < self.end) {
                    Some(segment) => *reader = Some(BatchReader::new(segment)?),
                    None => return Ok(true),
                }
                *next += 1;
                continue;
            };
            let batch = current.next()?;
            let read = current.take_bytes_read();
            self.bytes += read;
            match batch {
                None => *reader = None,
                Some(batch) if !self.map_batch(&batch, markers)? => return Ok(true),
                Some(_) => {}
            }
            left = left.saturating_sub(read);
            if left == 0 {
                return Ok(false);
            }
        }
    }

    /// Puts a batch's keys into the map; `false` if the range ends before it.
    fn map_batch(
        &mut self,
        batch: &RecordBatch,
        markers: &mut Option<Markers>,
    ) -> Result<bool, CompactionError> {
        let header = &batch.header;
        if header.last_offset() < self.first_dirty {
            return Ok(true);
        }
        if header.is_transactional() && markers.is_none() {
            *markers = Some(self.find_markers(header.base_offset)?);
        }
        if header.last_offset() >= self.end {
            self.end = self.end.min(header.base_offset);
            return Ok(false);
        }
        let aborted = markers.as_ref().is_some_and(|markers| markers.is_aborted(header));
        if header.is_control() || aborted || header.record_count <= 0 {
            return Ok(true);
        }
        // Of a batch that begins before the dirty part, only so many are in it.
        let records = i64::from(header.record_count).min(header.next_offset() - self.first_dirty);
        let room = self.map.room();
        if usize::try_from(records).is_ok_and(|records| records > room) {
            if self.map.len() == 0 {
                return Err(CompactionError::TooManyKeys { offset: header.base_offset, records, room });
            }
            self.end = header.base_offset;
            self.stats.map_full = true;
            return Ok(false);
        }
        self.put_keys(batch)
            .map_err(|source| CompactionError::Batch { offset: header.base_offset, source })?;
        Ok(true)
    }

    fn put_keys(&mut self, batch: &RecordBatch) -> Result<(), BatchError> {
        let body = batch.plain_body(limits::MAX_DECOMPRESSED_BYTES)?;
        for record in Records::new(&body, batch.header.record_count) {
            let record = record?;
            let offset = batch.header.base_offset + i64::from(record.offset_delta);
            if let Some(key) = record.key
                && offset >= self.first_dirty
            {
                self.map.put(key, offset);
            }
        }
        Ok(())
    }

    /// Markers from `from` on, up to the high watermark. The range ends before the first transaction that is open there.
    fn find_markers(&mut self, from: i64) -> Result<Markers, CompactionError> {
        let mut markers = Markers::from(from);
        'segments: for segment in &self.view.segments {
            if segment.sealed.is_some_and(|sealed| sealed.end_offset <= from) {
                continue;
            }
            let Some(file) = segment.open_existing(FileKind::Log)? else {
                // Nothing was appended to it yet; or it was deleted, and its markers with it.
                if segment.sealed.is_some() {
                    return Err(CompactionError::Overtaken);
                }
                break;
            };
            let mut walk = Walk::new(&*file, 0, ReadMode::Blocking, limits::SCAN_CHUNK_BYTES);
            while let Some((position, header)) = walk.next(segment)? {
                if header.last_offset() >= self.high_watermark {
                    break 'segments;
                }
                if markers.len() >= limits::MAX_COMPACTION_MARKERS {
                    self.end = self.end.min(header.base_offset);
                    break 'segments;
                }
                self.bytes += header.total_len() as u64;
                let control =
                    if header.is_control() { read_control(&*file, position, &header)? } else { None };
                markers.observe(&header, control);
            }
        }
        self.end = self.end.min(markers.first_open().unwrap_or(i64::MAX));
        Ok(markers)
    }

    pub(crate) fn is_last_of_producer(&self, batch: &RecordBatch) -> bool {
        let header = &batch.header;
        header.has_producer()
            && self.producers.get(&header.producer_id).is_some_and(|last| match last.last_offset {
                Some(offset) => offset == header.last_offset(),
                None => header.is_control() && header.producer_epoch == last.epoch,
            })
    }
}

pub(crate) fn control_type(batch: &RecordBatch) -> Option<ControlType> {
    let record = batch.records().ok()?.next()?.ok()?;
    record.control().map(|control| control.kind)
}

/// What the control batch at `position` says.
fn read_control(
    file: &dyn DiskFile,
    position: u64,
    header: &BatchHeader,
) -> Result<Option<ControlType>, CompactionError> {
    let mut body = vec![0; header.total_len().saturating_sub(HEADER_LEN).min(limits::MAX_CONTROL_BYTES)];
    let read = file.read_at(&mut body, position + HEADER_LEN as u64)?;
    body.truncate(read);
    Ok(control_type(&RecordBatch { header: header.clone(), body: body.into() }))
}
