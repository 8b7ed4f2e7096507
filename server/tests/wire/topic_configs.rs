//! Settings of topics: described, changed, honoured, and there again after a crash.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::alter_configs::{AlterConfigsRequest, AlterConfigsResource, AlterableConfig};

use crate::support::Server;
use crate::support::batches::{TIME, batch, batch_at, large_batch, now_ms};
use crate::support::configs::{
    APPEND, DEFAULT, DELETE, DYNAMIC_TOPIC, SET, STATIC_BROKER, SUBTRACT, TOPIC, alter_request,
    describe_request,
};
use crate::support::raw::Raw;
use crate::support::requests::{ALL, PRODUCE, only_produced, produce_request};

const NONE: (ErrorCode, String) = (ErrorCode::NONE, String::new());

#[test]
fn a_topic_shows_every_setting_with_its_source_and_meaning() {
    let server = Server::with(&["log.retention.minutes=60"]);
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &["segment.bytes=100000"]);
    let result = client.configs(TOPIC, "orders", &[]);
    assert_eq!((result.error_code, &*result.resource_name), (ErrorCode::NONE, "orders"));
    for config in &result.configs {
        assert!(!config.documentation.as_deref().unwrap_or_default().is_empty(), "{}", config.name);
        assert!((1..=9).contains(&config.config_type) && config.value.is_some(), "{config:?}");
    }
    let value = |key: &str| {
        let config = result.configs.iter().find(|config| &*config.name == key).expect(key);
        (config.value.as_deref().unwrap_or_default(), config.config_source, config.read_only)
    };
    assert_eq!(value("segment.bytes"), ("100000", DYNAMIC_TOPIC, false));
    assert_eq!(value("retention.ms"), ("3600000", STATIC_BROKER, false));
    assert_eq!(value("cleanup.policy"), ("delete", DEFAULT, false));
    assert_eq!(value("compression.type"), ("producer", DEFAULT, true), "it has no other value here");
    assert_eq!(value("message.timestamp.after.max.ms"), ("3600000", DEFAULT, false));
    assert_eq!(value("message.timestamp.before.max.ms"), ("9223372036854775807", DEFAULT, false));

    let synonyms = |key: &str| -> Vec<(String, String, i8)> {
        let config = result.configs.iter().find(|config| &*config.name == key).expect(key);
        let synonym = |s: &chronik_kafka::message::describe_configs::DescribeConfigsSynonym| {
            (s.name.to_string(), s.value.as_deref().unwrap_or_default().to_owned(), s.source)
        };
        config.synonyms.iter().map(synonym).collect()
    };
    let expected = [("segment.bytes", "100000", 1), ("log.segment.bytes", "1073741824", 5)];
    assert_eq!(synonyms("segment.bytes"), expected.map(|(n, v, s)| (n.to_owned(), v.to_owned(), s)));
    let expected = [("log.retention.minutes", "60", 4), ("log.retention.hours", "168", 5)];
    assert_eq!(synonyms("retention.ms"), expected.map(|(n, v, s)| (n.to_owned(), v.to_owned(), s)));
}

#[test]
fn old_versions_and_chosen_keys_get_what_they_ask_for() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    for version in 1..=4 {
        let mut request = describe_request(TOPIC, "orders", &["retention.ms", "no.such.key"]);
        request.include_documentation = version >= 3;
        let result = client.ask(version, &request).results.remove(0);
        let names: Vec<_> = result.configs.iter().map(|config| config.name.to_string()).collect();
        assert_eq!(names, ["retention.ms"], "version {version}");
        assert_eq!(result.configs[0].config_type, if version >= 3 { 5 } else { 0 });
        assert_eq!(result.configs[0].documentation.is_some(), version >= 3);
    }
    let mut bare = describe_request(TOPIC, "orders", &["retention.ms"]);
    (bare.include_synonyms, bare.include_documentation) = (false, false);
    let result = client.ask(4, &bare).results.remove(0);
    assert_eq!((result.configs[0].synonyms.len(), &result.configs[0].documentation), (0, &None));
    for (resource_type, name, code) in [
        (TOPIC, "nowhere", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (TOPIC, "a/b", ErrorCode::INVALID_TOPIC_EXCEPTION),
        (8, "1", ErrorCode::INVALID_REQUEST),
        (99, "x", ErrorCode::INVALID_REQUEST),
    ] {
        let result = client.configs(resource_type, name, &[]);
        assert_eq!((result.error_code, result.configs.len()), (code, 0), "{resource_type} {name}");
        assert!(result.error_message.is_some());
    }
}

#[test]
fn single_settings_are_set_deleted_and_combined() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &["retention.ms=1000"]);
    assert_eq!(
        client.alter(TOPIC, "orders", &[(SET, "segment.ms", "5000"), (DELETE, "retention.ms", "")]),
        NONE
    );
    assert_eq!(client.value(TOPIC, "orders", "segment.ms"), ("5000".to_owned(), DYNAMIC_TOPIC));
    assert_eq!(client.value(TOPIC, "orders", "retention.ms"), ("604800000".to_owned(), DEFAULT));
    for (operation, value, expected) in [
        (APPEND, "compact", "delete,compact"),
        (APPEND, "compact", "delete,compact"),
        (SUBTRACT, "compact", "delete"),
    ] {
        assert_eq!(client.alter(TOPIC, "orders", &[(operation, "cleanup.policy", value)]), NONE);
        assert_eq!(client.value(TOPIC, "orders", "cleanup.policy").0, expected);
    }
    assert_eq!(client.alter(TOPIC, "orders", &[(DELETE, "cleanup.policy", "")]), NONE);
    assert_eq!(client.value(TOPIC, "orders", "cleanup.policy"), ("delete".to_owned(), DEFAULT));
}

#[test]
fn what_cannot_be_set_says_why_and_changes_nothing() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    for (changes, code, words) in [
        (&[(SET, "retention.msec", "1")][..], ErrorCode::INVALID_CONFIG, "did you mean 'retention.ms'?"),
        (&[(SET, "retention.ms", "soon")], ErrorCode::INVALID_CONFIG, "whole number"),
        (&[(SET, "retention.ms", "5"), (SET, "colour", "red")], ErrorCode::INVALID_CONFIG, "colour"),
        (&[(SET, "compression.type", "gzip")], ErrorCode::INVALID_CONFIG, "producer"),
        (&[(APPEND, "retention.ms", "1")], ErrorCode::INVALID_CONFIG, "not a list"),
        (&[(SUBTRACT, "cleanup.policy", "delete")], ErrorCode::INVALID_CONFIG, "cleanup.policy"),
        (
            &[(SET, "min.compaction.lag.ms", "9"), (SET, "max.compaction.lag.ms", "8")],
            ErrorCode::INVALID_CONFIG,
            "more than",
        ),
        (&[(SET, "retention.ms", "1"), (SET, "retention.ms", "2")], ErrorCode::INVALID_REQUEST, "twice"),
        (&[(9, "retention.ms", "1")], ErrorCode::INVALID_REQUEST, "operation"),
    ] {
        let (found, message) = client.alter(TOPIC, "orders", changes);
        assert_eq!(found, code, "{changes:?}: {message}");
        assert!(message.contains(words), "{words:?} is not in {message:?}");
        assert_eq!(client.value(TOPIC, "orders", "retention.ms").1, DEFAULT);
    }
    let unknown = client.alter(TOPIC, "nowhere", &[(SET, "retention.ms", "1")]).0;
    assert_eq!(unknown, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(client.alter(99, "orders", &[]).0, ErrorCode::INVALID_REQUEST);
    let mut without_value = alter_request(TOPIC, "orders", &[(SET, "retention.ms", "1")]);
    without_value.resources[0].configs[0].value = None;
    assert_eq!(client.ask(0, &without_value).responses[0].error_code, ErrorCode::INVALID_REQUEST);
    let mut twice = alter_request(TOPIC, "orders", &[(SET, "retention.ms", "1")]);
    twice.resources.push(twice.resources[0].clone());
    assert!(client.ask(1, &twice).responses.iter().all(|r| r.error_code == ErrorCode::INVALID_REQUEST));
    let mut only_validated = alter_request(TOPIC, "orders", &[(SET, "retention.ms", "1")]);
    only_validated.validate_only = true;
    assert_eq!(client.ask(1, &only_validated).responses[0].error_code, ErrorCode::NONE);
    assert_eq!(client.value(TOPIC, "orders", "retention.ms").1, DEFAULT);
}

#[test]
fn alter_configs_replaces_everything() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &["retention.ms=1000", "segment.ms=1000"]);
    for version in 0..=2 {
        let value = Some(format!("{}", 2000 + i32::from(version)).into());
        let configs = vec![AlterableConfig { name: "retention.ms".into(), value: value.clone() }];
        let resource = AlterConfigsResource { resource_type: TOPIC, resource_name: "orders".into(), configs };
        let request = AlterConfigsRequest { resources: vec![resource], validate_only: false };
        assert_eq!(client.ask(version, &request).responses[0].error_code, ErrorCode::NONE);
        assert_eq!(Some(client.value(TOPIC, "orders", "retention.ms").0.into()), value);
        assert_eq!(client.value(TOPIC, "orders", "segment.ms").1, DEFAULT);
    }
}

#[test]
fn concurrent_changes_are_all_kept() {
    let server = Server::start();
    Raw::connect(&server).create_topic("orders", 1, &[]);
    let keys =
        ["retention.ms", "retention.bytes", "segment.ms", "delete.retention.ms", "min.compaction.lag.ms"];
    std::thread::scope(|scope| {
        for key in keys {
            let server = &server;
            scope.spawn(move || {
                let mut client = Raw::connect(server);
                (1..=20).for_each(|n| client.set_topic_config("orders", key, &n.to_string()));
            });
        }
    });
    let mut client = Raw::connect(&server);
    for key in keys {
        assert_eq!(client.value(TOPIC, "orders", key), ("20".to_owned(), DYNAMIC_TOPIC), "{key}");
    }
}

#[test]
fn changes_survive_a_crash_and_a_stop() {
    let mut server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &["retention.ms=1000"]);
    client.set_topic_config("orders", "max.message.bytes", "2000");
    server.crash();
    let mut client = Raw::connect(&server);
    assert_eq!(client.value(TOPIC, "orders", "max.message.bytes"), ("2000".to_owned(), DYNAMIC_TOPIC));
    assert_eq!(client.value(TOPIC, "orders", "retention.ms"), ("1000".to_owned(), DYNAMIC_TOPIC));
    assert_eq!(client.produce("orders", 0, large_batch(3000)).error_code, ErrorCode::MESSAGE_TOO_LARGE);
    assert!(server.terminate().success());
    server.restart();
    let mut client = Raw::connect(&server);
    assert_eq!(client.value(TOPIC, "orders", "max.message.bytes"), ("2000".to_owned(), DYNAMIC_TOPIC));
    assert_eq!(client.produce("orders", 0, large_batch(3000)).error_code, ErrorCode::MESSAGE_TOO_LARGE);
}

#[test]
fn a_change_applies_to_the_next_batch() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    assert_eq!(client.produce("orders", 0, large_batch(3000)).error_code, ErrorCode::NONE);
    client.set_topic_config("orders", "max.message.bytes", "2000");
    assert_eq!(client.produce("orders", 0, large_batch(3000)).error_code, ErrorCode::MESSAGE_TOO_LARGE);
    client.set_topic_config("orders", "message.timestamp.type", "LogAppendTime");
    let stamped = client.produce("orders", 0, batch(&["a"])).log_append_time_ms;
    assert!((now_ms() - stamped).abs() < 60_000, "{stamped}");
    assert_eq!(client.alter(TOPIC, "orders", &[(DELETE, "max.message.bytes", "")]), NONE);
    assert_eq!(client.produce("orders", 0, large_batch(3000)).error_code, ErrorCode::NONE);
}

#[test]
fn min_insync_replicas_of_a_topic_holds_for_acks_all_alone() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &["min.insync.replicas=2"]);
    let ask = |client: &mut Raw, acks| {
        only_produced(client.ask(PRODUCE, &produce_request("orders", 0, acks, batch(&["a"])))).error_code
    };
    assert_eq!(ask(&mut client, ALL), ErrorCode::NOT_ENOUGH_REPLICAS);
    assert_eq!(ask(&mut client, 1), ErrorCode::NONE);
    client.set_topic_config("orders", "min.insync.replicas", "1");
    assert_eq!(ask(&mut client, ALL), ErrorCode::NONE);
}

#[test]
fn segment_ms_closes_segments() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &["retention.ms=-1"]);
    let segments = || {
        let page = server.http("/api/v1/topics");
        let (_, rest) = page.split_once("\"segments\":").expect("segments");
        rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default().parse::<u32>().expect("a number")
    };
    for time in [TIME, TIME + 10_000] {
        assert_eq!(client.produce("orders", 0, batch_at(time, &["a"])).error_code, ErrorCode::NONE);
    }
    assert_eq!(segments(), 1);
    client.set_topic_config("orders", "segment.ms", "1000");
    for time in [TIME + 20_000, TIME + 20_500, TIME + 22_000] {
        assert_eq!(client.produce("orders", 0, batch_at(time, &["a"])).error_code, ErrorCode::NONE);
    }
    assert_eq!(segments(), 3, "each begins with the first record that came more than a second later");
    assert_eq!(client.read_all("orders", 0).len(), 5);
}

#[test]
fn retention_of_a_topic_can_be_shortened() {
    let server = Server::with(&["log.retention.check.interval.ms=100"]);
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &["segment.bytes=1000", "retention.ms=-1"]);
    (0..10).for_each(|_| {
        assert_eq!(client.produce("orders", 0, large_batch(600)).error_code, ErrorCode::NONE);
    });
    client.set_topic_config("orders", "retention.ms", "1000");
    crate::support::wait_for("old segments to be deleted", || {
        (client.list_offset("orders", 0, -2).offset == 10).then_some(())
    });
}
