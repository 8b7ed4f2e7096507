//! Batches with keys, compactions, and what a log comes to by key.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::compression;
use chronik_kafka::record_batch::{BatchBuilder, Compression, RecordBatch, Records};
use chronik_log::{
    CleanupPolicy, CompactionError, CompactionJob, CompactionStats, CompactionStep, Log, Op, Outcome,
    PartitionId, ReadMode, TopicLogConfig,
};

use super::{commit_one, read_batch};

/// Bytes of offset map that are enough for the keys of any test here.
pub const MAP_BYTES: usize = 1 << 20;
/// `delete.retention.ms` of the tests.
pub const DELETE_RETENTION_MS: i64 = 100;

pub const CODECS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// A record of a compacted topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    pub offset: i64,
    pub timestamp_ms: i64,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// Compacted whenever something is dirty.
pub fn compacted_topic(segment_bytes: u64) -> Arc<TopicLogConfig> {
    Arc::new(TopicLogConfig {
        segment_bytes,
        cleanup_policy: CleanupPolicy::COMPACT,
        min_cleanable_dirty_ratio: 0.0,
        delete_retention_ms: DELETE_RETENTION_MS,
        ..TopicLogConfig::default()
    })
}

/// A batch of (key, value); timestamps count up from `timestamp_ms`.
pub fn keyed_batch(
    builder: BatchBuilder,
    codec: Compression,
    timestamp_ms: i64,
    records: &[(Vec<u8>, Option<Vec<u8>>)],
) -> RecordBatch {
    let mut builder = builder;
    for (timestamp_ms, (key, value)) in (timestamp_ms..).zip(records) {
        builder.record(timestamp_ms, Some(key), value.as_deref());
    }
    builder
        .build_compressed(codec, |plain| compression::compress(codec, plain).map(Bytes::from))
        .expect("a codec")
}

/// All batches from the log start to its end, read as a consumer does, over gaps.
pub fn read_over_gaps(log: &Log, id: PartitionId) -> Vec<RecordBatch> {
    let view = log.view(id).expect("partition is online");
    let log_end = log.log_end_offset(id).expect("partition is there");
    let mut offset = view.log_start_offset();
    let mut batches = Vec::new();
    while offset < log_end {
        let mut bytes = view.read(offset, 700, log_end, ReadMode::Blocking).expect("readable");
        assert!(!bytes.is_empty(), "{id}: nothing at {offset} of {log_end}");
        while !bytes.is_empty() {
            let batch = read_batch(&mut bytes);
            assert!(batch.header.last_offset() >= offset, "{id}: what is before {offset} comes again");
            offset = batch.header.next_offset();
            batches.push(batch);
        }
    }
    assert_eq!(offset, log_end, "{id}: the log ends elsewhere");
    batches
}

/// Its records, from the log start on.
pub fn read_keyed(log: &Log, id: PartitionId) -> Vec<Keyed> {
    let log_start = log.log_start_offset(id).expect("partition is there");
    let mut found = Vec::new();
    for batch in read_over_gaps(log, id) {
        let plain = batch.plain_body(1 << 20).expect("sound");
        for record in Records::new(&plain, batch.header.record_count) {
            let record = record.expect("sound");
            found.push(Keyed {
                offset: batch.header.base_offset + i64::from(record.offset_delta),
                timestamp_ms: batch.header.base_timestamp + record.timestamp_delta,
                key: record.key.expect("a key").to_vec(),
                value: record.value.map(<[u8]>::to_vec),
            });
        }
    }
    found.retain(|record| record.offset >= log_start);
    found
}

/// The last value of every key that has one.
pub fn replay<'a>(records: impl IntoIterator<Item = &'a Keyed>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut state = BTreeMap::new();
    for record in records {
        match &record.value {
            Some(value) => state.insert(record.key.clone(), value.clone()),
            None => state.remove(&record.key),
        };
    }
    state
}

/// Everything is committed, as in a log with one replica: only that is compacted.
pub fn raise_high_watermarks(log: &mut Log) {
    for id in log.partitions().collect::<Vec<_>>() {
        let log_end = log.log_end_offset(id).expect("it is there");
        log.set_high_watermark(id, log_end);
    }
}

pub fn checkpoint(log: &mut Log) {
    let job = log.begin_checkpoint().expect("nothing is in the way");
    log.finish_checkpoint(job.run()).expect("written");
}

/// Carries out a step, and the swap that comes of it. `None` while there is more to do.
pub fn compaction_step(
    log: &mut Log,
    job: &mut CompactionJob,
) -> Option<Result<CompactionStats, CompactionError>> {
    match job.step() {
        Ok(CompactionStep::Working) => None,
        Ok(CompactionStep::Cleaned(cleaned)) => match commit_one(log, Op::Swap(Box::new(cleaned.clone()))) {
            Outcome::Swapped { swapped: true } => None,
            Outcome::Swapped { swapped: false } => {
                cleaned.discard();
                Some(Err(CompactionError::Overtaken))
            }
            other => panic!("{other:?}"),
        },
        Ok(CompactionStep::Finished) => Some(Ok(job.stats())),
        Err(error) => Some(Err(error)),
    }
}

/// Compacts whatever is due most; `None` if nothing is.
pub fn compact(log: &mut Log, now_ms: i64, map_bytes: usize) -> Option<CompactionStats> {
    raise_high_watermarks(log);
    let mut job = log.begin_compaction(now_ms, map_bytes)?;
    loop {
        if let Some(result) = compaction_step(log, &mut job) {
            log.finish_compaction(job.id(), &result);
            return Some(result.expect("compacted"));
        }
    }
}
