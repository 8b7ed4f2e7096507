//! AlterPartitionReassignments (key 45).

use crate::{ErrorCode, Str};

message! {
    /// Moves replicas to other brokers, or leaves them where they were (KIP-455).
    pub struct AlterPartitionReassignmentsRequest {
        /// The time in ms to wait for the request to complete.
        timeout_ms:                      i32                    [0+] = 60000,
        /// The option indicating whether changing the replication factor of any given partition as part of
        /// this request is a valid move.
        allow_replication_factor_change: bool                   [1+] = true,
        /// The topics to reassign.
        topics:                          Vec<ReassignableTopic> [0+],
    }

    /// In [`AlterPartitionReassignmentsRequest`]`::topics`.
    pub struct ReassignableTopic {
        /// The topic name.
        name:       Str                        [0+],
        /// The partitions to reassign.
        partitions: Vec<ReassignablePartition> [0+],
    }

    /// In [`ReassignableTopic`]`::partitions`.
    pub struct ReassignablePartition {
        /// The partition index.
        partition_index: i32              [0+],
        /// The replicas to place the partitions on, or null to cancel a pending reassignment for this
        /// partition.
        replicas:        Option<Vec<i32>> [0+] null [0+],
    }

    /// The outcome for each partition.
    pub struct AlterPartitionReassignmentsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms:                i32                            [0+],
        /// The option indicating whether changing the replication factor of any given partition as part of
        /// the request was allowed.
        allow_replication_factor_change: bool                           [1+] = true,
        /// The top-level error code, or 0 if there was no error.
        error_code:                      ErrorCode                      [0+],
        /// The top-level error message, or null if there was no error.
        error_message:                   Option<Str>                    [0+] null [0+],
        /// The responses to topics to reassign.
        responses:                       Vec<ReassignableTopicResponse> [0+],
    }

    /// In [`AlterPartitionReassignmentsResponse`]`::responses`.
    pub struct ReassignableTopicResponse {
        /// The topic name.
        name:       Str                                [0+],
        /// The responses to partitions to reassign.
        partitions: Vec<ReassignablePartitionResponse> [0+],
    }

    /// In [`ReassignableTopicResponse`]`::partitions`.
    pub struct ReassignablePartitionResponse {
        /// The partition index.
        partition_index: i32         [0+],
        /// The error code for this partition, or 0 if there was no error.
        error_code:      ErrorCode   [0+],
        /// The error message for this partition, or null if there was no error.
        error_message:   Option<Str> [0+] null [0+],
    }
}
