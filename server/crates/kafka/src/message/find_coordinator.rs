//! FindCoordinator (key 10).

use crate::{ErrorCode, Str};

message! {
    /// Asks which broker coordinates a group or a transactional id; several keys at once from version 4 on (KIP-699).
    pub struct FindCoordinatorRequest {
        /// The coordinator key.
        key:              Str      [0-3],
        /// The coordinator key type. (group, transaction, share).
        key_type:         i8       [1+],
        /// The coordinator keys.
        coordinator_keys: Vec<Str> [4+],
    }

    /// The coordinators.
    pub struct FindCoordinatorResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32              [1+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode        [0-3],
        /// The error message, or null if there was no error.
        error_message:    Option<Str>      [1-3] null [1-3],
        /// The node id.
        node_id:          i32              [0-3],
        /// The host name.
        host:             Str              [0-3],
        /// The port.
        port:             i32              [0-3],
        /// Each coordinator result in the response.
        coordinators:     Vec<Coordinator> [4+],
    }

    /// In [`FindCoordinatorResponse`]`::coordinators`.
    pub struct Coordinator {
        /// The coordinator key.
        key:           Str         [4+],
        /// The node id.
        node_id:       i32         [4+],
        /// The host name.
        host:          Str         [4+],
        /// The port.
        port:          i32         [4+],
        /// The error code, or 0 if there was no error.
        error_code:    ErrorCode   [4+],
        /// The error message, or null if there was no error.
        error_message: Option<Str> [4+] null [4+],
    }
}
