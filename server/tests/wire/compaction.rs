//! `cleanup.policy=compact`, as clients see it.

use bytes::Bytes;
use chronik_kafka::message::produce::PartitionProduceResponse;
use chronik_kafka::record_batch::{BatchBuilder, Compression};
use chronik_kafka::{ErrorCode, Records, compression};

use crate::support::batches::{TIME, records};
use crate::support::raw::Raw;
use crate::support::requests::{ALL, PRODUCE, only_produced, produce_request};
use crate::support::{Server, wait_for};

/// Looks often, so that a test need not wait long.
const EAGER: &[&str] = &["log.cleaner.backoff.ms=20", "checkpoint.interval.ms=100"];
const COMPACTED: &[&str] =
    &["cleanup.policy=compact", "segment.bytes=1024", "min.cleanable.dirty.ratio=0", "delete.retention.ms=0"];

fn produce(client: &mut Raw, codec: Compression, pairs: &[(Option<&str>, &str)]) -> PartitionProduceResponse {
    let mut builder = BatchBuilder::new();
    for (key, value) in pairs {
        builder.record(TIME, key.map(str::as_bytes), Some(value.as_bytes()));
    }
    let compress = |plain: &[u8]| compression::compress(codec, plain).map(Bytes::from);
    let batch = builder.build_compressed(codec, compress).expect("a codec").to_bytes();
    only_produced(client.ask(PRODUCE, &produce_request("state", 0, ALL, batch)))
}

#[test]
fn a_record_without_a_key_is_refused_compressed_or_not() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("state", 1, COMPACTED);
    for codec in
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let refused = produce(&mut client, codec, &[(Some("a"), "1"), (None, "2")]);
        assert_eq!((refused.error_code, refused.base_offset), (ErrorCode::INVALID_RECORD, -1), "{codec:?}");
        let message = refused.error_message.expect("a message");
        assert!(message.contains("record 1") && message.contains("no key"), "{message}");
        assert_eq!(produce(&mut client, codec, &[(Some("a"), "1")]).error_code, ErrorCode::NONE, "{codec:?}");
    }
}

#[test]
fn the_last_value_of_every_key_stays_where_it_was() {
    let mut server = Server::with(EAGER);
    let mut client = Raw::connect(&server);
    client.create_topic("state", 1, COMPACTED);
    for round in 0..60 {
        let (key, value) = (format!("key-{}", round % 7), format!("{round} {}", "x".repeat(100)));
        let produced = produce(&mut client, Compression::None, &[(Some(&key), &value)]);
        assert_eq!((produced.error_code, produced.base_offset), (ErrorCode::NONE, round));
    }
    // The active segment is never compacted: it has the last few.
    let few = |client: &mut Raw| {
        let found = records(fetch_all(client));
        (found.len() < 20).then_some(found)
    };
    let found = wait_for("a compaction", || few(&mut client));
    assert_last_values(&found);
    // An offset that is gone: the next one comes. (A later pass may take the first of both away in between: then look again.)
    wait_for("the same first record from inside a gap", || {
        let in_gap = records(client.fetch("state", 0, 1).records.expect("records"));
        (in_gap.first() == records(fetch_all(&mut client)).first()).then_some(())
    });
    // Its segments are put in their place one after the other: it is over later.
    wait_for("its end", || (server.metric("chronik_compactions_total") >= 1.0).then_some(()));
    assert!(server.metric("kafka_log_logcleaner_cleaner_recopy_percent") < 100.0);
    assert!(server.metric("kafka_log_logcleanermanager_uncleanable_partitions_count") < 1.0);
    server.crash();
    let mut client = Raw::connect(&server);
    assert_last_values(&records(fetch_all(&mut client)));
    assert_eq!(produce(&mut client, Compression::None, &[(Some("key-0"), "60")]).base_offset, 60);
}

/// Every key has its last value, and every value is where it was produced.
fn assert_last_values(found: &[(i64, String)]) {
    let last: Vec<i64> = found.iter().rev().take(7).rev().map(|(offset, _)| *offset).collect();
    assert_eq!(last, [53, 54, 55, 56, 57, 58, 59]);
    for (offset, value) in found {
        assert!(value.starts_with(&format!("{offset} ")), "{value} at {offset}");
    }
}

/// Several fetches: one answers from one segment.
fn fetch_all(client: &mut Raw) -> Records {
    let (mut all, mut offset) = (Vec::new(), 0);
    loop {
        let fetched = client.fetch("state", 0, offset);
        let bytes = fetched.records.and_then(Records::here).unwrap_or_default();
        let last = records(bytes.clone().into()).last().map(|(offset, _)| *offset);
        all.extend_from_slice(&bytes);
        match last {
            Some(last) => offset = last + 1,
            None => return Bytes::from(all).into(),
        }
    }
}
