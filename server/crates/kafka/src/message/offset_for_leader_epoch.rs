//! OffsetForLeaderEpoch (key 23).

use crate::{ErrorCode, Str};

message! {
    /// Asks where leader epochs end, to find where two logs diverge (KIP-101, KIP-279).
    pub struct OffsetForLeaderEpochRequest {
        /// The broker ID of the follower, of -1 if this request is from a consumer.
        replica_id: i32                       [3+] = -2,
        /// Each topic to get offsets for.
        topics:     Vec<OffsetForLeaderTopic> [2+],
    }

    /// In [`OffsetForLeaderEpochRequest`]`::topics`.
    pub struct OffsetForLeaderTopic {
        /// The topic name.
        topic:      Str                           [2+],
        /// Each partition to get offsets for.
        partitions: Vec<OffsetForLeaderPartition> [2+],
    }

    /// In [`OffsetForLeaderTopic`]`::partitions`.
    pub struct OffsetForLeaderPartition {
        /// The partition index.
        partition:            i32 [2+],
        /// An epoch used to fence consumers/replicas with old metadata. If the epoch provided by the client
        /// is larger than the current epoch known to the broker, then the UNKNOWN_LEADER_EPOCH error code
        /// will be returned. If the provided epoch is smaller, then the FENCED_LEADER_EPOCH error code will
        /// be returned.
        current_leader_epoch: i32 [2+] = -1,
        /// The epoch to look up an offset for.
        leader_epoch:         i32 [2+],
    }

    /// The end offset of each epoch.
    pub struct OffsetForLeaderEpochResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                             [2+],
        /// Each topic we fetched offsets for.
        topics:           Vec<OffsetForLeaderTopicResult> [2+],
    }

    /// In [`OffsetForLeaderEpochResponse`]`::topics`.
    pub struct OffsetForLeaderTopicResult {
        /// The topic name.
        topic:      Str                 [2+],
        /// Each partition in the topic we fetched offsets for.
        partitions: Vec<EpochEndOffset> [2+],
    }

    /// In [`OffsetForLeaderTopicResult`]`::partitions`.
    pub struct EpochEndOffset {
        /// The error code 0, or if there was no error.
        error_code:   ErrorCode [2+],
        /// The partition index.
        partition:    i32       [2+],
        /// The leader epoch of the partition.
        leader_epoch: i32       [2+] = -1,
        /// The end offset of the epoch.
        end_offset:   i64       [2+] = -1,
    }
}
