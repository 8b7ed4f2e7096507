//! OffsetCommit (key 8).

use uuid::Uuid;

use crate::{ErrorCode, Str};

message! {
    /// Offsets that a group, or a consumer without one, has processed.
    pub struct OffsetCommitRequest {
        /// The unique group identifier.
        group_id:                      Str                           [2+],
        /// The generation of the group if using the classic group protocol or the member epoch if using the
        /// consumer protocol.
        generation_id_or_member_epoch: i32                           [2+] = -1,
        /// The member ID assigned by the group coordinator.
        member_id:                     Str                           [2+],
        /// The unique identifier of the consumer instance provided by end user.
        group_instance_id:             Option<Str>                   [7+] null [7+],
        /// The time period in ms to retain the offset.
        retention_time_ms:             i64                           [2-4] = -1,
        /// The topics to commit offsets for.
        topics:                        Vec<OffsetCommitRequestTopic> [2+],
    }

    /// In [`OffsetCommitRequest`]`::topics`.
    pub struct OffsetCommitRequestTopic {
        /// The topic name.
        name:       Str                               [2-9],
        /// The topic ID (KIP-848).
        topic_id:   Uuid                              [10+],
        /// Each partition to commit offsets for.
        partitions: Vec<OffsetCommitRequestPartition> [2+],
    }

    /// In [`OffsetCommitRequestTopic`]`::partitions`.
    pub struct OffsetCommitRequestPartition {
        /// The partition index.
        partition_index:        i32         [2+],
        /// The message offset to be committed.
        committed_offset:       i64         [2+],
        /// The leader epoch of this partition.
        committed_leader_epoch: i32         [6+] = -1,
        /// Any associated metadata the client wants to keep.
        committed_metadata:     Option<Str> [2+] null [2+],
    }

    /// The outcome for each partition.
    pub struct OffsetCommitResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                            [3+],
        /// The responses for each topic.
        topics:           Vec<OffsetCommitResponseTopic> [2+],
    }

    /// In [`OffsetCommitResponse`]`::topics`.
    pub struct OffsetCommitResponseTopic {
        /// The topic name.
        name:       Str                                [2-9],
        /// The topic ID.
        topic_id:   Uuid                               [10+],
        /// The responses for each partition in the topic.
        partitions: Vec<OffsetCommitResponsePartition> [2+],
    }

    /// In [`OffsetCommitResponseTopic`]`::partitions`.
    pub struct OffsetCommitResponsePartition {
        /// The partition index.
        partition_index: i32       [2+],
        /// The error code, or 0 if there was no error.
        error_code:      ErrorCode [2+],
    }
}
