//! ListPartitionReassignments (key 46).

use crate::{ErrorCode, Str};

message! {
    /// Asks for reassignments under way (KIP-455).
    pub struct ListPartitionReassignmentsRequest {
        /// The time in ms to wait for the request to complete.
        timeout_ms: i32                                           [0+] = 60000,
        /// The topics to list partition reassignments for, or null to list everything.
        topics:     Option<Vec<ListPartitionReassignmentsTopics>> [0+] null [0+],
    }

    /// In [`ListPartitionReassignmentsRequest`]`::topics`.
    pub struct ListPartitionReassignmentsTopics {
        /// The topic name.
        name:              Str      [0+],
        /// The partitions to list partition reassignments for.
        partition_indexes: Vec<i32> [0+],
    }

    /// The reassignments.
    pub struct ListPartitionReassignmentsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                           [0+],
        /// The top-level error code, or 0 if there was no error.
        error_code:       ErrorCode                     [0+],
        /// The top-level error message, or null if there was no error.
        error_message:    Option<Str>                   [0+] null [0+],
        /// The ongoing reassignments for each topic.
        topics:           Vec<OngoingTopicReassignment> [0+],
    }

    /// In [`ListPartitionReassignmentsResponse`]`::topics`.
    pub struct OngoingTopicReassignment {
        /// The topic name.
        name:       Str                               [0+],
        /// The ongoing reassignments for each partition.
        partitions: Vec<OngoingPartitionReassignment> [0+],
    }

    /// In [`OngoingTopicReassignment`]`::partitions`.
    pub struct OngoingPartitionReassignment {
        /// The index of the partition.
        partition_index:   i32      [0+],
        /// The current replica set.
        replicas:          Vec<i32> [0+],
        /// The set of replicas we are currently adding.
        adding_replicas:   Vec<i32> [0+],
        /// The set of replicas we are currently removing.
        removing_replicas: Vec<i32> [0+],
    }
}
