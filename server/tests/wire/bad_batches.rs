//! Batches that contradict themselves: Kafka's error code, and nothing of them in the log.

use bytes::{Bytes, BytesMut};
use chronik_kafka::ErrorCode;
use chronik_kafka::record_batch::BatchHeader;

use crate::support::Server;
use crate::support::batches::{batch, forged, large_batch};
use crate::support::raw::Raw;
use crate::support::requests::{ALL, PRODUCE, only_produced, produce_request};

/// A change to a batch's header that makes it wrong.
type Lie = (&'static str, fn(&mut BatchHeader));

const MAGIC_AT: usize = 16;

/// Produces `bad` between two good batches: it is refused with `code`, and leaves no trace.
fn assert_refused(client: &mut Raw, what: &str, bad: Bytes, code: ErrorCode) {
    let before = client.append("orders", 0, &["before"]);
    let refused = client.produce("orders", 0, bad);
    assert_eq!((refused.error_code, refused.base_offset), (code, -1), "{what}");
    assert!(refused.error_message.is_some_and(|message| !message.is_empty()), "{what}: a message says why");
    assert_eq!(client.append("orders", 0, &["after"]), before + 1, "{what}: no offset was used");
}

fn client() -> (Server, Raw) {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    (server, client)
}

#[test]
fn one_flipped_bit_anywhere_under_the_crc_is_corruption() {
    let (_server, mut client) = client();
    let sound = batch(&["a", "b"]);
    for position in 21..sound.len() {
        let mut damaged = BytesMut::from(&sound[..]);
        damaged[position] ^= 1 << (position % 8);
        assert_refused(
            &mut client,
            &format!("byte {position}"),
            damaged.freeze(),
            ErrorCode::CORRUPT_MESSAGE,
        );
    }
}

#[test]
fn a_wrong_crc_is_corruption() {
    let (_server, mut client) = client();
    let mut damaged = BytesMut::from(&batch(&["a"])[..]);
    damaged[17] ^= 0xff;
    assert_refused(&mut client, "CRC", damaged.freeze(), ErrorCode::CORRUPT_MESSAGE);
}

#[test]
fn another_magic_is_refused() {
    let (_server, mut client) = client();
    for magic in [0, 1, 3, 0x7f, 0xff] {
        let mut other = BytesMut::from(&batch(&["a"])[..]);
        other[MAGIC_AT] = magic;
        assert_refused(&mut client, &format!("magic {magic}"), other.freeze(), ErrorCode::INVALID_RECORD);
    }
}

#[test]
fn counts_and_ranges_that_do_not_match_are_refused() {
    let (_server, mut client) = client();
    let lies: [Lie; 8] = [
        ("one record more than there are", |header| header.record_count += 1),
        ("one record less", |header| header.record_count -= 1),
        ("no records", |header| header.record_count = 0),
        ("a negative count", |header| header.record_count = -2),
        ("the largest count", |header| header.record_count = i32::MAX),
        ("a last offset beyond the records", |header| header.last_offset_delta += 1),
        ("count and last offset agree, but not with the records", |header| {
            header.record_count += 1;
            header.last_offset_delta += 1;
        }),
        ("a codec that there is not", |header| header.attributes = 5),
    ];
    for (what, lie) in lies {
        assert_refused(&mut client, what, forged(&["a", "b"], lie), ErrorCode::INVALID_RECORD);
    }
}

#[test]
fn clients_cannot_write_control_batches() {
    let (_server, mut client) = client();
    let control = forged(&["a"], |header| header.attributes |= 0x20);
    assert_refused(&mut client, "control", control, ErrorCode::INVALID_RECORD);
}

#[test]
fn a_batch_that_claims_more_bytes_than_came_is_corruption() {
    let (_server, mut client) = client();
    let sound = batch(&["a"]);
    let cut = sound.slice(..sound.len() - 1);
    assert_refused(&mut client, "cut", cut, ErrorCode::CORRUPT_MESSAGE);
}

#[test]
fn two_batches_for_one_partition_are_refused() {
    let (_server, mut client) = client();
    let two = Bytes::from([batch(&["a"]), batch(&["b"])].concat());
    assert_refused(&mut client, "two batches", two, ErrorCode::INVALID_RECORD);
}

#[test]
fn no_batch_at_all_is_refused() {
    let (_server, mut client) = client();
    assert_refused(&mut client, "empty", Bytes::new(), ErrorCode::INVALID_RECORD);
    let mut null = produce_request("orders", 0, ALL, Bytes::new());
    null.topic_data[0].partition_data[0].records = None;
    assert_eq!(only_produced(client.ask(PRODUCE, &null)).error_code, ErrorCode::INVALID_RECORD);
}

#[test]
fn a_batch_over_max_message_bytes_is_too_large_and_one_at_it_is_not() {
    let (_server, mut client) = client();
    client.create_topic("small", 1, &["max.message.bytes=1000"]);
    let overhead = large_batch(800).len() - 800;
    let at_limit = large_batch(1000 - overhead);
    assert_eq!(at_limit.len(), 1000);
    assert_eq!(client.produce("small", 0, at_limit).error_code, ErrorCode::NONE);
    let over = client.produce("small", 0, large_batch(1001 - overhead));
    assert_eq!(over.error_code, ErrorCode::MESSAGE_TOO_LARGE);
    assert_eq!(client.read_all("small", 0).len(), 1);
}

#[test]
fn a_bad_batch_spoils_no_other_partition_of_its_request() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 2, &[]);
    let mut request = produce_request("orders", 0, ALL, forged(&["bad"], |header| header.record_count = 9));
    let good =
        produce_request("orders", 1, ALL, batch(&["good"])).topic_data.remove(0).partition_data.remove(0);
    request.topic_data[0].partition_data.push(good);
    let response = client.ask(PRODUCE, &request);
    let codes: Vec<ErrorCode> =
        response.responses[0].partition_responses.iter().map(|partition| partition.error_code).collect();
    assert_eq!(codes, [ErrorCode::INVALID_RECORD, ErrorCode::NONE]);
    assert_eq!(client.read_all("orders", 1), [(0, "good".to_owned())]);
}
