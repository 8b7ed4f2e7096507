//! AddOffsetsToTxn (key 25).

use crate::{ErrorCode, Str};

message! {
    /// Adds a group's offsets to a transaction (KIP-98).
    pub struct AddOffsetsToTxnRequest {
        /// The transactional id corresponding to the transaction.
        transactional_id: Str [0+],
        /// Current producer id in use by the transactional id.
        producer_id:      i64 [0+],
        /// Current epoch associated with the producer id.
        producer_epoch:   i16 [0+],
        /// The unique group identifier.
        group_id:         Str [0+],
    }

    /// The outcome.
    pub struct AddOffsetsToTxnResponse {
        /// Duration in milliseconds for which the request was throttled due to a quota violation, or zero
        /// if the request did not violate any quota.
        throttle_time_ms: i32       [0+],
        /// The response error code, or 0 if there was no error.
        error_code:       ErrorCode [0+],
    }
}
