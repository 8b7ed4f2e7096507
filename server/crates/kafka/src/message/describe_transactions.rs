//! DescribeTransactions (key 65).

use crate::{ErrorCode, Str};

message! {
    /// Asks for the state of transactions (KIP-664).
    pub struct DescribeTransactionsRequest {
        /// Array of transactionalIds to include in describe results. If empty, then no results will be
        /// returned.
        transactional_ids: Vec<Str> [0+],
    }

    /// The state of each transaction.
    pub struct DescribeTransactionsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms:   i32                   [0+],
        /// The current state of the transaction.
        transaction_states: Vec<TransactionState> [0+],
    }

    /// In [`DescribeTransactionsResponse`]`::transaction_states`.
    pub struct TransactionState {
        /// The error code.
        error_code:                ErrorCode      [0+],
        /// The transactional id.
        transactional_id:          Str            [0+],
        /// The current transaction state of the producer.
        transaction_state:         Str            [0+],
        /// The timeout in milliseconds for the transaction.
        transaction_timeout_ms:    i32            [0+],
        /// The start time of the transaction in milliseconds.
        transaction_start_time_ms: i64            [0+],
        /// The current producer id associated with the transaction.
        producer_id:               i64            [0+],
        /// The current epoch associated with the producer id.
        producer_epoch:            i16            [0+],
        /// The set of partitions included in the current transaction (if active). When a transaction is
        /// preparing to commit or abort, this will include only partitions which do not have markers.
        topics:                    Vec<TopicData> [0+],
    }

    /// In [`TransactionState`]`::topics`.
    pub struct TopicData {
        /// The topic name.
        topic:      Str      [0+],
        /// The partition ids included in the current transaction.
        partitions: Vec<i32> [0+],
    }
}
