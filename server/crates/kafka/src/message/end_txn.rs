//! EndTxn (key 26).

use crate::{ErrorCode, Str};

message! {
    /// Commits or aborts a transaction (KIP-98).
    pub struct EndTxnRequest {
        /// The ID of the transaction to end.
        transactional_id: Str  [0+],
        /// The producer ID.
        producer_id:      i64  [0+],
        /// The current epoch associated with the producer.
        producer_epoch:   i16  [0+],
        /// True if the transaction was committed, false if it was aborted.
        committed:        bool [0+],
    }

    /// The outcome; from version 5 on the next producer epoch (KIP-890).
    pub struct EndTxnResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32       [0+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode [0+],
        /// The producer ID.
        producer_id:      i64       [5+] = -1,
        /// The current epoch associated with the producer.
        producer_epoch:   i16       [5+] = -1,
    }
}
