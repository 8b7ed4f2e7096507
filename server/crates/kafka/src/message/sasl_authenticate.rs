//! SaslAuthenticate (key 36).

use bytes::Bytes;

use crate::{ErrorCode, Str};

message! {
    /// One step of the mechanism's exchange (KIP-152).
    pub struct SaslAuthenticateRequest {
        /// The SASL authentication bytes from the client, as defined by the SASL mechanism.
        auth_bytes: Bytes [0+],
    }

    /// The mechanism's answer.
    pub struct SaslAuthenticateResponse {
        /// The error code, or 0 if there was no error.
        error_code:          ErrorCode   [0+],
        /// The error message, or null if there was no error.
        error_message:       Option<Str> [0+] null [0+],
        /// The SASL authentication bytes from the server, as defined by the SASL mechanism.
        auth_bytes:          Bytes       [0+],
        /// Number of milliseconds after which only re-authentication over the existing connection to create
        /// a new session can occur.
        session_lifetime_ms: i64         [1+],
    }
}
