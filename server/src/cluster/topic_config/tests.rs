use std::collections::BTreeSet;

use chronik_kafka::record_batch::TimestampType;
use chronik_log::CleanupPolicy;

use super::*;
use crate::config;

#[test]
fn names_are_kafkas() {
    for good in ["a", "A.b_c-9", &"x".repeat(249), "...", "__consumer_offsets"] {
        assert_eq!(validate_name(good), Ok(()), "{good}");
    }
    for bad in ["", ".", "..", "a/b", "a b", "ä", &"x".repeat(250), "a\0"] {
        assert!(validate_name(bad).is_err(), "{bad:?}");
    }
}

fn configs(pairs: &[(&str, &str)]) -> Configs {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn with(key: &str, value: &str) -> Result<TopicLogConfig, TopicConfigError> {
    let configs = configs(&[(key, value)]);
    validate(&Config::default(), &configs)?;
    log_config(&Config::default(), &configs)
}

#[test]
fn settings_reach_the_log() {
    assert_eq!(with("segment.bytes", "1024").unwrap().segment_bytes, 1024);
    assert_eq!(with("segment.ms", "7").unwrap().segment_ms, 7);
    assert_eq!(with("retention.ms", "-1").unwrap().retention_ms, None);
    assert_eq!(with("retention.ms", "0").unwrap().retention_ms, Some(0));
    assert_eq!(with("retention.bytes", "0").unwrap().retention_bytes, Some(0));
    assert_eq!(with("retention.bytes", "-1").unwrap().retention_bytes, None);
    assert_eq!(with("max.message.bytes", "100").unwrap().max_message_bytes, 100);
    assert_eq!(with("min.cleanable.dirty.ratio", "0.25").unwrap().min_cleanable_dirty_ratio, 0.25);
    assert_eq!(with("min.compaction.lag.ms", "3").unwrap().min_compaction_lag_ms, 3);
    assert_eq!(with("max.compaction.lag.ms", "4").unwrap().max_compaction_lag_ms, 4);
    assert_eq!(with("delete.retention.ms", "5").unwrap().delete_retention_ms, 5);
    let append_time = with("message.timestamp.type", "LogAppendTime").unwrap();
    assert_eq!(append_time.timestamp_type, TimestampType::LogAppendTime);
    for (text, delete, compact) in [
        ("delete", true, false),
        ("compact", false, true),
        ("compact,delete", true, true),
        ("delete, compact", true, true),
    ] {
        assert_eq!(with("cleanup.policy", text).unwrap().cleanup_policy, CleanupPolicy { delete, compact });
    }
}

#[test]
fn throttled_replicas_are_all_some_or_none() {
    for key in ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"] {
        for list in ["", "*", "0:1", "0:1,1:2, 2:3"] {
            assert_eq!(with(key, list), Ok(inherited(&Config::default())), "{key}={list}");
        }
        let refused = with(key, "0:1,1:x").unwrap_err();
        let said = format!("{key} = '0:1,1:x': '1:x' is not a replica");
        assert!(refused.to_string().starts_with(&said), "{refused}");
    }
}

#[test]
fn what_is_not_honoured_is_refused() {
    for (key, value) in [
        ("segment.bytes", "13"),
        ("segment.bytes", "2147483648"),
        ("segment.ms", "0"),
        ("segment.ms", "x"),
        ("retention.ms", "-2"),
        ("retention.ms", "soon"),
        ("retention.bytes", "-2"),
        ("max.message.bytes", "-1"),
        ("min.insync.replicas", "0"),
        ("cleanup.policy", ""),
        ("cleanup.policy", "delete,"),
        ("cleanup.policy", "shred"),
        ("min.cleanable.dirty.ratio", "1.5"),
        ("min.cleanable.dirty.ratio", "NaN"),
        ("min.compaction.lag.ms", "-1"),
        ("max.compaction.lag.ms", "0"),
        ("delete.retention.ms", "-1"),
        ("message.timestamp.type", "Never"),
        ("message.timestamp.after.max.ms", "-1"),
        ("compression.type", "zstd"),
        ("remote.storage.enable", "true"),
        ("preallocate", "maybe"),
        ("leader.replication.throttled.replicas", "0"),
        ("leader.replication.throttled.replicas", "0:1,*"),
        ("follower.replication.throttled.replicas", "0:1;1:2"),
        ("follower.replication.throttled.replicas", "-1:1"),
        ("flush.messages", "1"),
    ] {
        assert!(matches!(with(key, value), Err(TopicConfigError::Value { .. })), "{key}={value}");
    }
    let contradiction = configs(&[("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "9")]);
    let refused = validate(&Config::default(), &contradiction);
    assert!(matches!(refused, Err(TopicConfigError::Contradiction(_))), "{refused:?}");
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    let message = |key| with(key, "1").unwrap_err().to_string();
    assert_eq!(
        message("retention.msec"),
        "'retention.msec' is not a setting of a topic; did you mean 'retention.ms'?"
    );
    assert!(message("colour").contains("configs describe"), "{}", message("colour"));
}

#[test]
fn what_is_fixed_can_be_said_but_not_changed() {
    for setting in TOPIC_SETTINGS.iter().filter(|setting| setting.fixed.is_some()) {
        let default = (setting.default)(&Config::default());
        assert!(with(setting.name, &default).is_ok(), "{} = {default}", setting.name);
    }
}

#[test]
fn every_default_can_be_set_and_gives_what_is_inherited() {
    for setting in TOPIC_SETTINGS {
        let default = (setting.default)(&Config::default());
        assert_eq!(with(setting.name, &default), Ok(inherited(&Config::default())), "{}", setting.name);
    }
}

#[test]
fn without_configuration_a_log_has_kafkas_defaults() {
    assert_eq!(inherited(&Config::default()), TopicLogConfig::default());
}

#[test]
fn the_table_names_settings_of_the_broker_and_nothing_twice() {
    let names: BTreeSet<_> = TOPIC_SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(names.len(), TOPIC_SETTINGS.len());
    for setting in TOPIC_SETTINGS {
        for synonym in setting.synonyms {
            assert!(config::find(synonym).is_some(), "{}: {synonym}", setting.name);
        }
    }
}
