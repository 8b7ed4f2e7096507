//! Decoding and encoding of Fetch: the way of every record out of the server.
#![cfg(not(any(loom, shuttle)))]

use bytes::Bytes;
use chronik_kafka::frame;
use chronik_kafka::message::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchableTopicResponse, PartitionData,
};
use chronik_kafka::message::{decode, to_bytes};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Version that librdkafka sends at most.
const VERSION: i16 = 12;

fn requests(c: &mut Criterion) {
    for partitions in [1, 1_000] {
        let partition = |partition| FetchPartition {
            partition,
            fetch_offset: 1,
            partition_max_bytes: 1,
            ..Default::default()
        };
        let topic = FetchTopic {
            topic: "topic".into(),
            partitions: (0..partitions).map(partition).collect(),
            ..Default::default()
        };
        let frame = to_bytes(&FetchRequest { topics: vec![topic], ..Default::default() }, VERSION)
            .expect("expressible");
        c.bench_function(&format!("fetch/decode a request of {partitions} partitions"), |b| {
            b.iter(|| decode::<FetchRequest>(&frame, VERSION));
        });
    }
}

fn responses(c: &mut Criterion) {
    let mut group = c.benchmark_group("fetch");
    for bytes in [1_000, 1_000_000] {
        let partition =
            PartitionData { records: Some(Bytes::from(vec![7; bytes]).into()), ..Default::default() };
        let topic = FetchableTopicResponse {
            topic: "topic".into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let response = FetchResponse { responses: vec![topic], ..Default::default() };
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("encode a response of {bytes} B"), |b| {
            b.iter(|| frame::response(1, VERSION, &response));
        });
    }
    group.finish();
}

criterion_group!(benches, requests, responses);
criterion_main!(benches);
