//! CreatePartitions and DescribeTopicPartitions.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use chronik_kafka::message::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, TopicRequest,
};

use crate::support::Server;
use crate::support::raw::Raw;

fn grow(topic: &str, count: i32, assignments: Option<&[&[i32]]>) -> CreatePartitionsTopic {
    let assignment = |broker_ids: &&[i32]| CreatePartitionsAssignment { broker_ids: broker_ids.to_vec() };
    CreatePartitionsTopic {
        name: topic.into(),
        count,
        assignments: assignments.map(|assignments| assignments.iter().map(assignment).collect()),
    }
}

fn request(topics: Vec<CreatePartitionsTopic>) -> CreatePartitionsRequest {
    CreatePartitionsRequest { topics, timeout_ms: 10_000, validate_only: false }
}

#[test]
fn a_topic_grows_in_every_version_and_keeps_what_it_has() {
    let mut server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &["max.message.bytes=5000"]);
    client.append("orders", 0, &["kept"]);
    for (version, count) in (0..=3).zip(2..) {
        let results = client.ask(version, &request(vec![grow("orders", count, None)])).results;
        assert_eq!((results[0].error_code, &results[0].error_message), (ErrorCode::NONE, &None));
        assert_eq!(client.topic("orders", false).partitions.len(), usize::try_from(count).expect("few"));
        assert_eq!(client.append("orders", count - 1, &["new"]), 0, "it can be written to at once");
    }
    server.crash();
    let mut client = Raw::connect(&server);
    assert_eq!(client.topic("orders", false).partitions.len(), 5);
    assert_eq!(client.read_all("orders", 0), [(0, "kept".to_owned())]);
    assert_eq!(client.read_all("orders", 4), [(0, "new".to_owned())]);
    let large = crate::support::batches::large_batch(6000);
    assert_eq!(
        client.produce("orders", 4, large).error_code,
        ErrorCode::MESSAGE_TOO_LARGE,
        "it has the topic's settings"
    );
}

#[test]
fn what_cannot_grow_says_why() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 2, &[]);
    for (asked, code) in [
        (grow("nowhere", 3, None), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (grow("orders", 2, None), ErrorCode::INVALID_PARTITIONS),
        (grow("orders", 1, None), ErrorCode::INVALID_PARTITIONS),
        (grow("orders", -1, None), ErrorCode::INVALID_PARTITIONS),
        (grow("orders", 10_001, None), ErrorCode::INVALID_PARTITIONS),
        (grow("orders", 4, Some(&[&[1]])), ErrorCode::INVALID_REPLICA_ASSIGNMENT),
        (grow("orders", 3, Some(&[&[1, 1]])), ErrorCode::INVALID_REPLICA_ASSIGNMENT),
        (grow("orders", 3, Some(&[&[2]])), ErrorCode::INVALID_REPLICA_ASSIGNMENT),
        (grow("orders", 3, Some(&[&[]])), ErrorCode::INVALID_REPLICA_ASSIGNMENT),
    ] {
        let result = client.ask(3, &request(vec![asked.clone()])).results.remove(0);
        assert_eq!(result.error_code, code, "{asked:?}: {:?}", result.error_message);
        assert!(result.error_message.is_some());
    }
    let twice = client.ask(3, &request(vec![grow("orders", 3, None), grow("orders", 4, None)])).results;
    assert!(twice.iter().all(|result| result.error_code == ErrorCode::INVALID_REQUEST));
    let only_validated =
        CreatePartitionsRequest { validate_only: true, ..request(vec![grow("orders", 3, None)]) };
    assert_eq!(client.ask(3, &only_validated).results[0].error_code, ErrorCode::NONE);
    assert_eq!(client.topic("orders", false).partitions.len(), 2);
    let by_hand = client.ask(3, &request(vec![grow("orders", 3, Some(&[&[1]]))])).results.remove(0);
    assert_eq!(by_hand.error_code, ErrorCode::NONE);
    assert_eq!(client.topic("orders", false).partitions[2].replica_nodes, [1]);
}

#[test]
fn topics_are_described_in_pages() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("b", 3, &[]);
    client.create_topic("a", 2, &[]);
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let asked = DescribeTopicPartitionsRequest { topics: vec![], response_partition_limit: 2, cursor };
        let response = client.ask(0, &asked);
        for topic in response.topics {
            assert_eq!(topic.error_code, ErrorCode::NONE);
            assert!(!topic.topic_id.is_nil());
            let name = topic.name.unwrap_or_default().to_string();
            for partition in topic.partitions {
                assert_eq!((partition.leader_id, partition.isr_nodes), (1, vec![1]));
                found.push(format!("{name}-{}", partition.partition_index));
            }
        }
        cursor = response.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a-0", "a-1", "b-0", "b-1", "b-2"]);
    let named = |name: &str, cursor| DescribeTopicPartitionsRequest {
        topics: vec![TopicRequest { name: name.into() }],
        cursor,
        ..Default::default()
    };
    let unknown = client.ask(0, &named("nowhere", None)).topics.remove(0);
    assert_eq!(unknown.error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let elsewhere = Cursor { topic_name: "b".into(), partition_index: 0 };
    let refused = client.ask(0, &named("a", Some(elsewhere))).topics.remove(0);
    assert_eq!(refused.error_code, ErrorCode::INVALID_REQUEST);
}
