//! ElectLeaders (key 43).

use crate::{ErrorCode, Str};

message! {
    /// Asks for an election of preferred or unclean leaders (KIP-183, KIP-460).
    pub struct ElectLeadersRequest {
        /// Type of elections to conduct for the partition. A value of '0' elects the preferred replica. A
        /// value of '1' elects the first live replica if there are no in-sync replica.
        election_type:    i8                           [1+],
        /// The topic partitions to elect leaders.
        topic_partitions: Option<Vec<TopicPartitions>> [0+] null [0+],
        /// The time in ms to wait for the election to complete.
        timeout_ms:       i32                          [0+] = 60000,
    }

    /// In [`ElectLeadersRequest`]`::topic_partitions`.
    pub struct TopicPartitions {
        /// The name of a topic.
        topic:      Str      [0+],
        /// The partitions of this topic whose leader should be elected.
        partitions: Vec<i32> [0+],
    }

    /// The outcome for each partition.
    pub struct ElectLeadersResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms:         i32                        [0+],
        /// The top level response error code.
        error_code:               ErrorCode                  [1+],
        /// The election results, or an empty array if the requester did not have permission and the request
        /// asks for all partitions.
        replica_election_results: Vec<ReplicaElectionResult> [0+],
    }

    /// In [`ElectLeadersResponse`]`::replica_election_results`.
    pub struct ReplicaElectionResult {
        /// The topic name.
        topic:            Str                  [0+],
        /// The results for each partition.
        partition_result: Vec<PartitionResult> [0+],
    }

    /// In [`ReplicaElectionResult`]`::partition_result`.
    pub struct PartitionResult {
        /// The partition id.
        partition_id:  i32         [0+],
        /// The result error, or zero if there was no error.
        error_code:    ErrorCode   [0+],
        /// The result message, or null if there was no error.
        error_message: Option<Str> [0+] null [0+],
    }
}
