//! What the power is cut in: a long list of operations, commits and jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::RecordBatch;
use chronik_log::{Op, PartitionId, TopicLogConfig};

use crate::common::{append, batch, id, producer_batch};

/// One entry of the script.
#[derive(Clone)]
pub(crate) enum Item {
    Op(Op),
    Commit,
    CheckpointBegin,
    CheckpointRun,
    CheckpointFinish,
    PrepareWal,
    Garbage,
    HighWatermarks,
}

pub(crate) fn topic() -> Arc<TopicLogConfig> {
    Arc::new(TopicLogConfig { segment_bytes: 2048, retention_ms: None, ..TopicLogConfig::default() })
}

/// Creates, appends with and without producers, rolls, truncations, deletions, retention, drops, metadata records and
/// snapshots, checkpoints (also with commits between begin and finish), WAL recycling.
pub(crate) fn script() -> Vec<Item> {
    let (a, b, c) = (id(1, 0), id(1, 1), id(2, 0));
    let mut items = Vec::new();
    let mut producer = Producer::default();
    create(&mut items, &[a, b]);
    for round in 0..4u8 {
        group(
            &mut items,
            [
                append(a, batch(2, 120, round, 1000 + i64::from(round)), 1, 1000),
                append(b, producer.next(7, 1, 200), 1, 1000),
                append(a, batch(1, 300, round, 1000), 1, 1000),
                metadata(round),
            ],
        );
    }
    items.push(Item::HighWatermarks);
    checkpoint(&mut items, |_| {});
    // Over records that only the checkpoint has; one stays behind it in its group, and one comes later.
    group(&mut items, [metadata(4), snapshot(5), metadata(6), append(a, batch(1, 40, 5, 1000), 1, 1000)]);
    group(&mut items, [metadata(7)]);
    for round in 0..3u8 {
        group(
            &mut items,
            [append(b, producer.next(8, 2, 150), 2, 1000), append(b, producer.next(7, 3, 100), 2, 1000)],
        );
        group(&mut items, [append(a, batch(1, 700, round, 5000), 2, 1000)]);
    }
    // Cuts below the checkpoint, then appends in a new epoch over the old bytes.
    group(
        &mut items,
        [Op::Truncate { id: a, to: 7, leader_epoch: 3 }, append(b, producer.next(8, 1, 90), 3, 1000)],
    );
    group(
        &mut items,
        [append(a, batch(1, 333, 77, 6000), 3, 1000), append(a, batch(3, 50, 78, 6001), 3, 1000)],
    );
    group(&mut items, [Op::Truncate { id: a, to: 9, leader_epoch: 4 }]);
    checkpoint(&mut items, |items| {
        group(
            items,
            [append(a, batch(1, 100, 1, 7000), 5, 1000), append(b, producer.next(7, 1, 60), 5, 1000)],
        );
        group(items, [metadata(8)]);
        group(items, [snapshot(9), snapshot(10)]);
    });
    create(&mut items, &[c]);
    for round in 0..6u8 {
        group(
            &mut items,
            [
                append(c, batch(1, 600, round, 10_000 + i64::from(round)), 0, 1000),
                append(c, producer.next(9, 2, 40), 0, 1000),
            ],
        );
        items.push(Item::PrepareWal);
    }
    group(&mut items, [Op::DeleteRecords { id: c, before_offset: 4 }]);
    checkpoint(&mut items, |items| {
        group(items, [Op::DeleteRecords { id: c, before_offset: 11 }]);
        items.push(Item::Garbage);
        group(items, [append(c, batch(2, 500, 9, 20_000), 1, 1000)]);
    });
    items.push(Item::HighWatermarks);
    group(&mut items, [Op::EnforceRetention { now_ms: 19_000 }]);
    group(&mut items, [append(c, batch(1, 50, 10, 30_000), 1, 1000)]);
    group(&mut items, [Op::Drop { id: b }, append(a, batch(1, 80, 4, 7100), 6, 1000)]);
    create(&mut items, &[b]);
    let mut producer = Producer::default();
    group(
        &mut items,
        [append(b, producer.next(7, 2, 64), 0, 1000), append(a, batch(1, 81, 5, 7100), 6, 1000)],
    );
    items.push(Item::Garbage);
    checkpoint(&mut items, |_| {});
    for round in 0..14u8 {
        group(
            &mut items,
            [
                append(b, producer.next(7, 2, 700), 1, 1000),
                append(a, batch(1, 900, round, 8000), 6, 1000),
                append(c, batch(1, 200, round, 40_000), 2, 1000),
            ],
        );
        if round == 4 || round == 9 {
            checkpoint(&mut items, |_| {});
        }
    }
    // A snapshot that a WAL segment cannot hold, and what follows it.
    group(&mut items, [metadata(11), Op::MetadataSnapshot(Bytes::from(vec![12; 9000]))]);
    group(&mut items, [metadata(13), append(b, producer.next(7, 1, 70), 1, 1000)]);
    // Far more than a WAL segment between begin and finish: what is recycled too early is overwritten here.
    checkpoint(&mut items, |items| {
        for round in 0..9u8 {
            group(
                items,
                [
                    append(a, batch(1, 1500, round, 9000), 6, 1000),
                    append(c, batch(1, 1500, round, 1), 2, 1000),
                ],
            );
        }
    });
    // Cut, roll and delete the start, all above the checkpoint, with names that come back.
    group(&mut items, [Op::Truncate { id: b, to: 3, leader_epoch: 2 }]);
    group(&mut items, [append(b, batch(1, 10, 3, 1), 2, 1000), append(a, batch(1, 1500, 1, 1), 6, 1000)]);
    for round in 0..3u8 {
        group(&mut items, [append(b, batch(2, 600, round, 1), 2, 1000)]);
    }
    group(&mut items, [Op::DeleteRecords { id: b, before_offset: 5 }]);
    group(&mut items, [Op::Truncate { id: b, to: 6, leader_epoch: 3 }]);
    group(&mut items, [append(b, batch(3, 333, 9, 1), 3, 1000)]);
    bulk(&mut items, [a, b, c]);
    begin_anew(&mut items, [a, b, c]);
    items
}

/// Bulk and not, in turns on the same partitions: cut inside what went straight, written over both ways, rolled in the
/// middle of a group, dropped and created again.
fn bulk(items: &mut Vec<Item>, [a, b, c]: [PartitionId; 3]) {
    let mut producer = Producer(BTreeMap::from([(7, 1000)]));
    checkpoint(items, |_| {});
    group(items, [append(c, batch(1, 500, 1, 1), 3, 1000), append(c, batch(2, 500, 2, 1), 3, 1000)]);
    group(items, [append(c, batch(1, 90, 3, 1), 3, 1000), append(a, batch(1, 950, 3, 1), 7, 1000)]);
    for round in 0..3u8 {
        let large = (0..4).map(|part| append(c, batch(1, 420, 10 * round + part, 1), 4, 1000));
        items.extend(large.map(Item::Op));
        group(items, [append(b, batch(1, 70, round, 1), 4, 1000)]);
    }
    items.push(Item::PrepareWal);
    let end = 55;
    group(items, [Op::Truncate { id: c, to: end, leader_epoch: 5 }]);
    group(items, [append(c, batch(1, 30, 4, 1), 5, 1000)]);
    group(items, [append(c, batch(1, 800, 5, 1), 5, 1000), append(c, batch(1, 800, 6, 1), 5, 1000)]);
    group(items, [Op::Truncate { id: c, to: end, leader_epoch: 6 }]);
    group(items, [append(c, batch(2, 600, 7, 1), 6, 1000), append(b, batch(1, 1300, 7, 1), 5, 1000)]);
    group(items, [append(c, batch(1, 100, 8, 1), 6, 1000), Op::Metadata(Bytes::from_static(b"beside"))]);
    group(items, [snapshot(20), append(c, batch(1, 100, 8, 1), 6, 1000), metadata(21)]);
    group(items, [Op::Drop { id: b }]);
    create(items, &[b]);
    group(items, [append(b, producer.next(7, 2, 450), 0, 1000)]);
    checkpoint(items, |items| {
        group(items, [append(b, producer.next(7, 3, 450), 0, 1000)]);
        group(items, [append(b, producer.next(7, 1, 40), 0, 1000), append(a, batch(1, 900, 9, 1), 8, 1000)]);
    });
    group(items, [append(b, producer.next(7, 2, 800), 0, 1000)]);
    group(items, [Op::DeleteRecords { id: b, before_offset: 5 }]);
    group(items, [append(b, producer.next(7, 2, 810), 1, 1000)]);
    // One after the other, on segments that roll, on one partition and on two.
    for round in 0..5 {
        group(items, [append(b, producer.next(7, 1, 720 + usize::from(round)), 2, 1000)]);
        group(
            items,
            [append(a, batch(1, 750, round, 2), 9, 1000), append(b, producer.next(8, 1, 760), 2, 1000)],
        );
        group(items, [append(c, batch(1, 80, round, 2), 7, 1000)]);
    }
}

/// Logs that are emptied and go on further up, also where they end: over what the checkpoint has and what it has not, over a cut, before one, twice, while
/// a checkpoint is written. Epochs and sequences begin anew, too.
fn begin_anew(items: &mut Vec<Item>, [a, b, c]: [PartitionId; 3]) {
    let mut producer = Producer::default();
    group(items, [Op::StartAt { id: b, offset: 100 }, append(a, batch(1, 750, 1, 2), 9, 1000)]);
    group(
        items,
        [append(b, producer.next(7, 2, 300), 0, 1000), append(b, producer.next(8, 1, 800), 0, 1000)],
    );
    group(items, [append(b, producer.next(7, 3, 300), 0, 1000), append(c, batch(1, 80, 1, 2), 7, 1000)]);
    group(items, [Op::Truncate { id: b, to: 103, leader_epoch: 1 }]);
    group(items, [append(b, batch(1, 700, 3, 1), 1, 1000)]);
    group(items, [Op::Truncate { id: b, to: 100, leader_epoch: 2 }, append(c, batch(1, 80, 2, 2), 7, 1000)]);
    group(items, [Op::StartAt { id: b, offset: 100 }]);
    let mut producer = Producer::default();
    group(items, [append(b, producer.next(7, 2, 50), 0, 1000), append(b, producer.next(8, 1, 60), 0, 1000)]);
    checkpoint(items, |items| {
        group(items, [Op::Truncate { id: c, to: 60, leader_epoch: 8 }, Op::StartAt { id: b, offset: 110 }]);
        group(items, [Op::StartAt { id: c, offset: 62 }, append(b, batch(2, 600, 1, 1), 0, 1000)]);
        items.push(Item::Garbage);
        group(items, [append(c, batch(3, 60, 1, 1), 1, 1000), append(b, batch(2, 600, 2, 1), 0, 1000)]);
    });
    group(items, [Op::StartAt { id: b, offset: 114 }, Op::DeleteRecords { id: c, before_offset: 63 }]);
    group(items, [append(c, batch(2, 900, 2, 1), 1, 1000)]);
}

/// Numbers batches as an idempotent producer does, one sequence per producer id.
#[derive(Default)]
struct Producer(BTreeMap<i64, i32>);

impl Producer {
    fn next(&mut self, id: i64, records: usize, value_bytes: usize) -> RecordBatch {
        let sequence = self.0.entry(id).or_default();
        let batch =
            producer_batch((id, 0, *sequence), records, value_bytes, u8::try_from(*sequence % 251).unwrap());
        *sequence += i32::try_from(records).unwrap();
        batch
    }
}

fn metadata(fill: u8) -> Op {
    Op::Metadata(Bytes::from(vec![fill; 40]))
}

fn snapshot(fill: u8) -> Op {
    Op::MetadataSnapshot(Bytes::from(vec![fill; 60]))
}

fn create(items: &mut Vec<Item>, ids: &[PartitionId]) {
    items.extend(ids.iter().map(|&id| Item::Op(Op::Create { id, config: topic() })));
    items.push(Item::Commit);
}

fn group<const N: usize>(items: &mut Vec<Item>, ops: [Op; N]) {
    items.extend(ops.into_iter().map(Item::Op));
    items.push(Item::Commit);
}

fn checkpoint(items: &mut Vec<Item>, mut between: impl FnMut(&mut Vec<Item>)) {
    items.push(Item::CheckpointBegin);
    between(items);
    items.push(Item::CheckpointRun);
    items.push(Item::CheckpointFinish);
}
