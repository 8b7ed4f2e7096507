//! What librdkafka produces comes back byte for byte.

use chronik_kafka::Records;
use chronik_kafka::record_batch::BatchHeader;
use rdkafka::Offset;
use rdkafka::error::RDKafkaErrorCode;

use crate::client::{
    Known, consumer, expect_end, of_partition, producer, receive, send, some_records, try_send,
};
use crate::support::Server;
use crate::support::raw::Raw;

const PARTITIONS: i32 = 3;

/// Sends `records` and reads them back: the same, in the same order, at the offsets that were acknowledged.
fn assert_comes_back(server: &Server, topic: &str, settings: &[(&str, &str)], records: &[Known]) {
    let acknowledged = send(&producer(server, settings), topic, records);
    let from: Vec<_> = (0..PARTITIONS).map(|partition| (partition, Offset::Beginning)).collect();
    let consumer = consumer(server, topic, &from);
    let received = receive(&consumer, records.len());
    expect_end(&consumer);
    for partition in 0..PARTITIONS {
        let of_this: Vec<_> = received.iter().filter(|(_, known)| known.partition == partition).collect();
        let values: Vec<&Known> = of_this.iter().map(|(_, known)| known).collect();
        assert_eq!(values, of_partition(records, partition), "partition {partition} with {settings:?}");
        let offsets = of_this.iter().map(|(offset, _)| *offset);
        let expected = records.iter().zip(&acknowledged).filter(|(known, _)| known.partition == partition);
        assert!(
            offsets.eq(expected.map(|(_, offset)| *offset)),
            "acknowledged offsets of partition {partition}"
        );
    }
}

#[test]
fn every_codec_comes_back_byte_for_byte_and_is_kept() {
    let server = Server::start();
    let mut raw = Raw::connect(&server);
    for (code, codec) in (0i16..).zip(["none", "gzip", "snappy", "lz4", "zstd"]) {
        let topic = format!("codec-{codec}");
        raw.create_topic(&topic, PARTITIONS, &[]);
        let records = some_records(3_000, PARTITIONS, u64::try_from(code).expect("small"));
        assert_comes_back(&server, &topic, &[("compression.type", codec), ("linger.ms", "20")], &records);
        let stored = raw.fetch(&topic, 0, 0).records.and_then(Records::here).expect("records");
        let stored = BatchHeader::parse(&stored).expect("a batch").compression();
        assert_eq!(stored.code(), code, "{codec} was used, not silently left out (KAFKA-18659)");
    }
}

#[test]
fn an_idempotent_producer_writes_everything_once() {
    let server = Server::start();
    Raw::connect(&server).create_topic("orders", PARTITIONS, &[]);
    let settings = [("enable.idempotence", "true"), ("max.in.flight.requests.per.connection", "5")];
    assert_comes_back(&server, "orders", &settings, &some_records(3_000, PARTITIONS, 5));
    let stored =
        Raw::connect(&server).fetch("orders", 0, 0).records.and_then(Records::here).expect("records");
    assert!(BatchHeader::parse(&stored).expect("a batch").has_producer());
}

#[test]
fn every_acks_is_served() {
    let server = Server::start();
    for acks in ["1", "all"] {
        let topic = format!("acks-{acks}");
        Raw::connect(&server).create_topic(&topic, PARTITIONS, &[]);
        assert_comes_back(&server, &topic, &[("acks", acks)], &some_records(500, PARTITIONS, 9));
    }
    Raw::connect(&server).create_topic("acks-0", 1, &[]);
    let records = some_records(500, 1, 9);
    send(&producer(&server, &[("acks", "0")]), "acks-0", &records);
    let received = receive(&consumer(&server, "acks-0", &[(0, Offset::Beginning)]), records.len());
    assert!(received.iter().map(|(_, known)| known).eq(&records));
}

#[test]
fn nothing_is_not_the_same_as_empty() {
    let server = Server::start();
    Raw::connect(&server).create_topic("orders", PARTITIONS, &[]);
    let mut records = Vec::new();
    for key in [None, Some(vec![]), Some(vec![0])] {
        for value in [None, Some(vec![]), Some(vec![0xff; 3])] {
            let timestamp = 1_600_000_000_000;
            records.push(Known { key: key.clone(), value, timestamp, ..Default::default() });
        }
    }
    records[4].headers =
        vec![("twice".into(), None), ("twice".into(), Some(vec![])), (String::new(), Some(vec![1]))];
    assert_comes_back(&server, "orders", &[], &records);
}

#[test]
fn large_records_are_taken_up_to_the_limit_and_refused_beyond() {
    let server = Server::start(); // message.max.bytes = 1048588
    Raw::connect(&server).create_topic("orders", PARTITIONS, &[]);
    let producer = producer(&server, &[("message.max.bytes", "20000000")]);
    let fits = vec![b'x'; 1_048_000];
    assert_eq!(try_send(&producer, "orders", &fits).ok(), Some(0));
    let refused = try_send(&producer, "orders", &vec![b'x'; 1_049_000]).expect_err("too large");
    assert_eq!(refused.rdkafka_error_code(), Some(RDKafkaErrorCode::MessageSizeTooLarge));
    assert_eq!(try_send(&producer, "orders", b"small").ok(), Some(1));
    let received = receive(&consumer(&server, "orders", &[(0, Offset::Beginning)]), 2);
    assert_eq!(received[0].1.value.as_deref(), Some(&fits[..]));
    assert_eq!(received[1].1.value.as_deref(), Some(&b"small"[..]));
}

#[test]
fn a_topic_with_a_larger_limit_takes_larger_records() {
    let server = Server::start(); // with write-ahead log segments of 4 MiB
    Raw::connect(&server).create_topic("large", 1, &["max.message.bytes=12000000"]);
    let producer = producer(&server, &[("message.max.bytes", "20000000")]);
    let values: Vec<Vec<u8>> = [3_000_000, 10_000_000].map(|length| vec![b'x'; length]).to_vec();
    for (offset, value) in (0..).zip(&values) {
        assert_eq!(try_send(&producer, "large", value).ok(), Some(offset));
    }
    let received = receive(&consumer(&server, "large", &[(0, Offset::Beginning)]), values.len());
    assert!(received.iter().map(|(_, known)| known.value.as_ref().expect("a value")).eq(&values));
}

#[test]
fn a_topic_is_created_by_the_first_record() {
    let server = Server::start();
    assert_eq!(try_send(&producer(&server, &[]), "on-first-use", b"hello").ok(), Some(0));
    let strict = Server::with(&["auto.create.topics.enable=false"]);
    let at_once = producer(&strict, &[("topic.metadata.propagation.max.ms", "100")]);
    let refused = try_send(&at_once, "on-first-use", b"hello");
    let code = refused.expect_err("no such topic").rdkafka_error_code();
    assert_eq!(code, Some(RDKafkaErrorCode::UnknownTopicOrPartition));
}
