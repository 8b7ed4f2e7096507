//! Look-ups by timestamp inside compressed batches: the answer is a record's, as if nothing were compressed.
#![cfg(not(any(loom, shuttle)))]

mod common;

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::compression;
use chronik_kafka::record_batch::{BatchBuilder, Compression, RecordBatch};
use chronik_log::disk::SimDisk;
use chronik_log::{Disk, FoundTimestamp, Log, Op, PartitionId, TopicLogConfig, limits};
use common::{append, commit_one, id, open, small_config};

fn partition() -> PartitionId {
    id(1, 0)
}

/// A log of one batch: a record for each timestamp, with a value of so many bytes.
fn log_of(codec: Compression, records: &[(i64, usize)]) -> Log {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let mut log = open(&disk, &small_config()).0;
    commit_one(&mut log, Op::Create { id: partition(), config: Arc::new(TopicLogConfig::default()) });
    commit_one(&mut log, append(partition(), compressed(codec, records), 0, 1));
    log
}

fn compressed(codec: Compression, records: &[(i64, usize)]) -> RecordBatch {
    let mut builder = BatchBuilder::new();
    for (timestamp_ms, value_bytes) in records {
        builder.record(*timestamp_ms, None, Some(&vec![0; *value_bytes]));
    }
    let compress = |plain: &[u8]| compression::compress(codec, plain).map(Bytes::from);
    builder.build_compressed(codec, compress).expect("a codec")
}

/// Offset and timestamp of the first record that is not older.
fn find(log: &Log, timestamp_ms: i64) -> Option<(i64, i64)> {
    let end = log.log_end_offset(partition()).unwrap();
    offset_and_time(log.view(partition()).unwrap().offset_for_timestamp(timestamp_ms, end).unwrap())
}

fn latest(log: &Log) -> Option<(i64, i64)> {
    let end = log.log_end_offset(partition()).unwrap();
    offset_and_time(log.view(partition()).unwrap().max_timestamp(end).unwrap())
}

fn offset_and_time(found: Option<FoundTimestamp>) -> Option<(i64, i64)> {
    found.map(|found| (found.offset, found.timestamp_ms))
}

#[test]
fn a_timestamp_finds_its_record() {
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let mut log = log_of(codec, &[(0, 1), (50, 1), (20, 1), (90, 1), (90, 1)]);
        for (wanted, expected) in
            [(0, Some((0, 0))), (1, Some((1, 50))), (50, Some((1, 50))), (51, Some((3, 90))), (91, None)]
        {
            assert_eq!(find(&log, wanted), expected, "{codec:?} {wanted}");
        }
        assert_eq!(latest(&log), Some((3, 90)), "{codec:?}: the first that has it");
        commit_one(&mut log, Op::DeleteRecords { id: partition(), before_offset: 2 });
        assert_eq!(find(&log, 0), Some((2, 20)), "{codec:?}: not what is below the log start");
        commit_one(&mut log, Op::DeleteRecords { id: partition(), before_offset: 4 });
        assert_eq!((find(&log, 0), latest(&log)), (Some((4, 90)), Some((4, 90))), "{codec:?}");
    }
}

#[test]
fn a_batch_that_comes_to_too_much_is_answered_as_a_whole() {
    let log = log_of(Compression::Zstd, &[(10, 1), (20, limits::MAX_DECOMPRESSED_BYTES)]);
    assert_eq!(find(&log, 15), Some((0, 20)), "a consumer that starts there misses nothing");
}

/// A batch of the server's own time: every record has the batch's.
#[test]
fn the_servers_own_time_is_that_of_the_first_record_without_opening_the_batch() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let mut log = open(&disk, &small_config()).0;
    commit_one(&mut log, Op::Create { id: partition(), config: Arc::new(TopicLogConfig::default()) });
    let mut batch = compressed(Compression::Gzip, &[(10, 1), (20, 1)]);
    batch.set_log_append_time(700);
    commit_one(&mut log, append(partition(), batch, 0, 1));
    assert_eq!((find(&log, 15), find(&log, 701), latest(&log)), (Some((0, 700)), None, Some((0, 700))));
}
