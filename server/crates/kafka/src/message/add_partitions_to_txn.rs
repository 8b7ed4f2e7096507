//! AddPartitionsToTxn (key 24).

use crate::{ErrorCode, Str};

message! {
    /// Adds partitions to a transaction (KIP-98); batched by brokers from version 4 on (KIP-890).
    pub struct AddPartitionsToTxnRequest {
        /// List of transactions to add partitions to.
        transactions:                  Vec<AddPartitionsToTxnTransaction> [4+],
        /// The transactional id corresponding to the transaction.
        v3_and_below_transactional_id: Str                                [0-3],
        /// Current producer id in use by the transactional id.
        v3_and_below_producer_id:      i64                                [0-3],
        /// Current epoch associated with the producer id.
        v3_and_below_producer_epoch:   i16                                [0-3],
        /// The partitions to add to the transaction.
        v3_and_below_topics:           Vec<AddPartitionsToTxnTopic>       [0-3],
    }

    /// In [`AddPartitionsToTxnRequest`]`::transactions`.
    pub struct AddPartitionsToTxnTransaction {
        /// The transactional id corresponding to the transaction.
        transactional_id: Str                          [4+],
        /// Current producer id in use by the transactional id.
        producer_id:      i64                          [4+],
        /// Current epoch associated with the producer id.
        producer_epoch:   i16                          [4+],
        /// Boolean to signify if we want to check if the partition is in the transaction rather than add
        /// it.
        verify_only:      bool                         [4+],
        /// The partitions to add to the transaction.
        topics:           Vec<AddPartitionsToTxnTopic> [4+],
    }

    /// In [`AddPartitionsToTxnTransaction`]`::topics`.
    pub struct AddPartitionsToTxnTopic {
        /// The name of the topic.
        name:       Str      [0+],
        /// The partition indexes to add to the transaction.
        partitions: Vec<i32> [0+],
    }

    /// The outcome for each partition.
    pub struct AddPartitionsToTxnResponse {
        /// Duration in milliseconds for which the request was throttled due to a quota violation, or zero
        /// if the request did not violate any quota.
        throttle_time_ms:              i32                                [0+],
        /// The response top level error code.
        error_code:                    ErrorCode                          [4+],
        /// Results categorized by transactional ID.
        results_by_transaction:        Vec<AddPartitionsToTxnResult>      [4+],
        /// The results for each topic.
        results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult> [0-3],
    }

    /// In [`AddPartitionsToTxnResponse`]`::results_by_transaction`.
    pub struct AddPartitionsToTxnResult {
        /// The transactional id corresponding to the transaction.
        transactional_id: Str                                [4+],
        /// The results for each topic.
        topic_results:    Vec<AddPartitionsToTxnTopicResult> [4+],
    }

    /// In [`AddPartitionsToTxnResult`]`::topic_results`.
    pub struct AddPartitionsToTxnTopicResult {
        /// The topic name.
        name:                 Str                                    [0+],
        /// The results for each partition.
        results_by_partition: Vec<AddPartitionsToTxnPartitionResult> [0+],
    }

    /// In [`AddPartitionsToTxnTopicResult`]`::results_by_partition`.
    pub struct AddPartitionsToTxnPartitionResult {
        /// The partition indexes.
        partition_index:      i32       [0+],
        /// The response error code.
        partition_error_code: ErrorCode [0+],
    }
}
