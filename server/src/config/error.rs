//! What can be wrong with a configuration: each error says what, where, and what to do.

use super::Source;
use super::settings::nearest;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {error}")]
    Unreadable {
        /// Its path.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {path} is not valid TOML:\n{reason}")]
    NotToml {
        /// Its path.
        path: String,
        /// Where and why.
        reason: String,
    },
    /// No setting has that name.
    #[error("unknown setting '{name}' ({from}){hint}", hint = hint(name))]
    Unknown {
        /// The name as given.
        name: String,
        /// Where it was given.
        from: Source,
    },
    /// The value is not one that the setting takes.
    #[error("{name} = '{text}' ({from}): {reason}")]
    BadValue {
        /// The setting.
        name: String,
        /// The value as given.
        text: String,
        /// Where it was given.
        from: Source,
        /// What it must be.
        reason: String,
    },
    /// The same setting twice in one place.
    #[error("{name} is given twice ({from}); remove one of them")]
    Twice {
        /// The setting.
        name: String,
        /// Where.
        from: Source,
    },
    /// `--set` without `=`.
    #[error("--set {text}: write --set name=value")]
    NotAssignment {
        /// What was given.
        text: String,
    },
    /// The values contradict each other.
    #[error("{0}")]
    Contradiction(String),
}

fn hint(name: &str) -> String {
    match nearest(name) {
        Some(known) => format!("; did you mean '{known}'?"),
        None => "; `chronik-server check-config --reference` lists all settings".to_owned(),
    }
}
