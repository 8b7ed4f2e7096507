//! Produce (key 0).

use bytes::Bytes;
use uuid::Uuid;

use crate::{ErrorCode, Str};

message! {
    /// What a producer sends: record batches by topic and partition. Topics are named by id from version 13 on (KIP-516).
    pub struct ProduceRequest {
        /// The transactional ID, or null if the producer is not transactional.
        transactional_id: Option<Str>           [3+] null [3+],
        /// The number of acknowledgments the producer requires the leader to have received before
        /// considering a request complete. Allowed values: 0 for no acknowledgments, 1 for only the leader
        /// and -1 for the full ISR.
        acks:             i16                   [3+],
        /// The timeout to await a response in milliseconds.
        timeout_ms:       i32                   [3+],
        /// Each topic to produce to.
        topic_data:       Vec<TopicProduceData> [3+],
    }

    /// In [`ProduceRequest`]`::topic_data`.
    pub struct TopicProduceData {
        /// The topic name.
        name:           Str                       [3-12],
        /// The unique topic ID
        topic_id:       Uuid                      [13+],
        /// Each partition to produce to.
        partition_data: Vec<PartitionProduceData> [3+],
    }

    /// In [`TopicProduceData`]`::partition_data`.
    pub struct PartitionProduceData {
        /// The partition index.
        index:   i32           [3+],
        /// The record data to be produced.
        records: Option<Bytes> [3+] null [3+],
    }

    /// The offset that each partition's batch was given, or why not.
    pub struct ProduceResponse {
        /// Each produce response.
        responses:        Vec<TopicProduceResponse> [3+],
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                       [3+],
        /// Endpoints for all current-leaders enumerated in PartitionProduceResponses, with errors
        /// NOT_LEADER_OR_FOLLOWER.
        node_endpoints:   Vec<NodeEndpoint>         [10+] tag 0,
    }

    /// In [`ProduceResponse`]`::responses`.
    pub struct TopicProduceResponse {
        /// The topic name.
        name:                Str                           [3-12],
        /// The unique topic ID
        topic_id:            Uuid                          [13+],
        /// Each partition that we produced to within the topic.
        partition_responses: Vec<PartitionProduceResponse> [3+],
    }

    /// In [`TopicProduceResponse`]`::partition_responses`.
    pub struct PartitionProduceResponse {
        /// The partition index.
        index:              i32                            [3+],
        /// The error code, or 0 if there was no error.
        error_code:         ErrorCode                      [3+],
        /// The base offset.
        base_offset:        i64                            [3+],
        /// The timestamp returned by broker after appending the messages. If CreateTime is used for the
        /// topic, the timestamp will be -1.  If LogAppendTime is used for the topic, the timestamp will be
        /// the broker local time when the messages are appended.
        log_append_time_ms: i64                            [3+] = -1,
        /// The log start offset.
        log_start_offset:   i64                            [5+] = -1,
        /// The batch indices of records that caused the batch to be dropped.
        record_errors:      Vec<BatchIndexAndErrorMessage> [8+],
        /// The global error message summarizing the common root cause of the records that caused the batch
        /// to be dropped.
        error_message:      Option<Str>                    [8+] null [8+],
        /// The leader broker that the producer should use for future requests.
        current_leader:     LeaderIdAndEpoch               [10+] tag 0,
    }

    /// In [`PartitionProduceResponse`]`::record_errors`.
    pub struct BatchIndexAndErrorMessage {
        /// The batch index of the record that caused the batch to be dropped.
        batch_index:               i32         [8+],
        /// The error message of the record that caused the batch to be dropped.
        batch_index_error_message: Option<Str> [8+] null [8+],
    }

    /// In [`PartitionProduceResponse`]`::current_leader`.
    pub struct LeaderIdAndEpoch {
        /// The ID of the current leader or -1 if the leader is unknown.
        leader_id:    i32 [10+] = -1,
        /// The latest known leader epoch.
        leader_epoch: i32 [10+] = -1,
    }

    /// In [`ProduceResponse`]`::node_endpoints`.
    pub struct NodeEndpoint {
        /// The ID of the associated node.
        node_id: i32         [10+],
        /// The node's hostname.
        host:    Str         [10+],
        /// The node's port.
        port:    i32         [10+],
        /// The rack of the node, or null if it has not been assigned to a rack.
        rack:    Option<Str> [10+] null [10+],
    }
}
