//! Where a consumer begins, and that it gets everything from there on.

use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};

use crate::client::{consumer, expect_end, producer, receive, send, some_records};
use crate::support::raw::Raw;
use crate::support::{PATIENCE, Server};

fn with_records(count: usize) -> Server {
    let server = Server::start();
    Raw::connect(&server).create_topic("orders", 1, &[]);
    send(&producer(&server, &[]), "orders", &some_records(count, 1, 1));
    server
}

#[test]
fn every_offset_can_be_the_first() {
    let server = with_records(200);
    for offset in [0, 1, 57, 199] {
        let consumer = consumer(&server, "orders", &[(0, Offset::Offset(offset))]);
        let received = receive(&consumer, 200 - usize::try_from(offset).expect("small"));
        assert_eq!(received.first().map(|(offset, _)| *offset), Some(offset));
        expect_end(&consumer);
    }
}

#[test]
fn a_consumer_at_the_end_gets_what_comes_next() {
    let server = with_records(10);
    let consumer = consumer(&server, "orders", &[(0, Offset::Offset(10))]);
    expect_end(&consumer);
    let new = some_records(5, 1, 77);
    send(&producer(&server, &[]), "orders", &new);
    let received = receive(&consumer, 5);
    assert_eq!(received[0].0, 10);
    assert!(received.iter().map(|(_, known)| known).eq(&new));
}

#[test]
fn the_ends_of_a_partition_are_known() {
    let server = with_records(10);
    let consumer = consumer(&server, "orders", &[]);
    assert_eq!(consumer.fetch_watermarks("orders", 0, PATIENCE).expect("answered"), (0, 10));
}

#[test]
fn times_are_offsets() {
    let server = with_records(100); // a millisecond apart
    let consumer = consumer(&server, "orders", &[]);
    let at = |time: i64| {
        let mut asked = TopicPartitionList::new();
        asked.add_partition_offset("orders", 0, Offset::Offset(time)).expect("a time");
        let found = consumer.offsets_for_times(asked, PATIENCE).expect("answered");
        found.find_partition("orders", 0).expect("answered").offset()
    };
    let first = 1_700_000_000_000;
    assert_eq!(at(0), Offset::Offset(0));
    assert_eq!(at(first), Offset::Offset(0));
    assert_eq!(at(first + 42), Offset::Offset(42));
    assert_eq!(at(first + 100), Offset::End, "later than everything");
}

#[test]
fn an_offset_beyond_the_end_is_an_error_for_those_who_want_one() {
    let server = with_records(10);
    let consumer = consumer(&server, "orders", &[(0, Offset::Offset(11))]);
    let error = std::iter::from_fn(|| consumer.poll(Duration::from_secs(1)))
        .filter_map(Result::err)
        .find(|error| error.rdkafka_error_code() == Some(rdkafka::error::RDKafkaErrorCode::AutoOffsetReset));
    assert!(error.is_some());
}

#[test]
fn small_fetches_bring_everything_too() {
    let server = with_records(0);
    let records = some_records(2_000, 1, 3);
    send(&producer(&server, &[("batch.size", "2000")]), "orders", &records);
    let mut config = crate::client::config(&server);
    config.set("group.id", "alone").set("enable.auto.commit", "false");
    config
        .set("fetch.message.max.bytes", "100")
        .set("fetch.max.bytes", "1000")
        .set("message.max.bytes", "1000");
    let consumer: rdkafka::consumer::BaseConsumer = config.create().expect("a consumer");
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset("orders", 0, Offset::Beginning).expect("an offset");
    consumer.assign(&assignment).expect("assigned");
    let received = receive(&consumer, records.len());
    assert!(received.iter().map(|(_, known)| known).eq(&records));
}
