//! DeleteRecords (key 21).

use crate::{ErrorCode, Str};

message! {
    /// Asks to delete the records before an offset (KIP-107).
    pub struct DeleteRecordsRequest {
        /// Each topic that we want to delete records from.
        topics:     Vec<DeleteRecordsTopic> [0+],
        /// How long to wait for the deletion to complete, in milliseconds.
        timeout_ms: i32                     [0+],
    }

    /// In [`DeleteRecordsRequest`]`::topics`.
    pub struct DeleteRecordsTopic {
        /// The topic name.
        name:       Str                         [0+],
        /// Each partition that we want to delete records from.
        partitions: Vec<DeleteRecordsPartition> [0+],
    }

    /// In [`DeleteRecordsTopic`]`::partitions`.
    pub struct DeleteRecordsPartition {
        /// The partition index.
        partition_index: i32 [0+],
        /// The deletion offset.
        offset:          i64 [0+],
    }

    /// The new log start offsets.
    pub struct DeleteRecordsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                           [0+],
        /// Each topic that we wanted to delete records from.
        topics:           Vec<DeleteRecordsTopicResult> [0+],
    }

    /// In [`DeleteRecordsResponse`]`::topics`.
    pub struct DeleteRecordsTopicResult {
        /// The topic name.
        name:       Str                               [0+],
        /// Each partition that we wanted to delete records from.
        partitions: Vec<DeleteRecordsPartitionResult> [0+],
    }

    /// In [`DeleteRecordsTopicResult`]`::partitions`.
    pub struct DeleteRecordsPartitionResult {
        /// The partition index.
        partition_index: i32       [0+],
        /// The partition low water mark.
        low_watermark:   i64       [0+],
        /// The deletion error code, or 0 if the deletion succeeded.
        error_code:      ErrorCode [0+],
    }
}
