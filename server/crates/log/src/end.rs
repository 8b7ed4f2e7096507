//! The end of a partition's log: where the next batch goes, and what goes into the indexes. Pure.

use chronik_kafka::record_batch::BatchHeader;

use crate::index::{IndexEntry, TimeEntry};
use crate::segment::Sealed;
use crate::types::TopicLogConfig;

/// No timestamp yet.
pub(crate) const NO_TIMESTAMP: i64 = -1;

/// Everything about the active segment that appending changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogEnd {
    /// Offset of the next record.
    pub(crate) offset: i64,
    /// Base offset of the active segment.
    pub(crate) segment_base: i64,
    /// Bytes of its log file.
    pub(crate) position: u64,
    /// Highest timestamp of its first batch, milliseconds since the epoch: `segment.ms` counts from it.
    pub(crate) first_timestamp: i64,
    /// Highest timestamp in it, and the last offset of the batch that brought it.
    pub(crate) max_timestamp: i64,
    pub(crate) max_timestamp_offset: i64,
    /// Bytes since the last index entry.
    pub(crate) unindexed_bytes: u64,
    /// Entries of the offset index and of the time index.
    pub(crate) index_entries: u32,
    pub(crate) time_entries: u32,
    /// Timestamp of the last time index entry.
    pub(crate) last_indexed_timestamp: i64,
}

/// Index entries that one append brings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NewEntries {
    pub(crate) index: Option<IndexEntry>,
    pub(crate) time: Option<TimeEntry>,
}

impl LogEnd {
    /// An empty segment at `offset`.
    pub(crate) fn empty(offset: i64) -> Self {
        Self {
            offset,
            segment_base: offset,
            position: 0,
            first_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            max_timestamp_offset: offset,
            unindexed_bytes: 0,
            index_entries: 0,
            time_entries: 0,
            last_indexed_timestamp: NO_TIMESTAMP,
        }
    }

    /// Whether a batch must begin a new segment: by size, by relative offset, by time.
    pub(crate) fn must_roll(&self, header: &BatchHeader, len: u64, config: &TopicLogConfig) -> bool {
        if self.position == 0 {
            return false;
        }
        let waited_ms = header.max_timestamp.saturating_sub(self.first_timestamp);
        self.position + len > config.segment_bytes.min(crate::limits::MAX_SEGMENT_BYTES)
            || !self.can_index(header)
            || (self.first_timestamp >= 0 && header.max_timestamp >= 0 && waited_ms > config.roll_ms())
    }

    /// Whether the offsets of a batch can be told relative to the segment's base.
    pub(crate) fn can_index(&self, header: &BatchHeader) -> bool {
        header.last_offset() - self.segment_base <= i64::from(i32::MAX)
    }

    /// Facts of the active segment as it is now.
    pub(crate) fn sealed(&self) -> Sealed {
        Sealed { size: self.position, end_offset: self.offset, max_timestamp: self.max_timestamp }
    }

    /// The entry that closes the time index.
    pub(crate) fn closing_time_entry(&mut self) -> Option<TimeEntry> {
        let entry = (self.max_timestamp > self.last_indexed_timestamp).then(|| self.time_entry());
        if entry.is_some() {
            self.time_entries += 1;
            self.last_indexed_timestamp = self.max_timestamp;
        }
        entry
    }

    /// Appends a batch that has its offsets, at the current position.
    pub(crate) fn append(&mut self, header: &BatchHeader, len: u64, index_interval_bytes: u64) -> NewEntries {
        let mut new = NewEntries::default();
        if self.position == 0 {
            self.first_timestamp = header.max_timestamp;
        }
        if header.max_timestamp > self.max_timestamp {
            self.max_timestamp = header.max_timestamp;
            self.max_timestamp_offset = header.last_offset();
        }
        if self.unindexed_bytes > index_interval_bytes {
            new.index = Some(IndexEntry {
                relative_offset: self.relative(header.last_offset()),
                position: u32::try_from(self.position).unwrap_or(u32::MAX),
            });
            self.index_entries += 1;
            self.unindexed_bytes = 0;
            new.time = self.closing_time_entry();
        }
        self.unindexed_bytes += len;
        self.position += len;
        self.offset = header.next_offset();
        new
    }

    fn time_entry(&self) -> TimeEntry {
        TimeEntry {
            timestamp_ms: self.max_timestamp,
            relative_offset: self.relative(self.max_timestamp_offset),
        }
    }

    fn relative(&self, offset: i64) -> u32 {
        u32::try_from(offset - self.segment_base).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use chronik_kafka::record_batch::BatchBuilder;

    use super::*;

    fn header(timestamp_ms: i64) -> BatchHeader {
        let mut builder = BatchBuilder::new();
        builder.record(timestamp_ms, None, None);
        builder.build().header
    }

    #[test]
    fn a_segment_rolls_by_size_offset_and_time() {
        let config = TopicLogConfig { segment_bytes: 1000, segment_ms: 50, ..TopicLogConfig::default() };
        let mut end = LogEnd::empty(5);
        assert!(!end.must_roll(&header(0), 5000, &config), "an empty segment takes any batch");
        end.append(&BatchHeader { base_offset: 5, ..header(100) }, 900, 4096);
        assert!(!end.must_roll(&header(150), 100, &config));
        assert!(end.must_roll(&header(150), 101, &config));
        assert!(end.must_roll(&header(151), 1, &config));
        let base_offset = 5 + i64::from(i32::MAX);
        assert!(!end.must_roll(&BatchHeader { base_offset, ..header(100) }, 1, &config));
        assert!(end.must_roll(&BatchHeader { base_offset: base_offset + 1, ..header(100) }, 1, &config));
    }

    #[test]
    fn one_entry_per_interval() {
        let mut end = LogEnd::empty(0);
        let mut entries = 0;
        for offset in 0..95 {
            let new = end.append(&BatchHeader { base_offset: offset, ..header(offset) }, 100, 1000);
            entries += u32::from(new.index.is_some());
            assert_eq!(new.index.is_some(), new.time.is_some());
        }
        assert_eq!((entries, end.index_entries, end.time_entries), (8, 8, 8));
        assert!(end.closing_time_entry().is_some());
        assert!(end.closing_time_entry().is_none());
    }
}
