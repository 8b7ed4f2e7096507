//! What librdkafka has compressed is compacted, and what is left of it is read by librdkafka.

use std::collections::BTreeMap;

use rdkafka::Offset;
use rdkafka::consumer::BaseConsumer;
use rdkafka::message::Message;

use crate::client::{Known, consumer, producer, send};
use crate::support::raw::Raw;
use crate::support::{PATIENCE, Server, wait_for};

/// Keys that come again and again, and among them some that come once: so that parts of batches stay.
fn some_state(count: usize) -> Vec<Known> {
    let mut rng = fastrand::Rng::with_seed(11);
    (0..count)
        .map(|number| Known {
            key: Some(match number % 10 {
                0 => format!("once-{number}").into_bytes(),
                _ => format!("key-{}", rng.u8(..20)).into_bytes(),
            }),
            value: (number % 13 != 0)
                .then(|| format!("{number} {}", "abc".repeat(rng.usize(..40))).into_bytes()),
            timestamp: 1_700_000_000_000 + i64::try_from(number).expect("few"),
            ..Known::default()
        })
        .collect()
}

/// What a consumer of everything knows, and how many records told it.
fn read_state(consumer: &BaseConsumer, last_offset: i64) -> (BTreeMap<Vec<u8>, Vec<u8>>, usize) {
    let (mut state, mut records) = (BTreeMap::new(), 0);
    loop {
        let Some(Ok(message)) = consumer.poll(PATIENCE) else { continue };
        let key = message.key().expect("a key").to_vec();
        match message.payload() {
            Some(value) => state.insert(key, value.to_vec()),
            None => state.remove(&key),
        };
        records += 1;
        if message.offset() >= last_offset {
            return (state, records);
        }
    }
}

#[test]
fn what_is_left_of_compressed_batches_can_be_read() {
    let server = Server::with(&["log.cleaner.backoff.ms=20", "checkpoint.interval.ms=100"]);
    let mut raw = Raw::connect(&server);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    let all = some_state(4_000);
    let mut last_offsets = Vec::new();
    for codec in codecs {
        let topic = format!("state-{codec}");
        let settings = [
            "cleanup.policy=compact",
            "segment.bytes=20000",
            "max.message.bytes=20000",
            "min.cleanable.dirty.ratio=0",
        ];
        raw.create_topic(&topic, 1, &settings);
        let settings = [("compression.type", codec), ("linger.ms", "5"), ("batch.num.messages", "40")];
        let producer = producer(&server, &settings);
        last_offsets.push(*send(&producer, &topic, &all).last().expect("some"));
    }
    let mut expected = BTreeMap::new();
    for known in &all {
        match &known.value {
            Some(value) => expected.insert(known.key.clone(), value.clone()),
            None => expected.remove(&known.key),
        };
    }
    let expected: BTreeMap<Vec<u8>, Vec<u8>> =
        expected.into_iter().filter_map(|(key, value)| Some((key?, value))).collect();
    wait_for("compactions", || (server.metric("chronik_compactions_total") >= 5.0).then_some(()));
    for (codec, last_offset) in codecs.iter().zip(last_offsets) {
        let consumer = consumer(&server, &format!("state-{codec}"), &[(0, Offset::Beginning)]);
        let (found, records) = read_state(&consumer, last_offset);
        assert_eq!(found, expected, "{codec}");
        assert!(records < all.len() / 2, "{records} of {} records are left, {codec}", all.len());
    }
}
