//! Names and settings of topics: what is allowed, and what they come to for a partition's log.

use std::collections::BTreeMap;

use chronik_kafka::record_batch::TimestampType;
use chronik_log::{CleanupPolicy, TopicLogConfig};

use super::state::Topic;
use crate::limits;

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
    #[error("'{0}' is not a topic configuration that this server knows")]
    UnknownKey(String),
    /// `INVALID_CONFIG`
    #[error("{key}={value:?} is invalid: {expected} is expected")]
    Value {
        /// The setting.
        key: String,
        /// What was asked for.
        value: String,
        /// What would be valid.
        expected: &'static str,
    },
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

/// What `configs` come to for the log of each partition, over the broker's defaults.
///
/// # Errors
/// An unknown key or a value that it cannot have.
pub fn log_config(
    defaults: &TopicLogConfig,
    configs: &BTreeMap<String, String>,
) -> Result<TopicLogConfig, TopicConfigError> {
    let mut config = defaults.clone();
    for (key, value) in configs {
        set(&mut config, key, value)?;
    }
    Ok(config)
}

/// What the settings of an existing topic come to. They were valid when the topic was created.
pub fn log_config_of(defaults: &TopicLogConfig, topic: &Topic) -> TopicLogConfig {
    log_config(defaults, &topic.configs).unwrap_or_else(|error| {
        tracing::error!(topic = %topic.name, %error, "a setting of this topic is not valid here: the broker's defaults are used");
        defaults.clone()
    })
}

fn set(config: &mut TopicLogConfig, key: &str, value: &str) -> Result<(), TopicConfigError> {
    let invalid = |expected| TopicConfigError::Value { key: key.into(), value: value.into(), expected };
    match key {
        "segment.bytes" => {
            let bytes = value.parse().ok().filter(|bytes| (14..=limits::MAX_SEGMENT_BYTES).contains(bytes));
            config.segment_bytes = bytes.ok_or_else(|| invalid("a number of bytes from 14 to 2147483647"))?;
        }
        "segment.ms" => {
            config.segment_ms =
                value.parse().ok().filter(|ms| *ms >= 1).ok_or_else(|| invalid("milliseconds from 1 on"))?;
        }
        "retention.ms" => {
            config.retention_ms =
                unlimited(value).ok_or_else(|| invalid("milliseconds, or -1 for no limit"))?;
        }
        "retention.bytes" => {
            let bytes = unlimited(value).ok_or_else(|| invalid("a number of bytes, or -1 for no limit"))?;
            config.retention_bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok());
        }
        "max.message.bytes" => {
            let bytes = value.parse::<i32>().ok().and_then(|bytes| usize::try_from(bytes).ok());
            config.max_message_bytes =
                bytes.ok_or_else(|| invalid("a number of bytes from 0 to 2147483647"))?;
        }
        "message.timestamp.type" => {
            config.timestamp_type = match value {
                "CreateTime" => TimestampType::CreateTime,
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => return Err(invalid("CreateTime or LogAppendTime")),
            };
        }
        "cleanup.policy" => {
            config.cleanup_policy = CleanupPolicy::parse(value)
                .ok_or_else(|| invalid("compact, delete, or both with a comma"))?;
        }
        "min.cleanable.dirty.ratio" => {
            let ratio = value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            config.min_cleanable_dirty_ratio = ratio.ok_or_else(|| invalid("a number from 0 to 1"))?;
        }
        "min.compaction.lag.ms" => config.min_compaction_lag_ms = lag(value).ok_or_else(|| invalid(MS))?,
        "max.compaction.lag.ms" => config.max_compaction_lag_ms = lag(value).ok_or_else(|| invalid(MS))?,
        "delete.retention.ms" => config.delete_retention_ms = lag(value).ok_or_else(|| invalid(MS))?,
        // Accepted because clients send it by default; it has the only value that this server implements.
        "compression.type" if value == "producer" => {}
        "compression.type" => return Err(invalid("producer")),
        "min.insync.replicas" => {
            value.parse::<i32>().ok().filter(|n| *n >= 1).ok_or_else(|| invalid("a number from 1 on"))?;
        }
        _ => return Err(TopicConfigError::UnknownKey(key.to_owned())),
    }
    Ok(())
}

/// What a lag is expected to be.
const MS: &str = "milliseconds from 0 on";

fn lag(value: &str) -> Option<i64> {
    value.parse().ok().filter(|ms| *ms >= 0)
}

/// `Some(None)` for -1, `Some(Some(n))` for a number from 0 on.
fn unlimited(value: &str) -> Option<Option<i64>> {
    match value.parse::<i64>().ok()? {
        -1 => Some(None),
        n if n >= 0 => Some(Some(n)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas() {
        for good in ["a", "A.b_c-9", &"x".repeat(249), "...", "__consumer_offsets"] {
            assert_eq!(validate_name(good), Ok(()), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a b", "ä", &"x".repeat(250), "a\0"] {
            assert!(validate_name(bad).is_err(), "{bad:?}");
        }
    }

    fn with(key: &str, value: &str) -> Result<TopicLogConfig, TopicConfigError> {
        log_config(&TopicLogConfig::default(), &BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    #[test]
    fn settings_reach_the_log() {
        assert_eq!(with("segment.bytes", "1024").unwrap().segment_bytes, 1024);
        assert_eq!(with("retention.ms", "-1").unwrap().retention_ms, None);
        assert_eq!(with("cleanup.policy", "compact").unwrap().cleanup_policy, CleanupPolicy::COMPACT);
        let both = with("cleanup.policy", "delete, compact").unwrap().cleanup_policy;
        assert_eq!(both, CleanupPolicy::COMPACT_AND_DELETE);
        assert_eq!(with("delete.retention.ms", "5").unwrap().delete_retention_ms, 5);
        assert_eq!(with("retention.bytes", "0").unwrap().retention_bytes, Some(0));
        assert_eq!(
            with("message.timestamp.type", "LogAppendTime").unwrap().timestamp_type,
            TimestampType::LogAppendTime
        );
    }

    #[test]
    fn what_is_not_honoured_is_refused() {
        assert_eq!(with("colour", "red"), Err(TopicConfigError::UnknownKey("colour".into())));
        for (key, value) in [
            ("segment.bytes", "13"),
            ("retention.ms", "-2"),
            ("cleanup.policy", "shrink"),
            ("min.cleanable.dirty.ratio", "1.5"),
            ("delete.retention.ms", "-1"),
            ("segment.ms", "x"),
        ] {
            assert!(matches!(with(key, value), Err(TopicConfigError::Value { .. })), "{key}={value}");
        }
    }
}
