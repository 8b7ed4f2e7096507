//! Errors: one enum per question asked.

use std::io;

use crate::types::PartitionId;

/// Why one operation was refused. It affects nobody else in its group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// `UNKNOWN_TOPIC_OR_PARTITION`
    #[error("no such partition here")]
    UnknownPartition,
    /// A `Create` for a partition that exists.
    #[error("the partition exists already")]
    AlreadyExists,
    /// `KAFKA_STORAGE_ERROR`: recovery or an I/O error took the partition offline on this node.
    #[error("the partition is offline: {0}")]
    Offline(String),
    /// `KAFKA_STORAGE_ERROR`: no space. Nothing of the operation is left; try again when there is space.
    #[error("no space left on the disk")]
    StorageFull,
    /// `MESSAGE_TOO_LARGE`: above `max.message.bytes`.
    #[error("batch of {bytes} bytes, at most {limit}")]
    MessageTooLarge {
        /// Bytes of the batch.
        bytes: usize,
        /// `max.message.bytes`.
        limit: usize,
    },
    /// `RECORD_LIST_TOO_LARGE`: above `segment.bytes`.
    #[error("{bytes} bytes, at most {limit}")]
    RecordListTooLarge {
        /// Bytes of the batch.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// `RECORD_LIST_TOO_LARGE`: a metadata record or a metadata snapshot above its limit.
    #[error("metadata of {bytes} bytes, at most {limit}")]
    MetadataTooLarge {
        /// Bytes of the record or snapshot.
        bytes: usize,
        /// The limit of its kind.
        limit: usize,
    },
    /// `KAFKA_STORAGE_ERROR`: the metadata records since the last metadata snapshot have grown to their limit.
    #[error(
        "{bytes} bytes of metadata records since the last metadata snapshot, at most {limit}: a snapshot must \
         take their place first"
    )]
    MetadataFull {
        /// Bytes of the records, this one included.
        bytes: u64,
        /// [`LogConfig::max_metadata_records_bytes`](crate::LogConfig::max_metadata_records_bytes)
        limit: u64,
    },
    /// `CORRUPT_MESSAGE`: the batch's header contradicts itself. (Its CRC is the caller's to check.)
    #[error("invalid batch: {0}")]
    InvalidBatch(&'static str),
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER`
    #[error("sequence {found}, expected {expected}")]
    OutOfOrderSequence {
        /// Sequence of the batch's first record.
        found: i32,
        /// What would follow.
        expected: i32,
    },
    /// `INVALID_PRODUCER_EPOCH`: a newer incarnation of the producer has written.
    #[error("producer epoch {found}, the current one is {current}")]
    InvalidProducerEpoch {
        /// Epoch of the batch.
        found: i16,
        /// Epoch of the last batch of that producer.
        current: i16,
    },
    /// `FENCED_LEADER_EPOCH`: a log never goes back in leader epoch.
    #[error("leader epoch {found}, the log is at {current}")]
    FencedLeaderEpoch {
        /// Epoch of the operation.
        found: i32,
        /// Latest epoch in the log.
        current: i32,
    },
    /// A follower's append begins before the log's end, or so far behind it that the active segment cannot index it.
    #[error("base offset {found} does not follow the log's end {log_end}")]
    UnexpectedOffset {
        /// Base offset of the batch.
        found: i64,
        /// Where the log ends.
        log_end: i64,
    },
    /// `OFFSET_OUT_OF_RANGE`
    #[error("offset {offset} is not in {log_start}..={log_end}")]
    OffsetOutOfRange {
        /// The offset asked for.
        offset: i64,
        /// First offset of the log.
        log_start: i64,
        /// Offset after the last.
        log_end: i64,
    },
    /// The group is full, or holds an operation that this one must not share a group with: commit, then stage
    /// again. [`Log::must_commit_before`](crate::Log::must_commit_before) says so beforehand.
    #[error("the staged group must be committed first")]
    CommitFirst,
}

/// Why a whole group failed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// No space for the WAL: every staged operation is dropped, nothing is acknowledged, nothing torn is left. Later
    /// groups are tried as usual. (A full disk that shows only at a segment rejects that partition's operations.)
    #[error("no space left on the disk")]
    StorageFull,
    /// The process must stop: a failed sync or write leaves the state of the disk unknown, and trying again on the
    /// same file descriptor would report success for lost data. Every later call fails, too.
    #[error("fatal storage error, the process must stop: {0}")]
    Fatal(String),
}

/// Why a data directory could not be opened, checkpointed or closed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another process uses the directory.
    #[error("{0}")]
    Locked(String),
    /// The files are of a newer format.
    #[error(
        "{file} has format version {found}, this build reads up to {supported}: start the version that wrote it"
    )]
    NewerFormat {
        /// Which file.
        file: String,
        /// Its version.
        found: u32,
        /// Newest version known here.
        supported: u32,
    },
    /// A file without which nothing can be known is damaged.
    #[error("{file} is damaged at byte {position}: {reason}")]
    Corrupt {
        /// Which file.
        file: String,
        /// Where in it.
        position: u64,
        /// What is wrong.
        reason: String,
    },
    /// The disk said no.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the file's name.
        what: String,
        /// The error.
        source: io::Error,
    },
    /// The disk is full, and what is being done needs room.
    #[error(
        "{what}: no space left on the disk; remove other files from it, or make it larger, and start again"
    )]
    Full {
        /// What was being done, with the file's name.
        what: String,
    },
    /// An earlier error was fatal: see [`CommitError::Fatal`].
    #[error("fatal storage error, the process must stop: {0}")]
    Fatal(String),
}

impl LogError {
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        let what = what.into();
        if is_storage_full(&source) { Self::Full { what } } else { Self::Io { what, source } }
    }

    pub(crate) fn corrupt(file: impl Into<String>, position: u64, reason: impl Into<String>) -> Self {
        Self::Corrupt { file: file.into(), position, reason: reason.into() }
    }
}

/// Why a read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// `OFFSET_OUT_OF_RANGE`: below the log start.
    #[error("offset {offset} is below the log start {log_start}")]
    OffsetOutOfRange {
        /// The offset asked for.
        offset: i64,
        /// First offset of the log.
        log_start: i64,
    },
    /// Inline mode: the bytes are not in the page cache; ask again in blocking mode on another thread.
    #[error("not in the page cache")]
    WouldBlock,
    /// The view is outdated: its segment has been deleted since. Take the current view and ask again.
    #[error("the segment has been deleted")]
    Stale,
    /// `KAFKA_STORAGE_ERROR`/`CORRUPT_MESSAGE`: bytes below the end are not what was written.
    #[error("{partition}: segment {base_offset} is damaged at byte {position}: {reason}")]
    Corrupt {
        /// Which partition.
        partition: PartitionId,
        /// Which segment.
        base_offset: i64,
        /// Where in it.
        position: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The disk said no.
    #[error("reading a segment: {0}")]
    Io(io::Error),
}

/// Whether an error means "no space", which passes, rather than a broken disk.
pub(crate) fn is_storage_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
