//! InitProducerId (key 22).

use crate::{ErrorCode, Str};

message! {
    /// Asks for a producer id and epoch (KIP-98; KIP-360 from version 3 on).
    pub struct InitProducerIdRequest {
        /// The transactional id, or null if the producer is not transactional.
        transactional_id:       Option<Str> [0+] null [0+],
        /// The time in ms to wait before aborting idle transactions sent by this producer. This is only
        /// relevant if a TransactionalId has been defined.
        transaction_timeout_ms: i32         [0+],
        /// The producer id. This is used to disambiguate requests if a transactional id is reused following
        /// its expiration.
        producer_id:            i64         [3+] = -1,
        /// The producer's current epoch. This will be checked against the producer epoch on the broker, and
        /// the request will return an error if they do not match.
        producer_epoch:         i16         [3+] = -1,
        /// Whether the client takes part in two-phase commit (KIP-939; version 6 is not stable yet).
        enable_2_pc:            bool        [6+],
        /// Whether an ongoing prepared transaction is kept (KIP-939).
        keep_prepared_txn:      bool        [6+],
    }

    /// The producer id and epoch.
    pub struct InitProducerIdResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms:           i32       [0+],
        /// The error code, or 0 if there was no error.
        error_code:                 ErrorCode [0+],
        /// The current producer id.
        producer_id:                i64       [0+] = -1,
        /// The current epoch associated with the producer id.
        producer_epoch:             i16       [0+],
        /// The producer id for ongoing transaction when KeepPreparedTxn is used, -1 if there is no
        /// transaction ongoing.
        ongoing_txn_producer_id:    i64       [6+] = -1,
        /// The epoch associated with the  producer id for ongoing transaction when KeepPreparedTxn is used,
        /// -1 if there is no transaction ongoing.
        ongoing_txn_producer_epoch: i16       [6+] = -1,
    }
}
