//! OffsetFetch (key 9).

use uuid::Uuid;

use crate::{ErrorCode, Str};

message! {
    /// Asks for committed offsets; of several groups at once from version 8 on (KIP-709).
    pub struct OffsetFetchRequest {
        /// The group to fetch offsets for.
        group_id:       Str                                  [1-7],
        /// Each topic we would like to fetch offsets for, or null to fetch offsets for all topics.
        topics:         Option<Vec<OffsetFetchRequestTopic>> [1-7] null [2-7],
        /// Each group we would like to fetch offsets for.
        groups:         Vec<OffsetFetchRequestGroup>         [8+],
        /// Whether broker should hold on returning unstable offsets but set a retriable error code for the
        /// partitions.
        require_stable: bool                                 [7+],
    }

    /// In [`OffsetFetchRequest`]`::topics`.
    pub struct OffsetFetchRequestTopic {
        /// The topic name.
        name:              Str      [1-7],
        /// The partition indexes we would like to fetch offsets for.
        partition_indexes: Vec<i32> [1-7],
    }

    /// In [`OffsetFetchRequest`]`::groups`.
    pub struct OffsetFetchRequestGroup {
        /// The group ID.
        group_id:     Str                                   [8+],
        /// The member id.
        member_id:    Option<Str>                           [9+] null [9+],
        /// The member epoch if using the new consumer protocol (KIP-848).
        member_epoch: i32                                   [9+] = -1,
        /// Each topic we would like to fetch offsets for, or null to fetch offsets for all topics.
        topics:       Option<Vec<OffsetFetchRequestTopics>> [8+] null [8+],
    }

    /// In [`OffsetFetchRequestGroup`]`::topics`.
    pub struct OffsetFetchRequestTopics {
        /// The topic name.
        name:              Str      [8-9],
        /// The topic ID (KIP-848).
        topic_id:          Uuid     [10+],
        /// The partition indexes we would like to fetch offsets for.
        partition_indexes: Vec<i32> [8+],
    }

    /// The committed offsets; -1 where there is none.
    pub struct OffsetFetchResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                           [3+],
        /// The responses per topic.
        topics:           Vec<OffsetFetchResponseTopic> [1-7],
        /// The top-level error code, or 0 if there was no error.
        error_code:       ErrorCode                     [2-7],
        /// The responses per group id.
        groups:           Vec<OffsetFetchResponseGroup> [8+],
    }

    /// In [`OffsetFetchResponse`]`::topics`.
    pub struct OffsetFetchResponseTopic {
        /// The topic name.
        name:       Str                               [1-7],
        /// The responses per partition.
        partitions: Vec<OffsetFetchResponsePartition> [1-7],
    }

    /// In [`OffsetFetchResponseTopic`]`::partitions`.
    pub struct OffsetFetchResponsePartition {
        /// The partition index.
        partition_index:        i32         [1-7],
        /// The committed message offset.
        committed_offset:       i64         [1-7],
        /// The leader epoch.
        committed_leader_epoch: i32         [5-7] = -1,
        /// The partition metadata.
        metadata:               Option<Str> [1-7] null [0-7],
        /// The error code, or 0 if there was no error.
        error_code:             ErrorCode   [1-7],
    }

    /// In [`OffsetFetchResponse`]`::groups`.
    pub struct OffsetFetchResponseGroup {
        /// The group ID.
        group_id:   Str                            [8+],
        /// The responses per topic.
        topics:     Vec<OffsetFetchResponseTopics> [8+],
        /// The group-level error code, or 0 if there was no error.
        error_code: ErrorCode                      [8+],
    }

    /// In [`OffsetFetchResponseGroup`]`::topics`.
    pub struct OffsetFetchResponseTopics {
        /// The topic name.
        name:       Str                                [8-9],
        /// The topic ID.
        topic_id:   Uuid                               [10+],
        /// The responses per partition.
        partitions: Vec<OffsetFetchResponsePartitions> [8+],
    }

    /// In [`OffsetFetchResponseTopics`]`::partitions`.
    pub struct OffsetFetchResponsePartitions {
        /// The partition index.
        partition_index:        i32         [8+],
        /// The committed message offset.
        committed_offset:       i64         [8+],
        /// The leader epoch.
        committed_leader_epoch: i32         [8+] = -1,
        /// The partition metadata.
        metadata:               Option<Str> [8+] null [8+],
        /// The partition-level error code, or 0 if there was no error.
        error_code:             ErrorCode   [8+],
    }
}
