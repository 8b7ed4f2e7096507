//! Batches of transactions and their markers.

use chronik_kafka::record_batch::{BatchBuilder, ControlRecord, ControlType, RecordBatch};
use chronik_log::disk::SimDisk;
use chronik_log::{Log, Op};

use crate::common::keyed::{
    CODECS, DELETE_RETENTION_MS, MAP_BYTES, checkpoint, compact, compacted_topic, keyed_batch, read_keyed,
    read_over_gaps,
};
use crate::common::{append, commit_one, id};
use crate::{log_of, long, partition};

/// A batch of a transaction, in a segment of its own.
fn in_transaction(producer: i64, sequence: i32, key: &str) -> RecordBatch {
    let builder = BatchBuilder::new().producer(producer, 0, sequence).transactional();
    keyed_batch(builder, CODECS[0], 1000, &[long(key, "v")])
}

fn marker(producer: i64, kind: ControlType) -> RecordBatch {
    let record = ControlRecord { version: 0, kind };
    BatchBuilder::new().producer(producer, 0, -1).end_transaction(1000, record, 0).build()
}

/// Base offsets of the batches that are left, by what they are: (offset, records, is it a marker).
fn shape(log: &Log) -> Vec<(i64, i32, bool)> {
    let batches = read_over_gaps(log, partition());
    batches
        .iter()
        .map(|batch| (batch.header.base_offset, batch.header.record_count, batch.header.is_control()))
        .collect()
}

#[test]
fn transactions_are_compacted_when_they_are_over() {
    let disk = SimDisk::new(1);
    let mut log = log_of(&disk, &[&[long("a", "0")]]);
    let plain = |key| keyed_batch(BatchBuilder::new(), CODECS[0], 1000, &[long(key, "v")]);
    let add = |log: &mut Log, batch| {
        commit_one(log, append(partition(), batch, 0, 1000));
    };
    add(&mut log, in_transaction(1, 0, "a")); // 1, aborted
    add(&mut log, in_transaction(2, 0, "b")); // 2, committed
    add(&mut log, marker(1, ControlType::Abort)); // 3
    add(&mut log, marker(2, ControlType::Commit)); // 4
    add(&mut log, plain("b")); // 5
    add(&mut log, in_transaction(1, 1, "c")); // 6, open
    add(&mut log, plain("a")); // 7
    add(&mut log, plain("active")); // 8
    checkpoint(&mut log);
    let stats = compact(&mut log, 1000, MAP_BYTES).unwrap();
    assert_eq!((stats.first_dirty_offset, stats.end_offset), (0, 6), "the open transaction is the bound");
    let one = |offset| (offset, 1, false);
    // What was aborted superseded nothing. The batch of producer 2 has its sequence. Markers stay with what they spoke of.
    let first = [one(0), (2, 0, false), (3, 1, true), (4, 1, true), one(5), one(6), one(7), one(8)];
    assert_eq!(shape(&log), first);

    add(&mut log, marker(1, ControlType::Commit)); // 9
    add(&mut log, in_transaction(2, 1, "d")); // 10
    add(&mut log, marker(2, ControlType::Commit)); // 11
    add(&mut log, plain("active")); // 12
    checkpoint(&mut log);
    compact(&mut log, 1000, MAP_BYTES).unwrap();
    let second = [
        (3, 1, true),
        (4, 1, true),
        one(5),
        one(6),
        one(7),
        one(8),
        (9, 1, true),
        one(10),
        (11, 1, true),
        one(12),
    ];
    assert_eq!(
        shape(&log)[..second.len()],
        second,
        "the marker at 3 speaks of nothing any more, but can still be read"
    );

    add(&mut log, plain("active")); // 13
    checkpoint(&mut log);
    compact(&mut log, 1000 + DELETE_RETENTION_MS, MAP_BYTES).unwrap();
    // The empty batch at 2 was there until the pass before: the time of its marker has only begun.
    assert_eq!(shape(&log)[..3], [(4, 1, true), one(5), one(6)], "that at 3 is gone");
    assert!(shape(&log).contains(&(9, 1, true)), "this one speaks of what is still there");
}

#[test]
fn a_log_with_an_open_transaction_does_not_keep_others_waiting() {
    let disk = SimDisk::new(1);
    let mut log = log_of(&disk, &[]);
    commit_one(&mut log, append(partition(), in_transaction(1, 0, "a"), 0, 1000));
    let other = id(2, 0);
    commit_one(&mut log, Op::Create { id: other, config: compacted_topic(200) });
    for id in [partition(), other] {
        for _ in 0..4 {
            let batch = keyed_batch(BatchBuilder::new(), CODECS[0], 1000, &[long("a", "v")]);
            commit_one(&mut log, append(id, batch, 0, 1000));
        }
    }
    checkpoint(&mut log);
    let first = compact(&mut log, 1000, MAP_BYTES).unwrap();
    assert!(!first.came_to_something(), "{first:?}");
    let second = compact(&mut log, 1000, MAP_BYTES).unwrap();
    assert!(second.came_to_something(), "{second:?}");
    assert_eq!(read_keyed(&log, partition()).len(), 5);
    assert_eq!(read_keyed(&log, other).len(), 2, "one key, and the active segment");
}
