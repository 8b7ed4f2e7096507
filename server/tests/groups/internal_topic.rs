//! `__consumer_offsets`: made by the server, written by nobody else, never deleted.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::find_coordinator::FindCoordinatorRequest;
use chronik_kafka::message::metadata::MetadataRequest;

use crate::member::commit;
use crate::support::Server;
use crate::support::batches::batch;
use crate::support::raw::Raw;

const TOPIC: &str = "__consumer_offsets";

#[test]
fn it_is_made_when_it_is_first_needed() {
    let server = Server::with(&["offsets.topic.num.partitions=7"]);
    let mut raw = Raw::connect(&server);
    assert_eq!(raw.topic(TOPIC, false).error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "not before");
    let find = FindCoordinatorRequest { key: "g".into(), ..Default::default() };
    assert_eq!(raw.ask(2, &find).error_code, ErrorCode::NONE);
    let topic = raw.topic(TOPIC, false);
    assert_eq!((topic.error_code, topic.is_internal, topic.partitions.len()), (ErrorCode::NONE, true, 7));
    raw.create_topic("orders", 1, &[]);
    let all = raw.ask(9, &MetadataRequest { topics: None, ..Default::default() }).topics;
    let internal: Vec<bool> = all.iter().map(|topic| topic.is_internal).collect();
    assert_eq!(internal, [true, false]);
}

#[test]
fn a_client_that_asks_for_it_gets_it_as_it_should_be() {
    let server = Server::start(); // num.partitions is 1
    let topic = Raw::connect(&server).topic(TOPIC, true);
    assert_eq!((topic.error_code, topic.is_internal, topic.partitions.len()), (ErrorCode::NONE, true, 50));
}

#[test]
fn clients_neither_write_nor_create_nor_delete_it() {
    let server = Server::start();
    let mut raw = Raw::connect(&server);
    assert_eq!(raw.try_create_topic(TOPIC, 1, vec![]), ErrorCode::INVALID_TOPIC_EXCEPTION);
    raw.create_topic("orders", 1, &[]);
    assert_eq!(commit(&mut raw, "g", "orders", 0, 5), ErrorCode::NONE);
    assert_eq!(raw.produce(TOPIC, 0, batch(&["x"])).error_code, ErrorCode::INVALID_TOPIC_EXCEPTION);
    assert_eq!(raw.delete_topic(TOPIC), ErrorCode::INVALID_REQUEST);
    assert_eq!(crate::member::committed(&mut raw, "g", "orders", 0), 5);
}
