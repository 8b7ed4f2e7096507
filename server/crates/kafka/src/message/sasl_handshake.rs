//! SaslHandshake (key 17).

use crate::{ErrorCode, Str};

message! {
    /// Chooses a SASL mechanism (KIP-43).
    pub struct SaslHandshakeRequest {
        /// The SASL mechanism chosen by the client.
        mechanism: Str [0+],
    }

    /// Whether the mechanism is enabled, and which are.
    pub struct SaslHandshakeResponse {
        /// The error code, or 0 if there was no error.
        error_code: ErrorCode [0+],
        /// The mechanisms enabled in the server.
        mechanisms: Vec<Str>  [0+],
    }
}
