//! DescribeProducers (key 61).

use crate::{ErrorCode, Str};

message! {
    /// Asks for the producers active in partitions (KIP-664).
    pub struct DescribeProducersRequest {
        /// The topics to list producers for.
        topics: Vec<TopicRequest> [0+],
    }

    /// In [`DescribeProducersRequest`]`::topics`.
    pub struct TopicRequest {
        /// The topic name.
        name:              Str      [0+],
        /// The indexes of the partitions to list producers for.
        partition_indexes: Vec<i32> [0+],
    }

    /// The producers of each partition.
    pub struct DescribeProducersResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                [0+],
        /// Each topic in the response.
        topics:           Vec<TopicResponse> [0+],
    }

    /// In [`DescribeProducersResponse`]`::topics`.
    pub struct TopicResponse {
        /// The topic name.
        name:       Str                    [0+],
        /// Each partition in the response.
        partitions: Vec<PartitionResponse> [0+],
    }

    /// In [`TopicResponse`]`::partitions`.
    pub struct PartitionResponse {
        /// The partition index.
        partition_index:  i32                [0+],
        /// The partition error code, or 0 if there was no error.
        error_code:       ErrorCode          [0+],
        /// The partition error message, which may be null if no additional details are available.
        error_message:    Option<Str>        [0+] null [0+],
        /// The active producers for the partition.
        active_producers: Vec<ProducerState> [0+],
    }

    /// In [`PartitionResponse`]`::active_producers`.
    pub struct ProducerState {
        /// The producer id.
        producer_id:              i64 [0+],
        /// The producer epoch.
        producer_epoch:           i32 [0+],
        /// The last sequence number sent by the producer.
        last_sequence:            i32 [0+] = -1,
        /// The last timestamp sent by the producer.
        last_timestamp:           i64 [0+] = -1,
        /// The current epoch of the producer group.
        coordinator_epoch:        i32 [0+],
        /// The current transaction start offset of the producer.
        current_txn_start_offset: i64 [0+] = -1,
    }
}
