//! Settings of brokers: described as tools ask for them, and changed while the broker runs.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::list_config_resources::ListConfigResourcesRequest;

use crate::support::Server;
use crate::support::batches::large_batch;
use crate::support::configs::{
    BROKER, CLIENT_METRICS, DEFAULT, DELETE, DYNAMIC_BROKER, DYNAMIC_DEFAULT_BROKER, GROUP, SET,
    STATIC_BROKER, TOPIC,
};
use crate::support::raw::Raw;

const NONE: (ErrorCode, String) = (ErrorCode::NONE, String::new());

#[test]
fn a_broker_shows_every_setting() {
    let server = Server::with(&["num.partitions=3"]);
    let mut client = Raw::connect(&server);
    let result = client.configs(BROKER, "1", &[]);
    assert_eq!(result.error_code, ErrorCode::NONE);
    let found = |key: &str| {
        let config = result.configs.iter().find(|config| &*config.name == key).expect(key);
        (config.value.as_deref(), config.config_source, config.read_only)
    };
    assert_eq!(found("num.partitions"), (Some("3"), STATIC_BROKER, true));
    assert_eq!(found("log.segment.bytes"), (Some("1073741824"), DEFAULT, false));
    assert_eq!(found("log.retention.ms"), (None, DEFAULT, false), "it is not set: hours apply");
    assert_eq!(found("log.retention.hours"), (Some("168"), DEFAULT, true));
    assert_eq!(found("leader.replication.throttled.rate"), (None, DEFAULT, false));
    // kafka-ui chooses its features by these two.
    assert_eq!(found("delete.topic.enable"), (Some("true"), DEFAULT, true));
    assert!(found("inter.broker.protocol.version").0.is_some_and(|version| version.starts_with("4.")));
    let undocumented = |c: &&chronik_kafka::message::describe_configs::DescribeConfigsResourceResult| {
        c.documentation.as_deref().unwrap_or_default().is_empty()
    };
    assert_eq!(result.configs.iter().find(undocumented), None);
    assert_eq!(client.configs(BROKER, "", &[]).configs, [], "nothing was changed for all brokers");
    for name in ["2", "one", "-1"] {
        assert_eq!(client.configs(BROKER, name, &[]).error_code, ErrorCode::INVALID_REQUEST, "{name}");
    }
}

#[test]
fn what_topics_inherit_can_be_changed_while_it_runs() {
    let mut server = Server::with(&["log.retention.ms=7000"]);
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    client.create_topic("own", 1, &["retention.ms=1"]);
    let retention = |client: &mut Raw, topic: &str| client.value(TOPIC, topic, "retention.ms");
    assert_eq!(retention(&mut client, "orders"), ("7000".to_owned(), STATIC_BROKER));
    assert_eq!(client.alter(BROKER, "", &[(SET, "log.retention.ms", "8000")]), NONE);
    assert_eq!(retention(&mut client, "orders"), ("8000".to_owned(), DYNAMIC_DEFAULT_BROKER));
    let changes = [(SET, "log.retention.ms", "9000"), (SET, "message.max.bytes", "2000")];
    assert_eq!(client.alter(BROKER, "1", &changes), NONE);
    server.crash();
    let mut client = Raw::connect(&server);
    assert_eq!(retention(&mut client, "orders"), ("9000".to_owned(), DYNAMIC_BROKER));
    assert_eq!(retention(&mut client, "own").0, "1");
    assert_eq!(client.produce("orders", 0, large_batch(3000)).error_code, ErrorCode::MESSAGE_TOO_LARGE);
    let of_all = client.configs(BROKER, "", &[]).configs;
    assert_eq!((of_all.len(), of_all[0].config_source), (1, DYNAMIC_DEFAULT_BROKER));
    let synonyms = client.config(BROKER, "1", "log.retention.ms").synonyms;
    let sources: Vec<i8> = synonyms.iter().map(|synonym| synonym.source).collect();
    assert_eq!(sources, [DYNAMIC_BROKER, DYNAMIC_DEFAULT_BROKER, STATIC_BROKER]);

    let changes = [(DELETE, "log.retention.ms", ""), (DELETE, "message.max.bytes", "")];
    assert_eq!(client.alter(BROKER, "1", &changes), NONE);
    assert_eq!(retention(&mut client, "orders"), ("8000".to_owned(), DYNAMIC_DEFAULT_BROKER));
    assert_eq!(client.produce("orders", 0, large_batch(3000)).error_code, ErrorCode::NONE);
    assert_eq!(client.alter(BROKER, "", &[(SET, "min.insync.replicas", "2")]), NONE);
    assert_eq!(client.produce("orders", 0, large_batch(10)).error_code, ErrorCode::NOT_ENOUGH_REPLICAS);
}

#[test]
fn what_a_restart_is_needed_for_is_refused() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    for (name, key, value, code, words) in [
        ("1", "listeners", "h:1", ErrorCode::INVALID_REQUEST, "restart"),
        ("", "log.retention.hours", "1", ErrorCode::INVALID_REQUEST, "restart"),
        ("1", "log.retention.ms", "soon", ErrorCode::INVALID_REQUEST, "whole number"),
        ("", "log.segment.bytes", "20000", ErrorCode::INVALID_REQUEST, "message.max.bytes"),
        ("1", "log.retention.mss", "1", ErrorCode::INVALID_CONFIG, "did you mean 'log.retention.ms'?"),
        ("2", "log.retention.ms", "1", ErrorCode::INVALID_REQUEST, "this is broker 1"),
    ] {
        let (found, message) = client.alter(BROKER, name, &[(SET, key, value)]);
        assert_eq!(found, code, "{key}: {message}");
        assert!(message.contains(words), "{words:?} is not in {message:?}");
    }
}

/// As `kafka-configs --entity-type groups --describe` wants it of every group that is listed.
#[test]
fn groups_and_metrics_of_clients_have_no_settings_and_get_none() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    for resource_type in [GROUP, CLIENT_METRICS] {
        let result = client.configs(resource_type, "g", &[]);
        assert_eq!((result.error_code, result.configs), (ErrorCode::NONE, vec![]), "{resource_type}");
        assert_eq!(client.configs(resource_type, "", &[]).error_code, ErrorCode::INVALID_REQUEST);
        let changes = [(SET, "consumer.session.timeout.ms", "9000")];
        assert_eq!(
            client.alter(resource_type, "g", &changes).0,
            ErrorCode::INVALID_REQUEST,
            "{resource_type}"
        );
    }
}

#[test]
fn what_has_settings_is_listed() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    let mut list = |version, types: &[i8]| {
        let response = client.ask(version, &ListConfigResourcesRequest { resource_types: types.to_vec() });
        let found: Vec<_> = response
            .config_resources
            .iter()
            .map(|r| (r.resource_type, r.resource_name.to_string()))
            .collect();
        (response.error_code, found)
    };
    let (topic, broker) = ((TOPIC, "orders".to_owned()), (BROKER, "1".to_owned()));
    assert_eq!(list(0, &[]), (ErrorCode::NONE, vec![]), "client metrics alone, of which there are none");
    assert_eq!(list(1, &[]), (ErrorCode::NONE, vec![topic, broker.clone()]));
    assert_eq!(list(1, &[BROKER]), (ErrorCode::NONE, vec![broker]));
    assert_eq!(list(1, &[3]), (ErrorCode::UNSUPPORTED_VERSION, vec![]));
}
