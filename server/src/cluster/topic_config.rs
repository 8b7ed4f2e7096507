//! Names and settings of topics: what is allowed, and what they come to for a partition's log.

mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chronik_log::TopicLogConfig;

pub use settings::{TOPIC_SETTINGS, TopicSetting, behind, find};

use crate::config::{Config, nearest_of};
use crate::limits;

/// Settings of one resource, by name.
pub type Configs = BTreeMap<String, String>;

/// Why a topic's name or settings are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicConfigError {
    /// `INVALID_TOPIC_EXCEPTION`
    #[error("topic name {name:?} is invalid: {why}")]
    Name {
        /// What was asked for.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `INVALID_CONFIG`
    #[error("'{key}' is not a setting of a topic{hint}", hint = hint(*nearest))]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// The setting that was probably meant.
        nearest: Option<&'static str>,
    },
    /// `INVALID_CONFIG`
    #[error("{key} = '{value}': {reason}")]
    Value {
        /// The setting.
        key: String,
        /// What was asked for.
        value: String,
        /// What it must be.
        reason: String,
    },
    /// `INVALID_CONFIG`
    #[error("{0}")]
    Contradiction(String),
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(known) => format!("; did you mean '{known}'?"),
        None => "; `chronik-server configs describe` lists all settings".to_owned(),
    }
}

/// Checks a name as Kafka does (`Topic.validate`): 1 to 249 of `[a-zA-Z0-9._-]`, neither `.` nor `..`.
///
/// # Errors
/// The name is none of these.
pub fn validate_name(name: &str) -> Result<(), TopicConfigError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let why = match name {
        "" => "it is empty",
        "." | ".." => "'.' and '..' are not allowed",
        _ if name.len() > limits::MAX_TOPIC_NAME_BYTES => "it is longer than 249 characters",
        _ if !name.chars().all(legal) => "only ASCII letters, digits, '.', '_' and '-' are allowed",
        _ => return Ok(()),
    };
    Err(TopicConfigError::Name { name: name.to_owned(), why })
}

/// Whether the server itself keeps something in it (`Topic.isInternal`).
pub fn is_internal(name: &str) -> bool {
    matches!(name, "__consumer_offsets" | "__transaction_state")
}

/// The setting of that name.
///
/// # Errors
/// There is none; the nearest one is named.
pub fn known(key: &str) -> Result<&'static TopicSetting, TopicConfigError> {
    find(key).ok_or_else(|| TopicConfigError::UnknownKey {
        key: key.to_owned(),
        nearest: nearest_of(key, TOPIC_SETTINGS.iter().map(|setting| setting.name)),
    })
}

/// Checks what a topic's settings are to be, each by itself and all together, on a broker configured as `broker`.
///
/// # Errors
/// An unknown key, a value that it cannot have, or two that contradict each other.
pub fn validate(broker: &Config, configs: &Configs) -> Result<(), TopicConfigError> {
    for (key, value) in configs {
        let setting = known(key)?;
        let refused = |reason| TopicConfigError::Value { key: key.clone(), value: value.clone(), reason };
        (setting.check)(value).map_err(refused)?;
        let only = (setting.default)(broker);
        if let Some(why) = setting.fixed
            && *value != only
        {
            return Err(refused(format!("this server only has '{only}': {why}")));
        }
    }
    let log = log_config(broker, configs)?;
    if log.min_compaction_lag_ms > log.max_compaction_lag_ms {
        return Err(TopicConfigError::Contradiction(format!(
            "min.compaction.lag.ms = {} is more than max.compaction.lag.ms = {}; lower the first or raise the second",
            log.min_compaction_lag_ms, log.max_compaction_lag_ms
        )));
    }
    Ok(())
}

/// What the broker's settings come to for a log whose topic has none of its own.
pub fn inherited(broker: &Config) -> TopicLogConfig {
    let mut log = TopicLogConfig::default();
    TOPIC_SETTINGS.iter().for_each(|setting| (setting.inherit)(&mut log, broker));
    log
}

/// What `configs` come to for the log of each partition, over the broker's settings.
///
/// # Errors
/// An unknown key or a value that it cannot have.
pub fn log_config(broker: &Config, configs: &Configs) -> Result<TopicLogConfig, TopicConfigError> {
    let mut log = inherited(broker);
    for (key, value) in configs {
        (known(key)?.set)(&mut log, value).map_err(|reason| TopicConfigError::Value {
            key: key.clone(),
            value: value.clone(),
            reason,
        })?;
    }
    Ok(log)
}
