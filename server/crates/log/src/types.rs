//! Names and configuration.

use std::fmt;
use std::sync::Arc;

use chronik_kafka::record_batch::TimestampType;
use uuid::Uuid;

use crate::limits;

/// Log sequence number: counts WAL records from 1, over the whole life of a data directory. 0 is "none".
pub type Lsn = u64;

/// A partition of a topic. Its directory is `<topic-id>-<partition>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId {
    /// The topic's id, which is never used again after the topic is deleted.
    pub topic_id: Uuid,
    /// Index of the partition, from 0.
    pub partition: i32,
}

impl PartitionId {
    /// Name of the directory.
    #[must_use]
    pub fn dir_name(&self) -> String {
        format!("{}-{}", self.topic_id, self.partition)
    }

    /// The id that a directory name stands for, or `None` if it is not one of ours.
    #[must_use]
    pub fn parse_dir_name(name: &str) -> Option<Self> {
        let (topic_id, partition) = (name.get(..36)?, name.get(36..)?.strip_prefix('-')?);
        let id = Self { topic_id: Uuid::parse_str(topic_id).ok()?, partition: partition.parse().ok()? };
        (id.partition >= 0 && id.dir_name() == name).then_some(id)
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic_id, self.partition)
    }
}

/// When a commit is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlushPolicy {
    /// Before it is acknowledged: what is acknowledged survives a power cut.
    #[default]
    Commit,
    /// At the first `tick` this many milliseconds after the last sync: a power cut loses what came since.
    Interval(i64),
    /// When the operating system likes, and at checkpoints.
    Os,
}

/// Configuration of a [`Log`](crate::Log).
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// Id of the data directory, written into it when it is created; a random one.
    pub new_dir_id: Uuid,
    /// When a commit is synced. `Create`, `Drop`, `Truncate`, `DeleteRecords`, `StartAt` are always synced at once.
    pub flush: FlushPolicy,
    /// Bytes of the first WAL segment.
    pub first_wal_segment_bytes: u64,
    /// Bytes of later WAL segments.
    pub wal_segment_bytes: u64,
    /// Bytes of WAL groups beyond which [`Log::must_commit_before`](crate::Log::must_commit_before) says so.
    pub max_group_bytes: u64,
    /// Bytes of metadata records since the last metadata snapshot, beyond which only a snapshot is accepted.
    pub max_metadata_records_bytes: u64,
    /// Bytes that a group appends to a partition, from which on they go straight to its segment. Only under
    /// [`FlushPolicy::Commit`]: without a sync per group there is nothing to gain.
    pub bulk_bytes: u64,
    /// Zeroed or recycled WAL segments kept ready.
    pub spare_wal_segments: usize,
    /// Bytes of log between two index entries (`index.interval.bytes`).
    pub index_interval_bytes: u64,
    /// Open partition files kept.
    pub max_open_files: usize,
    /// A producer id without a batch for this long is forgotten (`producer.id.expiration.ms`).
    pub producer_id_expiration_ms: i64,
    /// What a partition starts with until [`Log::set_config`](crate::Log::set_config).
    pub topic_defaults: Arc<TopicLogConfig>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            new_dir_id: Uuid::nil(),
            flush: FlushPolicy::Commit,
            first_wal_segment_bytes: limits::FIRST_WAL_SEGMENT_BYTES,
            wal_segment_bytes: limits::WAL_SEGMENT_BYTES,
            max_group_bytes: limits::MAX_GROUP_BYTES,
            max_metadata_records_bytes: limits::MAX_METADATA_RECORDS_BYTES,
            bulk_bytes: limits::BULK_BYTES,
            spare_wal_segments: limits::MAX_SPARE_WAL_SEGMENTS,
            index_interval_bytes: limits::INDEX_INTERVAL_BYTES,
            max_open_files: limits::MAX_OPEN_FILES,
            producer_id_expiration_ms: limits::PRODUCER_ID_EXPIRATION_MS,
            topic_defaults: Arc::new(TopicLogConfig::default()),
        }
    }
}

/// What becomes of old records: `cleanup.policy`, a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// They are deleted by time and size, in whole segments.
    pub delete: bool,
    /// The last record of every key is kept. A record without a key is refused.
    pub compact: bool,
}

impl CleanupPolicy {
    /// `delete`
    pub const DELETE: Self = Self { delete: true, compact: false };
    /// `compact`
    pub const COMPACT: Self = Self { delete: false, compact: true };
    /// `compact,delete`
    pub const COMPACT_AND_DELETE: Self = Self { delete: true, compact: true };

    /// Reads a comma-separated list; `None` if it is empty or has another word than `delete` and `compact`.
    #[must_use]
    pub fn parse(list: &str) -> Option<Self> {
        let mut policy = Self { delete: false, compact: false };
        for word in list.split(',') {
            match word.trim() {
                "delete" => policy.delete = true,
                "compact" => policy.compact = true,
                _ => return None,
            }
        }
        Some(policy)
    }
}

impl Default for CleanupPolicy {
    fn default() -> Self {
        Self::DELETE
    }
}

impl fmt::Display for CleanupPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.compact, self.delete) {
            (true, true) => "compact,delete",
            (true, false) => "compact",
            (false, true) => "delete",
            (false, false) => "",
        })
    }
}

/// Configuration of a partition's log. Not stored here: the server sets it again after `open`.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicLogConfig {
    /// `segment.bytes`: a segment is full when the next batch would pass this.
    pub segment_bytes: u64,
    /// `segment.ms`: a segment is closed when a batch comes this much later than its first one.
    pub segment_ms: i64,
    /// `retention.ms`; `None` keeps for ever.
    pub retention_ms: Option<i64>,
    /// `retention.bytes`; `None` keeps all.
    pub retention_bytes: Option<u64>,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `max.message.bytes`: bytes of one batch.
    pub max_message_bytes: usize,
    /// `cleanup.policy`
    pub cleanup_policy: CleanupPolicy,
    /// `min.cleanable.dirty.ratio`: a log is compacted when this share of what could be is not yet.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: a record stays at least this long, even if a later one has its key.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: a record is compacted after this long at most, whatever the ratio.
    pub max_compaction_lag_ms: i64,
    /// `delete.retention.ms`: a tombstone, or the marker of a transaction that left nothing, can be read this long.
    pub delete_retention_ms: i64,
}

impl TopicLogConfig {
    /// When a segment is closed: a log that is compacted must be rid of its active segment before its records are too old.
    #[must_use]
    pub fn roll_ms(&self) -> i64 {
        if self.cleanup_policy.compact {
            self.segment_ms.min(self.max_compaction_lag_ms)
        } else {
            self.segment_ms
        }
    }
}

impl Default for TopicLogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: limits::SEGMENT_BYTES,
            segment_ms: 7 * 86_400_000,
            retention_ms: Some(7 * 86_400_000),
            retention_bytes: None,
            timestamp_type: TimestampType::CreateTime,
            max_message_bytes: 1_048_588,
            cleanup_policy: CleanupPolicy::DELETE,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            delete_retention_ms: 86_400_000,
        }
    }
}

/// How far `open` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Reading WAL segments: done, total bytes.
    ScanningWal { done_bytes: u64, total_bytes: u64 },
    /// Writing appends back into their segments: done, total records.
    Replaying { done: u64, total: u64 },
    /// Checking and repairing partition directories: done, total.
    Partitions { done: usize, total: usize },
    /// Writing the checkpoint that ends recovery.
    Checkpoint,
}
