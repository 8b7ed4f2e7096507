//! Fetches that cannot be served: each says why, at once.

use std::time::{Duration, Instant};

use chronik_kafka::ErrorCode;
use chronik_kafka::message::fetch::{EpochEndOffset, FetchRequest};
use uuid::Uuid;

use crate::support::Server;
use crate::support::raw::Raw;
use crate::support::requests::{FETCH, fetch_partition, fetch_request, fetched, only_fetched};

/// Long enough that a test would notice.
const LONG_MS: i32 = 15_000;
const AT_ONCE: Duration = Duration::from_secs(5);

/// A fetch that would wait long if there were no error.
fn patient(topic: &str, partition: i32, offset: i64) -> FetchRequest {
    let request = fetch_request(topic, vec![fetch_partition(partition, offset)]);
    FetchRequest { max_wait_ms: LONG_MS, min_bytes: 1, ..request }
}

fn code(client: &mut Raw, version: i16, request: &FetchRequest) -> ErrorCode {
    let started = Instant::now();
    let code = only_fetched(client.ask(version, request)).error_code;
    assert!(started.elapsed() < AT_ONCE, "an error does not wait");
    code
}

#[test]
fn an_offset_outside_the_log_is_out_of_range() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    client.append("orders", 0, &["a", "b"]);
    for offset in [-1, 3, i64::MAX, i64::MIN] {
        assert_eq!(code(&mut client, FETCH, &patient("orders", 0, offset)), ErrorCode::OFFSET_OUT_OF_RANGE);
    }
}

#[test]
fn what_does_not_exist_is_named() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    assert_eq!(code(&mut client, FETCH, &patient("nowhere", 0, 0)), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    for partition in [1, -1, i32::MAX] {
        let request = patient("orders", partition, 0);
        assert_eq!(code(&mut client, FETCH, &request), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    }
    let mut by_id = patient("", 0, 0);
    by_id.topics[0].topic_id = Uuid::from_u128(1);
    assert_eq!(code(&mut client, 13, &by_id), ErrorCode::UNKNOWN_TOPIC_ID);
}

#[test]
fn an_error_in_one_partition_does_not_spoil_the_others() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    client.append("orders", 0, &["a"]);
    let request = fetch_request("orders", vec![fetch_partition(7, 0), fetch_partition(0, 0)]);
    let data = fetched(client.ask(FETCH, &request));
    assert_eq!(data[0].error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!((data[1].error_code, data[1].high_watermark), (ErrorCode::NONE, 1));
}

#[test]
fn another_leader_epoch_is_fenced_or_unknown() {
    let mut server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    client.append("orders", 0, &["a"]);
    server.crash(); // a leader that comes back leads in a new epoch
    let mut client = Raw::connect(&server);
    let current = client.topic("orders", false).partitions[0].leader_epoch;
    assert!(current > 0);
    let mut with = |epoch: i32| {
        let mut request = patient("orders", 0, 0);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        code(&mut client, FETCH, &request)
    };
    assert_eq!(with(current), ErrorCode::NONE);
    assert_eq!(with(-1), ErrorCode::NONE);
    assert_eq!(with(current - 1), ErrorCode::FENCED_LEADER_EPOCH);
    assert_eq!(with(current + 1), ErrorCode::UNKNOWN_LEADER_EPOCH);
}

#[test]
fn a_reader_from_another_history_learns_where_it_parts_from_ours() {
    let mut server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    client.append("orders", 0, &["a", "b"]); // epoch 0 ends at 2
    server.crash();
    let mut client = Raw::connect(&server);
    client.append("orders", 0, &["c", "d"]); // epoch 2 goes on to 4, nobody led in 1
    let mut request = patient("orders", 0, 4);
    request.topics[0].partitions[0].last_fetched_epoch = 0; // whoever is at 4 in epoch 0 read what we do not have
    let data = only_fetched(client.ask(FETCH, &request));
    assert_eq!((data.diverging_epoch.epoch, data.diverging_epoch.end_offset), (0, 2));
    assert_eq!(data.records.map(|records| records.len()), Some(0));
}

#[test]
fn a_reader_that_names_the_epoch_of_a_leader_without_records_reads_on() {
    let mut server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    client.append("orders", 0, &["a", "b"]);
    server.crash(); // epoch 2 begins, and nobody writes in it
    let mut client = Raw::connect(&server);
    let mut request = patient("orders", 0, 1);
    request.topics[0].partitions[0].last_fetched_epoch = 2;
    let data = only_fetched(client.ask(FETCH, &request));
    assert_eq!((data.error_code, data.diverging_epoch), (ErrorCode::NONE, EpochEndOffset::default()));
    assert!(data.records.is_some_and(|records| !records.is_empty()));

    request.topics[0].partitions[0].last_fetched_epoch = 3;
    assert_eq!(code(&mut client, FETCH, &request), ErrorCode::OFFSET_OUT_OF_RANGE, "an epoch still to come");
}

#[test]
fn a_topic_deleted_while_a_fetch_waits_ends_the_wait() {
    let server = Server::start();
    let mut reader = Raw::connect(&server);
    reader.create_topic("orders", 1, &[]);
    let sent = reader.send(FETCH, &patient("orders", 0, 0));
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    assert_eq!(Raw::connect(&server).delete_topic("orders"), ErrorCode::NONE);
    let data = only_fetched(reader.receive(sent));
    assert_eq!(data.error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

#[test]
fn a_server_that_stops_answers_the_fetches_that_wait() {
    let mut server = Server::start();
    let mut reader = Raw::connect(&server);
    reader.create_topic("orders", 1, &[]);
    let sent = reader.send(FETCH, &patient("orders", 0, 0));
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(only_fetched(reader.receive(sent)).error_code, ErrorCode::NONE);
    reader.expect_hung_up();
}
