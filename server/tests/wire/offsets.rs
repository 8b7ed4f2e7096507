//! ListOffsets and OffsetForLeaderEpoch.

use chronik_kafka::message::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use chronik_kafka::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use chronik_kafka::record_batch::Compression;
use chronik_kafka::{ApiKey, ErrorCode};

use crate::support::Server;
use crate::support::batches::{TIME, batch_at, compressed};
use crate::support::raw::Raw;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// Three batches whose timestamps do not all rise: 100 101 102 | 50 51 | 200 201.
fn client(server: &Server) -> Raw {
    let mut client = Raw::connect(server);
    client.create_topic("orders", 1, &[]);
    for (time, values) in [(100, &["a", "b", "c"][..]), (50, &["d", "e"]), (200, &["f", "g"])] {
        let produced = client.produce("orders", 0, batch_at(TIME + time, values));
        assert_eq!(produced.error_code, ErrorCode::NONE);
    }
    client
}

fn find(client: &mut Raw, timestamp: i64) -> (i64, i64) {
    let found = client.list_offset("orders", 0, timestamp);
    assert_eq!(found.error_code, ErrorCode::NONE);
    (found.offset, found.timestamp)
}

#[test]
fn special_timestamps_are_the_ends_of_the_log() {
    let server = Server::start();
    let mut client = client(&server);
    assert_eq!(find(&mut client, EARLIEST), (0, -1));
    assert_eq!(find(&mut client, EARLIEST_LOCAL), (0, -1));
    assert_eq!(find(&mut client, LATEST), (7, -1));
    assert_eq!(find(&mut client, LATEST_TIERED), (-1, -1));
    assert_eq!(find(&mut client, MAX_TIMESTAMP), (6, TIME + 201));
}

#[test]
fn a_timestamp_finds_the_first_record_that_is_not_older() {
    let server = Server::start();
    let mut client = client(&server);
    for (time, offset, found) in
        [(0, 0, 100), (100, 0, 100), (101, 1, 101), (102, 2, 102), (103, 5, 200), (201, 6, 201)]
    {
        assert_eq!(find(&mut client, TIME + time), (offset, TIME + found), "{time}");
    }
    assert_eq!(find(&mut client, TIME + 202), (-1, -1), "later than everything");
}

#[test]
fn an_empty_log_has_ends_and_no_timestamps() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    assert_eq!((find(&mut client, EARLIEST), find(&mut client, LATEST)), ((0, -1), (0, -1)));
    assert_eq!((find(&mut client, MAX_TIMESTAMP), find(&mut client, 0)), ((-1, -1), (-1, -1)));
}

#[test]
fn timestamps_are_found_after_a_crash_too() {
    let mut server = Server::start();
    client(&server);
    server.crash();
    let mut client = Raw::connect(&server);
    assert_eq!(find(&mut client, TIME + 101), (1, TIME + 101));
    assert_eq!(find(&mut client, MAX_TIMESTAMP), (6, TIME + 201));
}

#[test]
fn every_version_answers() {
    let server = Server::start();
    let mut client = client(&server);
    for version in 1..=ApiKey::ListOffsets.versions().max {
        let partition = ListOffsetsPartition { timestamp: LATEST, ..Default::default() };
        let topic = ListOffsetsTopic { name: "orders".into(), partitions: vec![partition] };
        let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
        assert_eq!(client.ask(version, &request).topics[0].partitions[0].offset, 7, "version {version}");
    }
}

#[test]
fn what_does_not_exist_is_named() {
    let server = Server::start();
    let mut client = client(&server);
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(client.list_offset("nowhere", 0, LATEST).error_code, unknown);
    assert_eq!(client.list_offset("orders", 9, LATEST).error_code, unknown);
}

#[test]
fn a_special_timestamp_is_known_from_its_version_on() {
    let server = Server::start();
    let mut client = client(&server);
    let mut ask = |version, timestamp| {
        let partition = ListOffsetsPartition { timestamp, ..Default::default() };
        let topic = ListOffsetsTopic { name: "orders".into(), partitions: vec![partition] };
        let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
        let found = client.ask(version, &request).topics.remove(0).partitions.remove(0);
        (found.error_code, found.offset)
    };
    for (timestamp, first, offset) in [
        (MAX_TIMESTAMP, 7, 6),
        (EARLIEST_LOCAL, 8, 0),
        (LATEST_TIERED, 9, -1),
        (EARLIEST_PENDING_UPLOAD, 11, -1),
    ] {
        assert_eq!(ask(first - 1, timestamp), (ErrorCode::UNSUPPORTED_VERSION, -1), "{timestamp}");
        for version in first..=ApiKey::ListOffsets.versions().max {
            assert_eq!(
                ask(version, timestamp),
                (ErrorCode::NONE, offset),
                "{timestamp} in version {version}"
            );
        }
    }
    for timestamp in [-7, -99, i64::MIN] {
        assert_eq!(ask(11, timestamp).0, ErrorCode::UNSUPPORTED_VERSION, "{timestamp}");
    }
}

#[test]
fn a_timestamp_finds_its_record_inside_a_compressed_batch() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    for (round, codec) in
        (0..).zip([Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd])
    {
        let time = TIME + round * 1000;
        let batch = compressed(codec, &[time, time + 50, time + 20, time + 90, time + 90]);
        assert_eq!(client.produce("orders", 0, batch).error_code, ErrorCode::NONE);
        let base = round * 5;
        for (wanted, offset, found) in [(0, 0, 0), (1, 1, 50), (50, 1, 50), (51, 3, 90), (90, 3, 90)] {
            let expected = (base + offset, time + found);
            assert_eq!(find(&mut client, time + wanted), expected, "{codec:?} {wanted}");
        }
        assert_eq!(find(&mut client, MAX_TIMESTAMP), (base + 3, time + 90), "the first that has it");
    }
}

#[test]
fn every_start_of_the_leader_begins_an_epoch_whose_end_can_be_asked_for() {
    let mut server = Server::start();
    client(&server);
    server.crash();
    let mut client = Raw::connect(&server);
    client.append("orders", 0, &["h"]);
    let mut end_of = |epoch: i32| {
        let partition = OffsetForLeaderPartition { leader_epoch: epoch, ..Default::default() };
        let topic = OffsetForLeaderTopic { topic: "orders".into(), partitions: vec![partition] };
        let request = OffsetForLeaderEpochRequest { replica_id: -1, topics: vec![topic] };
        let found = client.ask(4, &request).topics.remove(0).partitions.remove(0);
        assert_eq!(found.error_code, ErrorCode::NONE);
        (found.leader_epoch, found.end_offset)
    };
    let (first, end) = end_of(0);
    assert_eq!((first, end), (0, 7), "the first epoch ends where the second begins");
    assert_eq!(end_of(1), (0, 7), "while it was down nobody led, which is an epoch without records");
    assert_eq!(end_of(2), (2, 8));
    assert_eq!(end_of(99), (-1, -1), "an epoch that is still to come");
}
