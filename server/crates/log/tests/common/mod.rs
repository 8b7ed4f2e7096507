//! What the tests of this crate share.
#![cfg(not(any(loom, shuttle)))]
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

pub mod keyed;

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::{BatchBuilder, RecordBatch};
use chronik_log::{
    Committed, Disk, FlushPolicy, Log, LogConfig, Op, Origin, Outcome, PartitionId, ReadMode, Recovery,
    TopicLogConfig,
};
use uuid::Uuid;

pub fn id(topic: u128, partition: i32) -> PartitionId {
    PartitionId { topic_id: Uuid::from_u128(topic), partition }
}

/// Small files, so that everything rolls and is recycled.
pub fn small_config() -> LogConfig {
    LogConfig {
        new_dir_id: Uuid::from_u128(0xd1),
        first_wal_segment_bytes: 16 << 10,
        wal_segment_bytes: 16 << 10,
        spare_wal_segments: 2,
        index_interval_bytes: 300,
        max_open_files: 8,
        flush: FlushPolicy::Commit,
        topic_defaults: small_topic(),
        ..LogConfig::default()
    }
}

pub fn small_topic() -> Arc<TopicLogConfig> {
    Arc::new(TopicLogConfig { segment_bytes: 2048, ..TopicLogConfig::default() })
}

pub fn open(disk: &Arc<dyn Disk>, config: &LogConfig) -> (Log, Recovery) {
    Log::open(Arc::clone(disk), config.clone(), &mut |_| {}).expect("the log opens")
}

/// A batch of `records` records of `value_bytes` each, filled with `fill`.
pub fn batch(records: usize, value_bytes: usize, fill: u8, timestamp_ms: i64) -> RecordBatch {
    build(BatchBuilder::new(), records, value_bytes, fill, timestamp_ms)
}

pub fn producer_batch(
    producer: (i64, i16, i32),
    records: usize,
    value_bytes: usize,
    fill: u8,
) -> RecordBatch {
    let (id, epoch, sequence) = producer;
    build(BatchBuilder::new().producer(id, epoch, sequence), records, value_bytes, fill, 1000)
}

fn build(
    mut builder: BatchBuilder,
    records: usize,
    value_bytes: usize,
    fill: u8,
    timestamp_ms: i64,
) -> RecordBatch {
    for index in 0..records {
        let value = vec![fill.wrapping_add(u8::try_from(index % 7).unwrap()); value_bytes];
        builder.record(timestamp_ms + i64::try_from(index).unwrap(), Some(b"key"), Some(&value));
    }
    builder.build()
}

pub fn append(id: PartitionId, batch: RecordBatch, epoch: i32, now_ms: i64) -> Op {
    Op::Append { id, batch, origin: Origin::Leader { epoch }, now_ms }
}

/// Stages one operation and commits it.
pub fn commit_one(log: &mut Log, op: Op) -> Outcome {
    log.stage(op).expect("staged");
    let Committed { mut outcomes, .. } = log.commit().expect("committed");
    outcomes.pop().expect("one outcome").expect("accepted")
}

/// All batches below `up_to` from the log start, one by one, as bytes.
pub fn read_all(log: &Log, id: PartitionId) -> Vec<RecordBatch> {
    let view = log.view(id).expect("partition is online");
    let log_end = log.log_end_offset(id).expect("partition is there");
    let mut offset = view.log_start_offset();
    let mut batches = Vec::new();
    while offset < log_end {
        let mut bytes = view.read(offset, 700, log_end, ReadMode::Blocking).expect("readable");
        assert!(!bytes.is_empty(), "{id}: nothing at {offset} of {log_end}");
        while !bytes.is_empty() {
            let batch = read_batch(&mut bytes);
            assert!(batch.header.base_offset <= offset && offset <= batch.header.last_offset());
            offset = batch.header.next_offset();
            batches.push(batch);
        }
    }
    assert_eq!(offset, log_end, "{id}: the log ends elsewhere");
    batches
}

pub fn read_batch(bytes: &mut Bytes) -> RecordBatch {
    let batch = RecordBatch::read(bytes).expect("a whole batch");
    batch.check_stored().expect("a sound batch");
    batch
}
