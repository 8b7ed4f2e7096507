//! DescribeLogDirs (key 35).

use crate::{ErrorCode, Str};

message! {
    /// Asks how much room partitions take on disk (KIP-113).
    pub struct DescribeLogDirsRequest {
        /// Each topic that we want to describe log directories for, or null for all topics.
        topics: Option<Vec<DescribableLogDirTopic>> [1+] null [0+],
    }

    /// In [`DescribeLogDirsRequest`]`::topics`.
    pub struct DescribableLogDirTopic {
        /// The topic name.
        topic:      Str      [1+],
        /// The partition indexes.
        partitions: Vec<i32> [1+],
    }

    /// Sizes by directory, topic and partition, in bytes.
    pub struct DescribeLogDirsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                        [1+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode                  [3+],
        /// The log directories.
        results:          Vec<DescribeLogDirsResult> [1+],
    }

    /// In [`DescribeLogDirsResponse`]`::results`.
    pub struct DescribeLogDirsResult {
        /// The error code, or 0 if there was no error.
        error_code:   ErrorCode                 [1+],
        /// The absolute log directory path.
        log_dir:      Str                       [1+],
        /// The topics.
        topics:       Vec<DescribeLogDirsTopic> [1+],
        /// The total size in bytes of the volume the log directory is in.
        total_bytes:  i64                       [4+] = -1,
        /// The usable size in bytes of the volume the log directory is in.
        usable_bytes: i64                       [4+] = -1,
        /// True if this log directory is cordoned (KIP-1066).
        is_cordoned:  bool                      [5+],
    }

    /// In [`DescribeLogDirsResult`]`::topics`.
    pub struct DescribeLogDirsTopic {
        /// The topic name.
        name:       Str                           [1+],
        /// The partitions.
        partitions: Vec<DescribeLogDirsPartition> [1+],
    }

    /// In [`DescribeLogDirsTopic`]`::partitions`.
    pub struct DescribeLogDirsPartition {
        /// The partition index.
        partition_index: i32  [1+],
        /// The size of the log segments in this partition in bytes.
        partition_size:  i64  [1+],
        /// The lag of the log's LEO w.r.t. partition's HW (if it is the current log for the partition) or
        /// current replica's LEO (if it is the future log for the partition).
        offset_lag:      i64  [1+],
        /// True if this log is created by AlterReplicaLogDirsRequest and will replace the current log of
        /// the replica in the future.
        is_future_key:   bool [1+],
    }
}
