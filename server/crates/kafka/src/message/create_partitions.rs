//! CreatePartitions (key 37).

use crate::{ErrorCode, Str};

message! {
    /// Raises the number of partitions of topics (KIP-195).
    pub struct CreatePartitionsRequest {
        /// Each topic that we want to create new partitions inside.
        topics:        Vec<CreatePartitionsTopic> [0+],
        /// The time in ms to wait for the partitions to be created.
        timeout_ms:    i32                        [0+],
        /// If true, then validate the request, but don't actually increase the number of partitions.
        validate_only: bool                       [0+],
    }

    /// In [`CreatePartitionsRequest`]`::topics`.
    pub struct CreatePartitionsTopic {
        /// The topic name.
        name:        Str                                     [0+],
        /// The new partition count.
        count:       i32                                     [0+],
        /// The new partition assignments.
        assignments: Option<Vec<CreatePartitionsAssignment>> [0+] null [0+],
    }

    /// In [`CreatePartitionsTopic`]`::assignments`.
    pub struct CreatePartitionsAssignment {
        /// The assigned broker IDs.
        broker_ids: Vec<i32> [0+],
    }

    /// The outcome for each topic.
    pub struct CreatePartitionsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                              [0+],
        /// The partition creation results for each topic.
        results:          Vec<CreatePartitionsTopicResult> [0+],
    }

    /// In [`CreatePartitionsResponse`]`::results`.
    pub struct CreatePartitionsTopicResult {
        /// The topic name.
        name:          Str         [0+],
        /// The result error, or zero if there was no error.
        error_code:    ErrorCode   [0+],
        /// The result message, or null if there was no error.
        error_message: Option<Str> [0+] null [0+],
    }
}
