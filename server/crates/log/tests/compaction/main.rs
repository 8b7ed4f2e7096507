//! Compaction: against a map, and case by case.
#![cfg(not(any(loom, shuttle)))]

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod map;
mod transactions;

use std::sync::Arc;

use chronik_kafka::record_batch::BatchBuilder;
use chronik_log::disk::SimDisk;
use chronik_log::{Disk, Log, LogConfig, Op, PartitionId};
use common::keyed::{CODECS, checkpoint, compacted_topic, keyed_batch, read_keyed};
use common::{append, commit_one, id, open, small_config};

fn partition() -> PartitionId {
    id(1, 0)
}

/// About half of the appends go straight.
fn config() -> LogConfig {
    LogConfig { bulk_bytes: 300, topic_defaults: compacted_topic(700), ..small_config() }
}

/// Key and value.
type Pair = (Vec<u8>, Option<Vec<u8>>);

fn text(key: &str, value: Option<&str>) -> Pair {
    (key.into(), value.map(Into::into))
}

/// One segment per batch, all in the checkpoint.
fn log_of(disk: &SimDisk, batches: &[&[Pair]]) -> Log {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut log = open(&shared, &config()).0;
    commit_one(&mut log, Op::Create { id: partition(), config: compacted_topic(200) });
    for records in batches {
        let batch = keyed_batch(BatchBuilder::new(), CODECS[0], 1000, records);
        commit_one(&mut log, append(partition(), batch, 0, 1000));
    }
    checkpoint(&mut log);
    log
}

fn keys_and_offsets(log: &Log) -> Vec<(i64, String)> {
    let found = read_keyed(log, partition());
    found.into_iter().map(|record| (record.offset, String::from_utf8(record.key).unwrap())).collect()
}

/// Two batches with such a record do not fit into one segment of `log_of`.
fn long(key: &str, value: &str) -> Pair {
    text(key, Some(&value.repeat(60)))
}
