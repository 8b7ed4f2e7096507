//! What readers see of a partition: an immutable list of segments, read without a lock.

mod time;

use std::sync::Arc;

use bytes::Bytes;

use crate::disk::DiskFile;
use crate::epoch::EpochCache;
use crate::error::ReadError;
use crate::segment::Segment;
use crate::types::PartitionId;

/// Whether a read may wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
    /// Page cache only; [`ReadError::WouldBlock`] otherwise.
    Inline,
    /// Waits for the disk.
    Blocking,
}

/// A record found by its timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundTimestamp {
    /// Offset of the record. Of a compressed batch that comes to more than [`limits::MAX_DECOMPRESSED_BYTES`](crate::limits): of its
    /// first record.
    pub offset: i64,
    /// Its timestamp, milliseconds since the epoch. Of such a batch: the batch's highest.
    pub timestamp_ms: i64,
    /// Leader epoch of its batch.
    pub leader_epoch: i32,
}

/// Whole batches in a segment's file.
#[derive(Debug, Clone)]
pub struct Region {
    /// The file; it stays open, also when its segment is deleted.
    pub file: Arc<dyn DiskFile>,
    /// Where they begin.
    pub position: u64,
    /// Bytes of them.
    pub len: usize,
}

/// An immutable snapshot of a partition's segments. It stays valid while the log grows: readers bound themselves by
/// the high watermark, which they get elsewhere.
#[derive(Debug)]
pub struct LogView {
    pub(crate) id: PartitionId,
    pub(crate) log_start_offset: i64,
    /// Ascending by base offset, never empty; the last one is active.
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) epochs: EpochCache,
}

impl LogView {
    /// Which partition.
    #[must_use]
    pub fn id(&self) -> PartitionId {
        self.id
    }

    /// First offset of the log.
    #[must_use]
    pub fn log_start_offset(&self) -> i64 {
        self.log_start_offset
    }

    /// Latest leader epoch in the log, or -1.
    #[must_use]
    pub fn latest_epoch(&self) -> i32 {
        self.epochs.latest()
    }

    /// Leader epoch in which `offset` was appended, or -1.
    #[must_use]
    pub fn epoch_of(&self, offset: i64) -> i32 {
        self.epochs.epoch_of(offset)
    }

    /// Whole batches, from the one that contains `offset`, as they are on disk. Batches that reach `up_to_offset`
    /// (exclusive; the high watermark or last stable offset) are left out. At least one batch is returned if there is
    /// one below `up_to_offset`, even if it is longer than `max_bytes`; more as long as they fit. Ends at the end of
    /// a segment. Empty if `offset >= up_to_offset`.
    pub fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        up_to_offset: i64,
        mode: ReadMode,
    ) -> Result<Bytes, ReadError> {
        if offset < self.log_start_offset {
            let log_start = self.log_start_offset;
            return Err(ReadError::OffsetOutOfRange { offset, log_start });
        }
        if offset >= up_to_offset {
            return Ok(Bytes::new());
        }
        for segment in &self.segments[self.segment_of(offset)..] {
            if segment.base_offset >= up_to_offset {
                break;
            }
            if let Some(bytes) = segment.read(offset, max_bytes, up_to_offset, mode)? {
                return Ok(bytes);
            }
        }
        Ok(Bytes::new())
    }

    /// Where the first of the batches that [`read`](Self::read) returns are, if they can be sent from their file: they are large, and
    /// (as far as a few looks tell) in the page cache. `None`: they are to be read.
    pub fn find_region(
        &self,
        offset: i64,
        max_bytes: usize,
        up_to_offset: i64,
    ) -> Result<Option<Region>, ReadError> {
        if !(self.log_start_offset..up_to_offset).contains(&offset) {
            return Ok(None);
        }
        let segment = &self.segments[self.segment_of(offset)];
        match segment.find_region(offset, max_bytes, up_to_offset) {
            Err(ReadError::WouldBlock) => Ok(None),
            other => other,
        }
    }

    /// `OffsetForLeaderEpoch`: the largest epoch at or below `epoch`, and where it ends; (-1, -1) if `epoch` is above
    /// `leader_epoch`, that of the leader. `log_end_offset` is the end of the latest epoch.
    #[must_use]
    pub fn end_offset_for_epoch(&self, epoch: i32, leader_epoch: i32, log_end_offset: i64) -> (i32, i64) {
        self.epochs.end_offset_for(epoch, leader_epoch, log_end_offset)
    }

    /// Bytes of all segments. Blocks.
    pub fn size_bytes(&self) -> Result<u64, ReadError> {
        self.segments.iter().map(|segment| segment.size()).sum()
    }

    /// Segments.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Index of the segment that holds `offset`.
    fn segment_of(&self, offset: i64) -> usize {
        self.segments.partition_point(|segment| segment.base_offset <= offset).saturating_sub(1)
    }
}
