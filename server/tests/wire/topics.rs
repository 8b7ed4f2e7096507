//! Topics: created, described, deleted, created again.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};
use uuid::Uuid;

use crate::support::Server;
use crate::support::batches::batch;
use crate::support::raw::Raw;
use crate::support::requests::{FETCH, fetch_partition, fetch_request, only_fetched};

const UNKNOWN: ErrorCode = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;

#[test]
fn names_that_are_none_are_refused() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    let too_long = "x".repeat(250);
    for name in ["a/b", "/", "../../etc/passwd", "", ".", "..", "a b", "a\u{0}b", "ä", &too_long] {
        let code = client.try_create_topic(name, 1, vec![]);
        assert_eq!(code, ErrorCode::INVALID_TOPIC_EXCEPTION, "{name:?}");
        assert_eq!(client.topic(name, true).error_code, ErrorCode::INVALID_TOPIC_EXCEPTION, "{name:?}");
        assert_ne!(client.produce(name, 0, batch(&["a"])).error_code, ErrorCode::NONE, "{name:?}");
    }
    let all = client.ask(9, &MetadataRequest { topics: None, ..Default::default() });
    assert_eq!(all.topics, [], "none of them was created");
}

#[test]
fn a_topic_is_created_once() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 3, &[]);
    assert_eq!(client.try_create_topic("orders", 3, vec![]), ErrorCode::TOPIC_ALREADY_EXISTS);
    let topic = client.topic("orders", false);
    assert_eq!(topic.partitions.len(), 3);
    for partition in topic.partitions {
        let leader = partition.leader_id;
        assert_eq!((partition.replica_nodes, partition.isr_nodes), (vec![leader], vec![leader]));
    }
}

#[test]
fn what_cannot_be_created_says_why() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    for partitions in [0, -2, 10_001, i32::MAX] {
        let code = client.try_create_topic("orders", partitions, vec![]);
        assert_eq!(code, ErrorCode::INVALID_PARTITIONS, "{partitions}");
    }
    let config = |name: &str, value: &str| {
        use chronik_kafka::message::create_topics::CreatableTopicConfig;
        vec![CreatableTopicConfig { name: name.into(), value: Some(value.into()) }]
    };
    for (name, value) in [("colour", "red"), ("retention.ms", "soon"), ("compression.type", "zstd")] {
        let code = client.try_create_topic("orders", 1, config(name, value));
        assert_eq!(code, ErrorCode::INVALID_CONFIG, "{name}");
    }
    assert_eq!(client.topic("orders", false).error_code, UNKNOWN);
}

#[test]
fn metadata_creates_a_topic_only_if_client_and_server_want_it() {
    let server = Server::with(&["num.partitions=4"]);
    let mut client = Raw::connect(&server);
    assert_eq!(client.topic("orders", false).error_code, UNKNOWN);
    let created = client.topic("orders", true);
    assert_eq!((created.error_code, created.partitions.len()), (ErrorCode::NONE, 4));
    assert!(!created.topic_id.is_nil());
    assert_eq!(client.append("orders", 3, &["a"]), 0, "it can be written to at once");

    let strict = Server::with(&["auto.create.topics.enable=false"]);
    assert_eq!(Raw::connect(&strict).topic("orders", true).error_code, UNKNOWN);
}

/// The topic of this id, asked for as Kafka's admin client does (`name` empty) or as the protocol has it (null).
fn topic_by_id(client: &mut Raw, topic_id: Uuid, name: Option<&str>) -> MetadataResponseTopic {
    let asked = MetadataRequestTopic { topic_id, name: name.map(Into::into) };
    let request = MetadataRequest { topics: Some(vec![asked]), ..Default::default() };
    client.ask(12, &request).topics.remove(0)
}

#[test]
fn metadata_finds_a_topic_by_its_id_whatever_stands_for_the_name() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 2, &[]);
    let named = client.topic("orders", false);
    let nobodys = Uuid::from_u128(1);
    for name in [None, Some(""), Some("payments")] {
        assert_eq!(
            topic_by_id(&mut client, named.topic_id, name).name.as_deref(),
            Some("orders"),
            "{name:?}"
        );
        let unknown = topic_by_id(&mut client, nobodys, name);
        assert_eq!(unknown.error_code, ErrorCode::UNKNOWN_TOPIC_ID, "{name:?}");
        assert_eq!((unknown.name, unknown.topic_id), (None, nobodys), "{name:?}");
    }
    assert_eq!(client.topic("payments", false).error_code, UNKNOWN, "and none was created");
}

#[test]
fn a_deleted_topic_is_gone_and_one_of_the_same_name_is_another() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 2, &[]);
    client.append("orders", 0, &["old"]);
    let old = client.topic("orders", false).topic_id;
    assert_eq!(client.delete_topic("orders"), ErrorCode::NONE);
    assert_eq!(client.topic("orders", false).error_code, UNKNOWN);
    assert_eq!(client.produce("orders", 0, batch(&["x"])).error_code, UNKNOWN);
    assert_eq!(client.delete_topic("orders"), UNKNOWN);

    client.create_topic("orders", 1, &[]);
    let new = client.topic("orders", false);
    assert_ne!(new.topic_id, old);
    assert_eq!(new.partitions.len(), 1);
    assert_eq!(client.read_all("orders", 0), []);
    assert_eq!(client.append("orders", 0, &["new"]), 0);

    let mut by_old_id = fetch_request("", vec![fetch_partition(0, 0)]);
    by_old_id.topics[0].topic_id = old;
    assert_eq!(only_fetched(client.ask(13, &by_old_id)).error_code, ErrorCode::UNKNOWN_TOPIC_ID);
}

#[test]
fn deletion_survives_a_crash_and_so_does_creation() {
    let mut server = Server::start();
    let mut client = Raw::connect(&server);
    for name in ["kept", "deleted", "recreated"] {
        client.create_topic(name, 2, &[]);
        client.append(name, 1, &[name]);
    }
    assert_eq!(client.delete_topic("deleted"), ErrorCode::NONE);
    assert_eq!(client.delete_topic("recreated"), ErrorCode::NONE);
    client.create_topic("recreated", 2, &[]);
    let (kept, recreated) = (client.topic("kept", false).topic_id, client.topic("recreated", false).topic_id);
    server.crash();
    let mut client = Raw::connect(&server);
    assert_eq!(client.topic("deleted", false).error_code, UNKNOWN);
    assert_eq!(client.topic("kept", false).topic_id, kept);
    assert_eq!(client.topic("recreated", false).topic_id, recreated);
    assert_eq!(client.read_all("kept", 1), [(0, "kept".to_owned())]);
    assert_eq!(client.read_all("recreated", 1), []);
}

#[test]
fn topics_stay_where_deletion_is_not_allowed() {
    let server = Server::with(&["delete.topic.enable=false"]);
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    assert_eq!(client.delete_topic("orders"), ErrorCode::TOPIC_DELETION_DISABLED);
    assert_eq!(client.append("orders", 0, &["a"]), 0);
}

#[test]
fn many_can_ask_for_the_same_new_topic_at_once() {
    let server = Server::start();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let ask = |_| scope.spawn(|| Raw::connect(&server).topic("orders", true));
        let asked: Vec<_> = (0..8).map(ask).collect();
        asked.into_iter().map(|topic| topic.join().expect("answered")).collect()
    });
    assert!(
        ids.iter().all(|topic| topic.error_code.is_none() && topic.topic_id == ids[0].topic_id),
        "{ids:?}"
    );
    let mut client = Raw::connect(&server);
    let request = fetch_request("orders", vec![fetch_partition(0, 0)]);
    assert_eq!(only_fetched(client.ask(FETCH, &request)).high_watermark, 0);
}

#[test]
fn a_new_topic_is_answered_with_all_its_settings() {
    use chronik_kafka::message::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
    let server = Server::with(&["log.roll.hours=1"]);
    let mut client = Raw::connect(&server);
    let topic = |name: &str, value: Option<&str>| CreatableTopic {
        name: name.into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: vec![CreatableTopicConfig { name: "retention.ms".into(), value: value.map(Into::into) }],
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic("orders", Some("5")), topic("unclear", None)],
        timeout_ms: 10_000,
        validate_only: false,
    };
    let topics = client.ask(7, &request).topics;
    let configs = topics[0].configs.as_deref().unwrap_or_default();
    let found = |key: &str| {
        let config = configs.iter().find(|config| &*config.name == key).expect(key);
        (config.value.as_deref().unwrap_or_default(), config.config_source)
    };
    assert_eq!(found("retention.ms"), ("5", 1));
    assert_eq!(found("segment.ms"), ("3600000", 4));
    assert_eq!(found("cleanup.policy"), ("delete", 5));
    assert_eq!(topics[1].error_code, ErrorCode::INVALID_CONFIG, "a setting needs a value");
}
