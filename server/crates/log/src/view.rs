//! What readers see of a partition: an immutable list of segments, read without a lock.

use bytes::Bytes;

use crate::error::ReadError;
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
    /// Offset of the record. Of a compressed batch, whose records are not looked at: of its first record.
    pub offset: i64,
    /// Its timestamp, milliseconds since the epoch. Of a compressed batch: the batch's highest.
    pub timestamp_ms: i64,
    /// Leader epoch of its batch.
    pub leader_epoch: i32,
}

/// An immutable snapshot of a partition's segments. It stays valid while the log grows: readers bound themselves by
/// the high watermark, which they get elsewhere.
#[derive(Debug)]
pub struct LogView {
    id: PartitionId,
    log_start_offset: i64,
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
        unimplemented!()
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
        let _ = (offset, max_bytes, up_to_offset, mode);
        unimplemented!()
    }

    /// The first record below `up_to_offset` with a timestamp of at least `timestamp_ms`. Blocks.
    pub fn offset_for_timestamp(
        &self,
        timestamp_ms: i64,
        up_to_offset: i64,
    ) -> Result<Option<FoundTimestamp>, ReadError> {
        let _ = (timestamp_ms, up_to_offset);
        unimplemented!()
    }

    /// The highest timestamp below `up_to_offset`, at its first batch. Blocks.
    pub fn max_timestamp(&self, up_to_offset: i64) -> Result<Option<FoundTimestamp>, ReadError> {
        let _ = up_to_offset;
        unimplemented!()
    }

    /// `OffsetForLeaderEpoch`: the largest epoch at or below `epoch` in the log, and where it ends; (-1, -1) if
    /// `epoch` is above the latest one or nothing is known. `log_end_offset` is the end of the latest epoch.
    #[must_use]
    pub fn end_offset_for_epoch(&self, epoch: i32, log_end_offset: i64) -> (i32, i64) {
        let _ = (epoch, log_end_offset);
        unimplemented!()
    }

    /// Bytes of all segments. Blocks.
    pub fn size_bytes(&self) -> Result<u64, ReadError> {
        unimplemented!()
    }
}
