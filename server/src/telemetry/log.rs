//! Logs: lines for people or JSON, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::LogFormat;

/// Why logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `log.level` is not one.
    #[error(
        "log.level = '{level}': {reason}; use error, warn, info, debug or trace, also per module: info,chronik_server::net=debug"
    )]
    BadLevel {
        /// As given.
        level: String,
        /// What is wrong.
        reason: String,
    },
    /// They are set up already.
    #[error("logs are set up already")]
    Twice,
}

/// Sends the logs of the whole process to standard error, from `level` up.
///
/// # Errors
/// `level` is none, or logs are set up already.
pub fn init(level: &str, format: LogFormat) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(level)
        .map_err(|error| LogError::BadLevel { level: level.to_owned(), reason: error.to_string() })?;
    let lines = match format {
        LogFormat::Human => human(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init().map_err(|_| LogError::Twice)
}

fn human() -> Box<dyn Layer<Registry> + Send + Sync> {
    fmt::layer()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .boxed()
}
