//! TxnOffsetCommit (key 28).

use crate::{ErrorCode, Str};

message! {
    /// Offsets that take effect when the transaction commits (KIP-98).
    pub struct TxnOffsetCommitRequest {
        /// The ID of the transaction.
        transactional_id:  Str                              [0+],
        /// The ID of the group.
        group_id:          Str                              [0+],
        /// The current producer ID in use by the transactional ID.
        producer_id:       i64                              [0+],
        /// The current epoch associated with the producer ID.
        producer_epoch:    i16                              [0+],
        /// The generation of the consumer.
        generation_id:     i32                              [3+] = -1,
        /// The member ID assigned by the group coordinator.
        member_id:         Str                              [3+],
        /// The unique identifier of the consumer instance provided by end user.
        group_instance_id: Option<Str>                      [3+] null [3+],
        /// Each topic that we want to commit offsets for.
        topics:            Vec<TxnOffsetCommitRequestTopic> [0+],
    }

    /// In [`TxnOffsetCommitRequest`]`::topics`.
    pub struct TxnOffsetCommitRequestTopic {
        /// The topic name.
        name:       Str                                  [0+],
        /// The partitions inside the topic that we want to commit offsets for.
        partitions: Vec<TxnOffsetCommitRequestPartition> [0+],
    }

    /// In [`TxnOffsetCommitRequestTopic`]`::partitions`.
    pub struct TxnOffsetCommitRequestPartition {
        /// The index of the partition within the topic.
        partition_index:        i32         [0+],
        /// The message offset to be committed.
        committed_offset:       i64         [0+],
        /// The leader epoch of the last consumed record.
        committed_leader_epoch: i32         [2+] = -1,
        /// Any associated metadata the client wants to keep.
        committed_metadata:     Option<Str> [0+] null [0+],
    }

    /// The outcome for each partition.
    pub struct TxnOffsetCommitResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                               [0+],
        /// The responses for each topic.
        topics:           Vec<TxnOffsetCommitResponseTopic> [0+],
    }

    /// In [`TxnOffsetCommitResponse`]`::topics`.
    pub struct TxnOffsetCommitResponseTopic {
        /// The topic name.
        name:       Str                                   [0+],
        /// The responses for each partition in the topic.
        partitions: Vec<TxnOffsetCommitResponsePartition> [0+],
    }

    /// In [`TxnOffsetCommitResponseTopic`]`::partitions`.
    pub struct TxnOffsetCommitResponsePartition {
        /// The partition index.
        partition_index: i32       [0+],
        /// The error code, or 0 if there was no error.
        error_code:      ErrorCode [0+],
    }
}
