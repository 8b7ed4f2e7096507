//! UnregisterBroker (key 64).

use crate::{ErrorCode, Str};

message! {
    /// Takes a broker that will not come back out of the cluster (KIP-500).
    pub struct UnregisterBrokerRequest {
        /// The broker ID to unregister.
        broker_id: i32 [0+],
    }

    /// The outcome.
    pub struct UnregisterBrokerResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32         [0+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode   [0+],
        /// The top-level error message, or `null` if there was no top-level error.
        error_message:    Option<Str> [0+] null [0+],
    }
}
