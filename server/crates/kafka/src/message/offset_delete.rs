//! OffsetDelete (key 47).

use crate::{ErrorCode, Str};

message! {
    /// Committed offsets to delete (KIP-496).
    pub struct OffsetDeleteRequest {
        /// The unique group identifier.
        group_id: Str                           [0+],
        /// The topics to delete offsets for.
        topics:   Vec<OffsetDeleteRequestTopic> [0+],
    }

    /// In [`OffsetDeleteRequest`]`::topics`.
    pub struct OffsetDeleteRequestTopic {
        /// The topic name.
        name:       Str                               [0+],
        /// Each partition to delete offsets for.
        partitions: Vec<OffsetDeleteRequestPartition> [0+],
    }

    /// In [`OffsetDeleteRequestTopic`]`::partitions`.
    pub struct OffsetDeleteRequestPartition {
        /// The partition index.
        partition_index: i32 [0+],
    }

    /// The outcome for each partition.
    pub struct OffsetDeleteResponse {
        /// The top-level error code, or 0 if there was no error.
        error_code:       ErrorCode                      [0+],
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                            [0+],
        /// The responses for each topic.
        topics:           Vec<OffsetDeleteResponseTopic> [0+],
    }

    /// In [`OffsetDeleteResponse`]`::topics`.
    pub struct OffsetDeleteResponseTopic {
        /// The topic name.
        name:       Str                                [0+],
        /// The responses for each partition in the topic.
        partitions: Vec<OffsetDeleteResponsePartition> [0+],
    }

    /// In [`OffsetDeleteResponseTopic`]`::partitions`.
    pub struct OffsetDeleteResponsePartition {
        /// The partition index.
        partition_index: i32       [0+],
        /// The error code, or 0 if there was no error.
        error_code:      ErrorCode [0+],
    }
}
