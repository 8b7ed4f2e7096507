//! DescribeTopicPartitions (key 75).

use uuid::Uuid;

use crate::{ErrorCode, Str};

message! {
    /// Asks for topics page by page (KIP-966).
    pub struct DescribeTopicPartitionsRequest {
        /// The topics to fetch details for.
        topics:                   Vec<TopicRequest> [0+],
        /// The maximum number of partitions included in the response.
        response_partition_limit: i32               [0+] = 2000,
        /// The first topic and partition index to fetch details for.
        cursor:                   Option<Cursor>    [0+] null [0+],
    }

    /// In [`DescribeTopicPartitionsRequest`]`::topics`.
    pub struct TopicRequest {
        /// The topic name.
        name: Str [0+],
    }

    /// Where a page begins.
    pub struct Cursor {
        /// The name for the first topic to process.
        topic_name:      Str [0+],
        /// The partition index to start with.
        partition_index: i32 [0+],
    }

    /// One page, and where the next begins.
    pub struct DescribeTopicPartitionsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                                       [0+],
        /// Each topic in the response.
        topics:           Vec<DescribeTopicPartitionsResponseTopic> [0+],
        /// The next topic and partition index to fetch details for.
        next_cursor:      Option<Cursor>                            [0+] null [0+],
    }

    /// In [`DescribeTopicPartitionsResponse`]`::topics`.
    pub struct DescribeTopicPartitionsResponseTopic {
        /// The topic error, or 0 if there was no error.
        error_code:                  ErrorCode                                     [0+],
        /// The topic name.
        name:                        Option<Str>                                   [0+] null [0+],
        /// The topic id.
        topic_id:                    Uuid                                          [0+],
        /// True if the topic is internal.
        is_internal:                 bool                                          [0+],
        /// Each partition in the topic.
        partitions:                  Vec<DescribeTopicPartitionsResponsePartition> [0+],
        /// 32-bit bitfield to represent authorized operations for this topic.
        topic_authorized_operations: i32                                           [0+] = i32::MIN,
    }

    /// In [`DescribeTopicPartitionsResponseTopic`]`::partitions`.
    pub struct DescribeTopicPartitionsResponsePartition {
        /// The partition error, or 0 if there was no error.
        error_code:               ErrorCode        [0+],
        /// The partition index.
        partition_index:          i32              [0+],
        /// The ID of the leader broker.
        leader_id:                i32              [0+],
        /// The leader epoch of this partition.
        leader_epoch:             i32              [0+] = -1,
        /// The set of all nodes that host this partition.
        replica_nodes:            Vec<i32>         [0+],
        /// The set of nodes that are in sync with the leader for this partition.
        isr_nodes:                Vec<i32>         [0+],
        /// The new eligible leader replicas otherwise.
        eligible_leader_replicas: Option<Vec<i32>> [0+] null [0+],
        /// The last known ELR.
        last_known_elr:           Option<Vec<i32>> [0+] null [0+],
        /// The set of offline replicas of this partition.
        offline_replicas:         Vec<i32>         [0+],
    }
}
