//! Look-ups by timestamp (`ListOffsets`; KIP-734 for the maximum).

use chronik_kafka::record_batch::{BatchHeader, HEADER_LEN, RecordBatch, Records, TimestampType};

use super::{FoundTimestamp, LogView, ReadMode};
use crate::disk::DiskFile;
use crate::error::ReadError;
use crate::files::FileKind;
use crate::segment::{Segment, Walk};
use crate::{index, limits};

impl LogView {
    /// The first record below `up_to_offset` with a timestamp of at least `timestamp_ms`. Blocks.
    pub fn offset_for_timestamp(
        &self,
        timestamp_ms: i64,
        up_to_offset: i64,
    ) -> Result<Option<FoundTimestamp>, ReadError> {
        let bounds = Bounds { timestamp_ms, from: self.log_start_offset, up_to: up_to_offset };
        for segment in &self.segments {
            if segment.base_offset >= up_to_offset {
                break;
            }
            let later = segment.sealed.is_none_or(|sealed| sealed.max_timestamp >= timestamp_ms);
            if later && let Some(found) = segment.first_at_or_after(&bounds)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The highest timestamp below `up_to_offset`, and the first record that has it. Blocks.
    pub fn max_timestamp(&self, up_to_offset: i64) -> Result<Option<FoundTimestamp>, ReadError> {
        let Some(bound) = self.bound_of_timestamps(up_to_offset)? else { return Ok(None) };
        if let Some(found) = self.offset_for_timestamp(bound, up_to_offset)? {
            return Ok(Some(found));
        }
        // A record below the start of the log brought it, or a batch that compaction has emptied: its header stays as it was.
        let bounds = Bounds { timestamp_ms: i64::MIN, from: self.log_start_offset, up_to: up_to_offset };
        let mut max = None;
        for segment in &self.segments {
            max = max.max(segment.max_timestamp_of_records(&bounds)?);
        }
        max.map_or(Ok(None), |max| self.offset_for_timestamp(max, up_to_offset))
    }

    /// No timestamp below `up_to_offset` is higher than this.
    fn bound_of_timestamps(&self, up_to_offset: i64) -> Result<Option<i64>, ReadError> {
        let mut max = None;
        for segment in self.segments.iter().filter(|segment| segment.base_offset < up_to_offset) {
            let of_segment = match segment.sealed {
                Some(sealed) if sealed.end_offset <= up_to_offset => Some(sealed.max_timestamp),
                _ => segment.max_timestamp(up_to_offset)?,
            };
            max = max.max(of_segment);
        }
        Ok(max)
    }
}

/// What is searched.
struct Bounds {
    timestamp_ms: i64,
    from: i64,
    up_to: i64,
}

impl Segment {
    fn first_at_or_after(&self, bounds: &Bounds) -> Result<Option<FoundTimestamp>, ReadError> {
        let Some(file) = self.open_existing(FileKind::Log)? else { return Ok(None) };
        let below = self.time_entry(|entry| entry.timestamp_ms < bounds.timestamp_ms)?;
        let from = below.map_or(bounds.from, |entry| self.offset_of(entry).max(bounds.from));
        let Some((position, _)) = self.locate(&*file, from, bounds.up_to, ReadMode::Blocking)? else {
            return Ok(None);
        };
        let mut walk = Walk::new(&*file, position, ReadMode::Blocking, limits::SCAN_CHUNK_BYTES);
        while let Some((position, header)) = walk.next(self)? {
            if header.last_offset() >= bounds.up_to {
                break;
            }
            if header.max_timestamp >= bounds.timestamp_ms
                && let Some(found) = self.record_in(&*file, position, header, bounds)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Highest timestamp of batches below `up_to`: the time index says it for most of them.
    fn max_timestamp(&self, up_to: i64) -> Result<Option<i64>, ReadError> {
        let Some(file) = self.open_existing(FileKind::Log)? else { return Ok(None) };
        let entry = self.time_entry(|entry| self.offset_of(entry) < up_to)?;
        let mut max = entry.map(|entry| entry.timestamp_ms);
        let from = entry.map_or(self.base_offset, |entry| self.offset_of(entry));
        let Some((position, _)) = self.locate(&*file, from, up_to, ReadMode::Blocking)? else {
            return Ok(max);
        };
        let mut walk = Walk::new(&*file, position, ReadMode::Blocking, limits::SCAN_CHUNK_BYTES);
        while let Some((_, header)) = walk.next(self)? {
            if header.last_offset() >= up_to {
                break;
            }
            max = max.max(Some(header.max_timestamp));
        }
        Ok(max)
    }

    /// Highest timestamp of the records within bounds.
    fn max_timestamp_of_records(&self, bounds: &Bounds) -> Result<Option<i64>, ReadError> {
        let Some(file) = self.open_existing(FileKind::Log)? else { return Ok(None) };
        let mut walk = Walk::new(&*file, 0, ReadMode::Blocking, limits::SCAN_CHUNK_BYTES);
        let mut max = None;
        while let Some((position, header)) = walk.next(self)? {
            if header.last_offset() >= bounds.up_to {
                break;
            }
            let of_batch = match header.record_count {
                ..=0 => None,
                _ if header.last_offset() < bounds.from => None,
                _ if header.base_offset >= bounds.from => Some(header.max_timestamp),
                _ => self.max_timestamp_in(&*file, position, header, bounds)?,
            };
            max = max.max(of_batch);
        }
        Ok(max)
    }

    /// Highest timestamp of a batch's records from `bounds.from` on.
    fn max_timestamp_in(
        &self,
        file: &dyn DiskFile,
        position: u64,
        header: BatchHeader,
        bounds: &Bounds,
    ) -> Result<Option<i64>, ReadError> {
        if header.timestamp_type() == TimestampType::LogAppendTime {
            return Ok(Some(header.max_timestamp));
        }
        let batch = read_batch(file, position, header)?;
        let Ok(plain) = batch.plain_body(limits::MAX_DECOMPRESSED_BYTES) else {
            return Ok(Some(batch.header.max_timestamp));
        };
        let mut max = None;
        for record in Records::new(&plain, batch.header.record_count) {
            let record = record.map_err(|_| self.corrupt(position, "a record of the batch is malformed"))?;
            if batch.header.base_offset + i64::from(record.offset_delta) >= bounds.from {
                max = max.max(Some(batch.header.base_timestamp.saturating_add(record.timestamp_delta)));
            }
        }
        Ok(max)
    }

    fn time_entry(
        &self,
        matches: impl Fn(index::TimeEntry) -> bool,
    ) -> Result<Option<index::TimeEntry>, ReadError> {
        let Some(file) = self.open_existing(FileKind::TimeIndex)? else { return Ok(None) };
        index::find_time(&*file, ReadMode::Blocking, matches)
    }

    fn offset_of(&self, entry: index::TimeEntry) -> i64 {
        self.base_offset.saturating_add(entry.relative_offset.into())
    }

    /// The first matching record of a batch. One that cannot be looked into is answered as a whole, from its first record: a
    /// consumer that starts there misses nothing.
    fn record_in(
        &self,
        file: &dyn DiskFile,
        position: u64,
        header: BatchHeader,
        bounds: &Bounds,
    ) -> Result<Option<FoundTimestamp>, ReadError> {
        let leader_epoch = header.partition_leader_epoch;
        let whole = FoundTimestamp {
            offset: header.base_offset.max(bounds.from),
            timestamp_ms: header.max_timestamp,
            leader_epoch,
        };
        if header.record_count <= 0 {
            return Ok(None);
        }
        if header.timestamp_type() == TimestampType::LogAppendTime {
            return Ok(Some(whole));
        }
        let batch = read_batch(file, position, header)?;
        let Ok(plain) = batch.plain_body(limits::MAX_DECOMPRESSED_BYTES) else { return Ok(Some(whole)) };
        for record in Records::new(&plain, batch.header.record_count) {
            let record = record.map_err(|_| self.corrupt(position, "a record of the batch is malformed"))?;
            let offset = batch.header.base_offset + i64::from(record.offset_delta);
            let timestamp_ms = batch.header.base_timestamp.saturating_add(record.timestamp_delta);
            if timestamp_ms >= bounds.timestamp_ms && offset >= bounds.from {
                return Ok(Some(FoundTimestamp { offset, timestamp_ms, leader_epoch }));
            }
        }
        Ok(None)
    }
}

fn read_batch(file: &dyn DiskFile, position: u64, header: BatchHeader) -> Result<RecordBatch, ReadError> {
    let mut body = vec![0; header.total_len().saturating_sub(HEADER_LEN).min(limits::MAX_BATCH_BYTES)];
    let read = file.read_at(&mut body, position + HEADER_LEN as u64).map_err(ReadError::Io)?;
    body.truncate(read);
    Ok(RecordBatch { header, body: body.into() })
}
