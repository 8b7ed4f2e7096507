//! DeleteRecords: what is before an offset is gone for good.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};

use crate::support::Server;
use crate::support::raw::Raw;

const EARLIEST: i64 = -2;

fn delete(client: &mut Raw, version: i16, topic: &str, partition: i32, offset: i64) -> (ErrorCode, i64) {
    let partitions = vec![DeleteRecordsPartition { partition_index: partition, offset }];
    let topics = vec![DeleteRecordsTopic { name: topic.into(), partitions }];
    let response = client.ask(version, &DeleteRecordsRequest { topics, timeout_ms: 10_000 });
    let result = &response.topics[0].partitions[0];
    assert_eq!((&*response.topics[0].name, result.partition_index), (topic, partition));
    (result.error_code, result.low_watermark)
}

#[test]
fn records_before_an_offset_are_gone_also_after_a_crash() {
    let mut server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 2, &[]);
    for partition in 0..2 {
        for _ in 0..4 {
            client.append("orders", partition, &["a", "b", "c"]);
        }
    }
    for (version, offset) in [(0, 3), (1, 5), (2, 7)] {
        assert_eq!(delete(&mut client, version, "orders", 0, offset), (ErrorCode::NONE, offset));
        assert_eq!(client.list_offset("orders", 0, EARLIEST).offset, offset);
    }
    assert_eq!(delete(&mut client, 2, "orders", 0, 4), (ErrorCode::NONE, 7), "it does not go back");
    assert_eq!(delete(&mut client, 2, "orders", 1, -1), (ErrorCode::NONE, 12), "up to the high watermark");
    server.crash();
    let mut client = Raw::connect(&server);
    assert_eq!(client.list_offset("orders", 0, EARLIEST).offset, 7);
    assert_eq!(client.list_offset("orders", 1, EARLIEST).offset, 12);
    assert_eq!(client.fetch("orders", 0, 3).error_code, ErrorCode::OFFSET_OUT_OF_RANGE);
    assert_eq!(client.fetch("orders", 0, 7).error_code, ErrorCode::NONE);
    assert_eq!(client.append("orders", 1, &["d"]), 12);
}

#[test]
fn what_cannot_be_deleted_is_left_alone() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    client.create_topic("table", 1, &["cleanup.policy=compact"]);
    client.append("orders", 0, &["a", "b"]);
    for (topic, partition, offset, code) in [
        ("nowhere", 0, 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ("orders", 1, 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ("orders", -1, 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ("orders", 0, 3, ErrorCode::OFFSET_OUT_OF_RANGE),
        ("orders", 0, -2, ErrorCode::OFFSET_OUT_OF_RANGE),
        ("table", 0, -1, ErrorCode::POLICY_VIOLATION),
    ] {
        assert_eq!(
            delete(&mut client, 2, topic, partition, offset),
            (code, -1),
            "{topic}-{partition} {offset}"
        );
    }
    assert_eq!(client.read_all("orders", 0).len(), 2);
}
