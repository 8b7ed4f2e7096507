//! Operations on a log, and what becomes of them.

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::RecordBatch;

use crate::compact::Cleaned;
use crate::error::OpError;
use crate::types::{Lsn, PartitionId, TopicLogConfig};
use crate::view::LogView;

/// Everything that changes a log.
#[derive(Debug, Clone)]
pub enum Op {
    /// Appends one batch, which the caller has validated (CRC included).
    Append {
        /// Where to.
        id: PartitionId,
        /// The batch; its base offset and leader epoch are set here if `origin` is the leader.
        batch: RecordBatch,
        /// Who gives the offsets.
        origin: Origin,
        /// Milliseconds since the epoch: append time, producer expiry.
        now_ms: i64,
    },
    /// A metadata record: kept in order, by checkpoints too, and handed back by recovery until a metadata snapshot takes
    /// its place.
    Metadata(Bytes),
    /// A metadata snapshot: takes the place of the one before and of all metadata records that were staged before it.
    MetadataSnapshot(Bytes),
    /// A new, empty partition.
    Create {
        /// Which.
        id: PartitionId,
        /// Its configuration.
        config: Arc<TopicLogConfig>,
    },
    /// Deletes a partition and its files.
    Drop {
        /// Which.
        id: PartitionId,
    },
    /// Cuts a partition's end, so that no offset at or above `to` remains. A batch that holds `to` goes whole. A log that starts above is empty then, and ends at `to`, or where its
    /// first segment begins: what its leader sends next may begin below its start, with a batch that holds it.
    Truncate {
        /// Which.
        id: PartitionId,
        /// The new end, at most; not negative.
        to: i64,
        /// Leader epoch in which the truncation was decided; noted in the WAL.
        leader_epoch: i32,
    },
    /// Moves the log start up (`DeleteRecords`); segments wholly below it are deleted.
    DeleteRecords {
        /// Which.
        id: PartitionId,
        /// The new log start. The caller bounds it by the high watermark. -1 stands for the log end.
        before_offset: i64,
    },
    /// Empties a log, which goes on at an offset that is not below its end: of a follower whose leader has nothing any more of what comes in between
    /// (Kafka's `truncateFullyAndStartAt`).
    StartAt {
        /// Which.
        id: PartitionId,
        /// The new log start, and log end.
        offset: i64,
    },
    /// Puts a segment that was compacted in the place of those that it was made of.
    Swap(Box<Cleaned>),
    /// Deletes the oldest segments of all partitions by time and size.
    EnforceRetention {
        /// Milliseconds since the epoch.
        now_ms: i64,
    },
}

/// Who gives a batch its offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// We lead: the batch gets the next offset and this epoch.
    Leader {
        /// Our epoch.
        epoch: i32,
    },
    /// We follow: the batch has its offset and epoch. Its sequence is not questioned.
    Follower {
        /// Where the log must end, so that nothing that the leader has is left out: the batch may begin later, for compaction leaves gaps.
        log_end: i64,
    },
}

/// Index of a staged operation in its group, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staged(pub usize);

/// What a commit did.
#[derive(Debug, Default)]
pub struct Committed {
    /// One for each staged operation, in stage order.
    pub outcomes: Vec<Result<Outcome, OpError>>,
    /// One for each partition whose end, start or view changed.
    pub touched: Vec<Touched>,
    /// LSN of the last record of the group.
    pub lsn: Lsn,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The batch is in the log.
    Appended(Appended),
    /// The metadata record, or snapshot, is in the WAL.
    Metadata,
    /// The partition exists.
    Created,
    /// The partition is gone.
    Dropped,
    /// The log was cut.
    Truncated {
        /// Where it ends now.
        log_end_offset: i64,
    },
    /// The log start was moved.
    RecordsDeleted {
        /// Where the log starts now (`low_watermark` of `DeleteRecords`).
        log_start_offset: i64,
    },
    /// The log is empty, and goes on at an offset.
    StartedAt {
        /// Where it starts and ends now.
        offset: i64,
    },
    /// Compacted segments were put in their place.
    Swapped {
        /// If not, the log has changed meanwhile, and nothing was done.
        swapped: bool,
    },
    /// Retention was enforced.
    Retained {
        /// Segments deleted.
        segments_deleted: usize,
        /// Whether there is more to delete.
        more: bool,
    },
}

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// Milliseconds since the epoch with `LogAppendTime`, -1 with `CreateTime`.
    pub log_append_time_ms: i64,
    /// First offset of the log.
    pub log_start_offset: i64,
    /// Whether this is the answer to a retry: the batch was in the log already, at these offsets.
    pub duplicate: bool,
}

/// What changed in a partition.
#[derive(Debug, Clone)]
pub struct Touched {
    /// Which.
    pub id: PartitionId,
    /// Offset after the last.
    pub log_end_offset: i64,
    /// First offset.
    pub log_start_offset: i64,
    /// The new view, if it changed; to be published before the high watermark moves.
    pub view: Option<Arc<LogView>>,
    /// Whether the partition was dropped.
    pub dropped: bool,
}
