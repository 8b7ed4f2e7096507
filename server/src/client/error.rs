//! What can go wrong between a client and a server.

use chronik_kafka::{ApiKey, DecodeError, EncodeError, ErrorCode};

use crate::config::HostPort;

/// A request that has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there, or no way leads there.
    #[error("cannot connect to {address}: {error}{hint}", hint = connect_hint(error))]
    Connect {
        /// Where.
        address: HostPort,
        /// Why.
        error: std::io::Error,
    },
    /// The connection ended before the answer came.
    #[error("the connection to {address} ended: {reason}")]
    Closed {
        /// Where.
        address: HostPort,
        /// Why, as far as is known.
        reason: String,
    },
    /// No answer in time. The request may still have been carried out.
    #[error("{address} did not answer {api:?} within {seconds} s")]
    Timeout {
        /// Where.
        address: HostPort,
        /// What was asked.
        api: ApiKey,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Client and server have no version of the API in common.
    #[error("{address} serves {api:?} in versions {theirs}, this client speaks {ours}")]
    NoCommonVersion {
        /// Where.
        address: HostPort,
        /// What was asked.
        api: ApiKey,
        /// The server's versions.
        theirs: String,
        /// Our versions.
        ours: String,
    },
    /// The answer is not what the protocol says.
    #[error("{address} sent an answer to {api:?} that makes no sense ({reason}); is it a Kafka server?")]
    Nonsense {
        /// Where.
        address: HostPort,
        /// What was asked.
        api: ApiKey,
        /// What is wrong.
        reason: String,
    },
    /// The request cannot be written.
    #[error("the request cannot be sent: {0}")]
    Encode(#[from] EncodeError),
    /// The server refused.
    #[error("{what}: {code}: {message}")]
    Refused {
        /// What was asked.
        what: String,
        /// Kafka's code.
        code: ErrorCode,
        /// The server's words, or Kafka's.
        message: String,
    },
}

impl ClientError {
    /// The server's refusal, unless `code` says that all is well.
    pub fn check(what: impl FnOnce() -> String, code: ErrorCode, message: Option<&str>) -> Result<(), Self> {
        if code.is_none() {
            return Ok(());
        }
        let message =
            message.filter(|message| !message.is_empty()).unwrap_or_else(|| code.message()).to_owned();
        Err(Self::Refused { what: what(), code, message })
    }

    /// Whether the server, an old one, does not have what was asked for.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::NoCommonVersion { .. })
    }

    /// An answer that does not mention what was asked about.
    pub(super) fn no_result(what: String) -> Self {
        let message = "the server's answer does not mention it".to_owned();
        Self::Refused { what, code: ErrorCode::UNKNOWN_SERVER_ERROR, message }
    }

    /// The code with which the server refused, if it did.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    pub(super) fn undecodable(address: &HostPort, api: ApiKey, error: &DecodeError) -> Self {
        Self::Nonsense { address: address.clone(), api, reason: error.to_string() }
    }
}

fn connect_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            "; is the server running there? (`chronik-server start`, or another --bootstrap-server)"
        }
        _ => "",
    }
}
