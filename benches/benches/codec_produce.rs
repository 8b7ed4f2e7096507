//! Decoding and encoding of Produce: the way of every record into the server.
#![cfg(not(any(loom, shuttle)))]

use bytes::Bytes;
use chronik_kafka::frame;
use chronik_kafka::message::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData,
    TopicProduceResponse,
};
use chronik_kafka::message::{decode, to_bytes};
use chronik_kafka::record_batch::{BatchBuilder, RecordBatch};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Version that librdkafka sends.
const VERSION: i16 = 9;

fn batch(bytes: usize) -> Bytes {
    let mut batch = BatchBuilder::new();
    let value = vec![7; 1_000];
    for _ in 0..bytes / value.len() {
        batch.record(0, None, Some(&value));
    }
    batch.build().to_bytes()
}

fn request(bytes: usize) -> Bytes {
    let partition = PartitionProduceData { index: 0, records: Some(batch(bytes)) };
    let topic =
        TopicProduceData { name: "topic".into(), partition_data: vec![partition], ..Default::default() };
    let request =
        ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() };
    to_bytes(&request, VERSION).expect("expressible")
}

fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("produce");
    for bytes in [1_000, 100_000, 1_000_000] {
        let frame = request(bytes);
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(format!("decode {bytes} B"), |b| {
            b.iter(|| decode::<ProduceRequest>(&frame, VERSION));
        });
        let records = batch(bytes);
        group.bench_function(format!("read and validate {bytes} B"), |b| {
            b.iter(|| RecordBatch::read(&mut records.clone()).and_then(|batch| batch.validate()));
        });
    }
    group.finish();
}

fn responses(c: &mut Criterion) {
    let partition = PartitionProduceResponse { index: 0, base_offset: 42, ..Default::default() };
    let topic = TopicProduceResponse {
        name: "topic".into(),
        partition_responses: vec![partition],
        ..Default::default()
    };
    let response = ProduceResponse { responses: vec![topic], ..Default::default() };
    c.bench_function("produce/encode a response", |b| b.iter(|| frame::response(1, VERSION, &response)));
}

criterion_group!(benches, requests, responses);
criterion_main!(benches);
