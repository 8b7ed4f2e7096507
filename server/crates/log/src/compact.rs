//! Compaction (`cleanup.policy=compact`): of every key, the last record stays (Kafka: `LogCleaner`, `Cleaner`; KIP-534).
//!
//! ```text
//! owner:   begin_compaction -> CompactionJob          the log with the largest dirty share, if one is due; one job at a time
//! any:     job.step() ... step()                      1. offsets of the last records of the dirty part, by key (map)
//!                                                     2. group by group: filter segments into `<base>.log.cleaned`, synced
//! owner:   Op::Swap(cleaned)                          `Compacted` record in the WAL, then rename; a new view
//! owner:   finish_compaction
//! ```
//!
//! Only segments that are in the last checkpoint as they are now take part. So recovery finds them there, then the `Compacted` record, and
//! completes the renames; without the record, what is called `.cleaned` is removed. Readers with an older view go on in the old
//! files, which stay open for them.

mod cleaning;
mod filter;
mod job;
mod map;
mod pass;
mod plan;
mod read;
pub(crate) mod swap;
mod transactions;
mod write;

use std::io;

use chronik_kafka::record_batch::BatchError;

pub use job::{CompactionJob, CompactionStats, CompactionStep};
pub use swap::{Cleaned, CompactionOutlook};

use crate::error::{ReadError, is_storage_full};

/// Why a log could not be compacted. Nothing of it has changed.
#[derive(Debug, thiserror::Error)]
pub enum CompactionError {
    /// What is in a segment is not what was written, or cannot be understood.
    #[error("{file} at byte {position}: {reason}")]
    Corrupt {
        /// File, relative to the data directory.
        file: String,
        /// Byte in it.
        position: u64,
        /// What is wrong.
        reason: String,
    },
    /// A batch's records.
    #[error("the batch at offset {offset}: {source}")]
    Batch {
        /// Its base offset.
        offset: i64,
        /// What is wrong with it.
        source: BatchError,
    },
    /// One batch has more records than the offset map takes keys.
    #[error(
        "the batch at offset {offset} has {records} records, the offset map takes {room} keys: raise log.cleaner.dedupe.buffer.size"
    )]
    TooManyKeys {
        /// Its base offset.
        offset: i64,
        /// Its records.
        records: i64,
        /// Keys that the map takes.
        room: usize,
    },
    /// What is left of a segment is larger than a segment can be.
    #[error("what is left of segment {0} is larger than a segment can be")]
    SegmentFull(i64),
    /// Reading a segment.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The disk said no.
    #[error("compacting: {0}")]
    Io(io::Error),
    /// The log was cut, deleted or taken offline meanwhile.
    #[error("the log has changed meanwhile")]
    Overtaken,
}

impl From<io::Error> for CompactionError {
    /// A segment that is not there has been deleted since the job began, by retention or with its topic.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Overtaken,
            _ => Self::Io(error),
        }
    }
}

impl CompactionError {
    /// Whether another attempt may go better.
    fn passes(&self) -> bool {
        match self {
            Self::Io(error) => is_storage_full(error),
            Self::Overtaken => true,
            _ => false,
        }
    }
}
