//! ListTransactions (key 66).

use crate::{ErrorCode, Str};

message! {
    /// Asks for the transactions that the broker coordinates (KIP-664).
    pub struct ListTransactionsRequest {
        /// The transaction states to filter by: if empty, all transactions are returned; if non-empty, then
        /// only transactions matching one of the filtered states will be returned.
        state_filters:            Vec<Str>    [0+],
        /// The producerIds to filter by: if empty, all transactions will be returned; if non-empty, only
        /// transactions which match one of the filtered producerIds will be returned.
        producer_id_filters:      Vec<i64>    [0+],
        /// Duration (in millis) to filter by: if < 0, all transactions will be returned; otherwise, only
        /// transactions running longer than this duration will be returned.
        duration_filter:          i64         [1+] = -1,
        /// The transactional ID regular expression pattern to filter by: if it is empty or null, all
        /// transactions are returned; Otherwise then only the transactions matching the given regular
        /// expression will be returned.
        transactional_id_pattern: Option<Str> [2+] null [2+],
    }

    /// The transactions.
    pub struct ListTransactionsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms:      i32                   [0+],
        /// The error code, or 0 if there was no error.
        error_code:            ErrorCode             [0+],
        /// Set of state filters provided in the request which were unknown to the transaction coordinator.
        unknown_state_filters: Vec<Str>              [0+],
        /// The current state of the transaction for the transactional id.
        transaction_states:    Vec<TransactionState> [0+],
    }

    /// In [`ListTransactionsResponse`]`::transaction_states`.
    pub struct TransactionState {
        /// The transactional id.
        transactional_id:  Str [0+],
        /// The producer id.
        producer_id:       i64 [0+],
        /// The current transaction state of the producer.
        transaction_state: Str [0+],
    }
}
