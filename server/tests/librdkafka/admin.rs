//! Topics as librdkafka's admin client handles them.

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::client::{config, producer, try_send, wait};
use crate::support::{PATIENCE, Server};

type Outcome = Result<(), RDKafkaErrorCode>;

fn admin(server: &Server) -> AdminClient<DefaultClientContext> {
    config(server).create().expect("an admin client")
}

fn create(server: &Server, topic: &NewTopic<'_>) -> Outcome {
    let created = wait(admin(server).create_topics([topic], &AdminOptions::new()));
    created.expect("answered").remove(0).map(drop).map_err(|(_, code)| code)
}

fn delete(server: &Server, topic: &str) -> Outcome {
    let deleted = wait(admin(server).delete_topics(&[topic], &AdminOptions::new()));
    deleted.expect("answered").remove(0).map(drop).map_err(|(_, code)| code)
}

/// Name and number of partitions of all topics.
fn topics(server: &Server) -> Vec<(String, usize)> {
    let client: BaseConsumer = config(server).create().expect("a client");
    let metadata = client.fetch_metadata(None, PATIENCE).expect("answered");
    assert_eq!(metadata.brokers().len(), 1);
    metadata.topics().iter().map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect()
}

#[test]
fn topics_are_created_listed_and_deleted() {
    let server = Server::start();
    let one = || TopicReplication::Fixed(1);
    let settings =
        NewTopic::new("orders", 4, one()).set("retention.ms", "1000").set("cleanup.policy", "delete");
    assert_eq!(create(&server, &settings), Ok(()));
    assert_eq!(create(&server, &NewTopic::new("payments", 1, one())), Ok(()));
    assert_eq!(topics(&server), [("orders".to_owned(), 4), ("payments".to_owned(), 1)]);
    assert_eq!(delete(&server, "orders"), Ok(()));
    assert_eq!(topics(&server), [("payments".to_owned(), 1)]);
}

#[test]
fn what_cannot_be_done_says_why() {
    let server = Server::start();
    let new = |name, partitions, replicas| NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
    assert_eq!(create(&server, &new("orders", 1, 1)), Ok(()));
    assert_eq!(create(&server, &new("orders", 1, 1)), Err(RDKafkaErrorCode::TopicAlreadyExists));
    assert_eq!(create(&server, &new("a/b", 1, 1)), Err(RDKafkaErrorCode::InvalidTopic));
    assert_eq!(create(&server, &new("many", 1, 3)), Err(RDKafkaErrorCode::InvalidReplicationFactor));
    let unknown = new("odd", 1, 1).set("colour", "red");
    assert_eq!(create(&server, &unknown), Err(RDKafkaErrorCode::InvalidConfig));
    assert_eq!(delete(&server, "nowhere"), Err(RDKafkaErrorCode::UnknownTopicOrPartition));
}

fn described(server: &Server, resource: &ResourceSpecifier<'_>) -> Result<ConfigResource, RDKafkaErrorCode> {
    wait(admin(server).describe_configs([resource], &AdminOptions::new())).expect("answered").remove(0)
}

#[test]
fn settings_are_described_and_altered() {
    let server = Server::start();
    let settings = NewTopic::new("orders", 1, TopicReplication::Fixed(1)).set("retention.ms", "1000");
    assert_eq!(create(&server, &settings), Ok(()));
    let topic = ResourceSpecifier::Topic("orders");
    let of_topic = described(&server, &topic).expect("described");
    let entry = of_topic.get("retention.ms").expect("known");
    assert_eq!((entry.value.as_deref(), &entry.source), (Some("1000"), &ConfigSource::DynamicTopic));
    let default = of_topic.get("cleanup.policy").expect("known");
    assert_eq!((default.value.as_deref(), default.is_default), (Some("delete"), true));
    let of_broker = described(&server, &ResourceSpecifier::Broker(1)).expect("described");
    assert_eq!(of_broker.get("delete.topic.enable").and_then(|e| e.value.as_deref()), Some("true"));
    let unknown =
        described(&server, &ResourceSpecifier::Topic("nowhere")).expect("the binding hides the error");
    assert_eq!(unknown.entries, []);

    let alter = |key: &str, value: &str| {
        let change = AlterConfig::new(topic).set(key, value);
        let altered = wait(admin(&server).alter_configs([&change], &AdminOptions::new()));
        altered.expect("answered").remove(0).map(drop).map_err(|(_, code)| code)
    };
    assert_eq!(alter("segment.ms", "5000"), Ok(()));
    let of_topic = described(&server, &topic).expect("described");
    assert_eq!(of_topic.get("segment.ms").and_then(|e| e.value.as_deref()), Some("5000"));
    assert!(of_topic.get("retention.ms").is_some_and(|e| e.is_default), "AlterConfigs replaces everything");
    let _hidden_by_the_binding = alter("segment.ms", "soon");
    let of_topic = described(&server, &topic).expect("described");
    assert_eq!(of_topic.get("segment.ms").and_then(|e| e.value.as_deref()), Some("5000"), "it is as it was");
}

#[test]
fn topics_get_more_partitions() {
    let server = Server::start();
    assert_eq!(create(&server, &NewTopic::new("orders", 1, TopicReplication::Fixed(1))), Ok(()));
    let grow = |topic: &str, count| {
        let grown =
            wait(admin(&server).create_partitions([&NewPartitions::new(topic, count)], &AdminOptions::new()));
        grown.expect("answered").remove(0).map(drop).map_err(|(_, code)| code)
    };
    assert_eq!(grow("orders", 4), Ok(()));
    assert_eq!(topics(&server), [("orders".to_owned(), 4)]);
    assert_eq!(grow("orders", 2), Err(RDKafkaErrorCode::InvalidPartitions));
    assert_eq!(grow("nowhere", 2), Err(RDKafkaErrorCode::UnknownTopicOrPartition));
}

#[test]
fn records_are_deleted_up_to_an_offset() {
    let server = Server::start();
    assert_eq!(create(&server, &NewTopic::new("orders", 1, TopicReplication::Fixed(1))), Ok(()));
    let producer = producer(&server, &[]);
    for offset in 0..10 {
        assert_eq!(try_send(&producer, "orders", b"v").expect("acknowledged"), offset);
    }
    let delete = |offset| {
        let mut before = TopicPartitionList::new();
        before.add_partition_offset("orders", 0, offset).expect("an offset");
        let deleted = wait(admin(&server).delete_records(&before, &AdminOptions::new())).expect("answered");
        let partition = deleted.find_partition("orders", 0).expect("answered for");
        partition.error().map(|()| partition.offset())
    };
    assert_eq!(delete(Offset::Offset(4)), Ok(Offset::Offset(4)));
    let beyond = delete(Offset::Offset(11)).expect_err("there is no such offset");
    assert_eq!(beyond.rdkafka_error_code(), Some(RDKafkaErrorCode::OffsetOutOfRange));
    let client: BaseConsumer = config(&server).create().expect("a client");
    assert_eq!(client.fetch_watermarks("orders", 0, PATIENCE).expect("answered"), (4, 10));
    assert_eq!(delete(Offset::End), Ok(Offset::Offset(10)));
}
