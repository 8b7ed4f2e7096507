//! Configuration: one table of settings, read from a TOML file, the environment and flags, in that order of precedence.
//!
//! ```text
//! file.toml ─┐
//! CHRONIK_* ─┼─► entries (name, text, source) ─► table `settings` ─► Config, checked as a whole
//! flags ─────┘                                        └─► check-config, sample file, documentation
//! ```
//!
//! Names that Kafka has are Kafka's. Everything known about a setting stands once, in [`settings`].

mod effective;
mod error;
mod load;
mod report;
pub mod settings;
mod value;
mod voters;

pub use effective::Unlimited;
pub use error::ConfigError;
pub use load::{ENV_PREFIX, Loader};
pub use report::{reference, report, sample_file};
pub use settings::{Config, SETTINGS, Setting, find, is_only_dynamic, nearest, nearest_of};
pub use value::{
    Allowed, CompressionType, ConfigType, HostPort, LogFormat, ReplicaSelector, TimestampSource, Value,
    WalFlush,
};
pub use voters::Voters;

use std::collections::BTreeMap;
use std::fmt;

/// Where an effective value came from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Source {
    /// The table of settings.
    #[default]
    Default,
    /// A configuration file, by its path.
    File(String),
    /// An environment variable, by its name.
    Environment(String),
    /// A flag, as it was written.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A checked configuration, and where its values came from.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The effective values.
    pub config: Config,
    /// By name of the setting; what is not here is a default.
    pub sources: BTreeMap<&'static str, Source>,
}

impl Loaded {
    /// Where the value of `name` came from.
    pub fn source_of(&self, name: &str) -> &Source {
        self.sources.get(name).unwrap_or(&Source::Default)
    }
}
