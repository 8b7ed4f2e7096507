//! Cuts the power after every single disk operation of a long scripted run, in several ways each, and lets the log
//! recover: everything acknowledged must be there, and the state must be exactly one that the script went through.
//!
//! `CHRONIK_CRASH_SEEDS=20` tears in 20 ways instead of 3.
#![cfg(not(any(loom, shuttle)))]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::RecordBatch;
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_log::{
    CheckpointDone, CheckpointJob, Disk, FlushPolicy, Log, LogConfig, Op, Outcome, PartitionId, Recovery,
    TopicLogConfig,
};
use common::{append, batch, id, open, producer_batch, read_all, small_config};

/// Some of the script's groups go straight, some do not.
const BULK_BYTES: u64 = 700;

/// One entry of the script.
#[derive(Clone)]
enum Item {
    Op(Op),
    Commit,
    CheckpointBegin,
    CheckpointRun,
    CheckpointFinish,
    PrepareWal,
    Garbage,
    HighWatermarks,
}

/// A partition as readers see it: start, end, batches by (base offset, CRC of the whole batch).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct PartitionState {
    log_start: i64,
    log_end: i64,
    batches: Vec<(i64, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct State {
    partitions: BTreeMap<PartitionId, PartitionState>,
    metadata: Vec<Bytes>,
}

/// What the undisturbed run went through.
struct Golden {
    bulk_bytes: u64,
    /// After each operation; the first one is the empty log.
    states: Vec<State>,
    /// By operation.
    outcomes: Vec<Outcome>,
    disk_ops: u64,
}

fn topic() -> Arc<TopicLogConfig> {
    Arc::new(TopicLogConfig { segment_bytes: 2048, retention_ms: None, ..TopicLogConfig::default() })
}

/// Creates, appends with and without producers, rolls, truncations, deletions, retention, drops, metadata, checkpoints
/// (also with commits between begin and finish), WAL recycling.
fn script() -> Vec<Item> {
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
                Op::Metadata(Bytes::from(vec![round; 40])),
            ],
        );
    }
    items.push(Item::HighWatermarks);
    checkpoint(&mut items, |_| {});
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

/// Runs the script until the disk fails.
struct Run {
    log: Log,
    /// Operations acknowledged, and staged.
    acked: usize,
    staged: usize,
    outcomes: Vec<Outcome>,
    metadata: Vec<Bytes>,
    job: Option<CheckpointJob>,
    done: Option<CheckpointDone>,
    in_group: Vec<Op>,
}

impl Run {
    fn new(log: Log, metadata: Vec<Bytes>, acked: usize) -> Self {
        let (outcomes, in_group) = (Vec::new(), Vec::new());
        Self { log, acked, staged: acked, outcomes, metadata, job: None, done: None, in_group }
    }

    /// `false` if the disk failed. `after_commit` sees the operations of each commit.
    fn item(&mut self, item: &Item) -> bool {
        match item {
            Item::Op(op) => {
                // The truncation reads the segment while it is staged.
                if self.log.stage(op.clone()).is_err() {
                    return false;
                }
                self.staged += 1;
                self.in_group.push(op.clone());
            }
            Item::Commit => {
                let Ok(committed) = self.log.commit() else { return false };
                self.outcomes
                    .extend(committed.outcomes.into_iter().map(|outcome| outcome.expect("accepted")));
                self.acked = self.staged;
                for op in self.in_group.drain(..) {
                    if let Op::Metadata(record) = op {
                        self.metadata.push(record);
                    }
                }
            }
            Item::CheckpointBegin => self.job = self.log.begin_checkpoint(snapshot(&self.metadata)),
            Item::CheckpointRun => self.done = self.job.take().map(CheckpointJob::run),
            Item::CheckpointFinish => {
                if let Some(done) = self.done.take() {
                    return self.log.finish_checkpoint(done).is_ok();
                }
            }
            Item::PrepareWal => {
                if let Some(job) = self.log.wal_prepare_job() {
                    self.log.finish_wal_prepare(job.run());
                }
            }
            Item::Garbage => {
                if let Some(job) = self.log.garbage_job() {
                    job.run();
                }
            }
            Item::HighWatermarks => {
                for id in self.log.partitions().collect::<Vec<_>>() {
                    let log_end = self.log.log_end_offset(id).expect("it is there");
                    self.log.set_high_watermark(id, log_end);
                }
            }
        }
        true
    }
}

fn snapshot(metadata: &[Bytes]) -> Bytes {
    metadata.iter().flat_map(|record| [&[u8::try_from(record.len()).unwrap()][..], record].concat()).collect()
}

fn parse_snapshot(mut snapshot: Bytes) -> Vec<Bytes> {
    let mut records = Vec::new();
    while !snapshot.is_empty() {
        let len = usize::from(snapshot.split_to(1)[0]);
        records.push(snapshot.split_to(len));
    }
    records
}

fn observe(log: &Log, metadata: &[Bytes]) -> State {
    let partition = |id| {
        let batches = read_all(log, id);
        let crc = |batch: &RecordBatch| (batch.header.base_offset, crc32c(&batch.to_bytes()));
        let (log_start, log_end) = (log.log_start_offset(id).unwrap(), log.log_end_offset(id).unwrap());
        (id, PartitionState { log_start, log_end, batches: batches.iter().map(crc).collect() })
    };
    State { partitions: log.partitions().map(partition).collect(), metadata: metadata.to_vec() }
}

/// Only to tell contents apart.
fn crc32c(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

fn config(bulk_bytes: u64) -> LogConfig {
    LogConfig {
        first_wal_segment_bytes: 8 << 10,
        wal_segment_bytes: 8 << 10,
        flush: FlushPolicy::Commit,
        bulk_bytes,
        topic_defaults: topic(),
        ..small_config()
    }
}

fn recovered_metadata(recovery: &Recovery) -> Vec<Bytes> {
    let mut metadata = recovery.metadata_snapshot.clone().map(parse_snapshot).unwrap_or_default();
    metadata.extend(recovery.metadata_records.iter().cloned());
    metadata
}

/// One operation per commit, so that the state after each is seen. Groups change nothing about offsets.
fn golden(items: &[Item], bulk_bytes: u64) -> Golden {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(0));
    let (log, _) = open(&disk, &config(bulk_bytes));
    let mut run = Run::new(log, Vec::new(), 0);
    let mut states = vec![observe(&run.log, &[])];
    for item in items {
        assert!(run.item(item), "the undisturbed run fails");
        if matches!(item, Item::Op(_)) {
            assert!(run.item(&Item::Commit));
            states.push(observe(&run.log, &run.metadata));
        }
    }
    let outcomes = run.outcomes;
    // The real run groups: count its disk operations.
    let disk = SimDisk::new(0);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut run = Run::new(open(&shared, &config(bulk_bytes)).0, Vec::new(), 0);
    assert!(items.iter().all(|item| run.item(item)));
    assert_eq!(&observe(&run.log, &run.metadata), states.last().unwrap());
    if bulk_bytes == BULK_BYTES {
        both_ways_are_taken(&disk);
    }
    Golden { bulk_bytes, states, outcomes, disk_ops: disk.ops() }
}

/// What the last part of the script left in the WAL is some of each.
fn both_ways_are_taken(disk: &SimDisk) {
    let (mut appends, mut extents) = (0, 0);
    let count = &mut |entry: chronik_log::dump::WalEntry| match entry.kind {
        "Append" => appends += 1,
        "Extent" => extents += 1,
        _ => {}
    };
    chronik_log::dump::wal(disk, true, count).unwrap();
    assert!(appends > 4 && extents > 8, "{appends} appends, {extents} extents");
}

/// Runs until the power is cut after `ops` operations. Returns the disk, and operations acknowledged and staged.
fn run_until(items: &[Item], golden: &Golden, ops: u64) -> (SimDisk, usize, usize) {
    let disk = SimDisk::new(ops);
    disk.crash_after(ops);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let Ok((log, _)) = Log::open(shared, config(golden.bulk_bytes), &mut |_| {}) else { return (disk, 0, 0) };
    let mut run = Run::new(log, Vec::new(), 0);
    for item in items {
        if !run.item(item) {
            break;
        }
    }
    (disk, run.acked, run.staged)
}

/// Opens a disk after a crash and says which of the script's states it is in.
fn recover(
    disk: &SimDisk,
    golden: &Golden,
    acked: usize,
    staged: usize,
    what: &str,
) -> (Log, Vec<Bytes>, usize) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (log, recovery) = open(&shared, &config(golden.bulk_bytes));
    assert_eq!(recovery.damage, [], "{what}: damage is reported");
    assert_eq!(recovery.stray_dirs, Vec::<String>::new(), "{what}: strays");
    let metadata = recovered_metadata(&recovery);
    let state = observe(&log, &metadata);
    let found = (acked..=staged).rev().find(|&index| golden.states[index] == state);
    let Some(index) = found else {
        panic!(
            "{what}: {acked} operations acknowledged, {staged} staged, but the state is none of these\nrecovered {state:#?}\nacknowledged {:#?}",
            golden.states[acked]
        );
    };
    (log, metadata, index)
}

/// The last batch of each producer that is still in the log, sent again: a duplicate with the old offset.
fn retries_are_duplicates(log: &mut Log, what: &str) {
    for id in log.partitions().collect::<Vec<_>>() {
        let mut last: BTreeMap<i64, RecordBatch> = BTreeMap::new();
        for batch in read_all(log, id).into_iter().filter(|batch| batch.header.has_producer()) {
            last.insert(batch.header.producer_id, batch);
        }
        for batch in last.into_values() {
            let expected = batch.header.base_offset;
            let epoch = log.view(id).unwrap().latest_epoch();
            let Outcome::Appended(appended) = common::commit_one(log, append(id, batch, epoch, 2000)) else {
                panic!("{what}: not an append")
            };
            assert!(appended.duplicate && appended.base_offset == expected, "{what}: {appended:?}");
        }
    }
}

/// Goes on with the script behind the state that was recovered; the outcomes are as if nothing had happened.
fn go_on(log: Log, metadata: Vec<Bytes>, items: &[Item], golden: &Golden, from: usize, what: &str) -> Log {
    let mut run = Run::new(log, metadata, from);
    let mut ops = 0;
    for item in items {
        let skip = ops < from;
        ops += usize::from(matches!(item, Item::Op(_)));
        if !skip || ops == from && matches!(item, Item::HighWatermarks) {
            assert!(run.item(item), "{what}: the run after recovery fails");
        }
    }
    assert!(run.item(&Item::Commit));
    for (index, outcome) in run.outcomes.iter().enumerate() {
        let expected = &golden.outcomes[from + index];
        assert_eq!(outcome, expected, "{what}: operation {} of the script", from + index);
    }
    assert_eq!(&observe(&run.log, &run.metadata), golden.states.last().unwrap(), "{what}: the end differs");
    run.log
}

fn variants() -> Vec<Crash> {
    let seeds =
        std::env::var("CHRONIK_CRASH_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(3u64);
    let torn = (0..seeds).map(Crash::Torn);
    [Crash::Lost, Crash::Kept].into_iter().chain(torn).collect()
}

fn with_seed(crash: Crash, ops: u64) -> Crash {
    match crash {
        Crash::Torn(seed) => Crash::Torn(seed.wrapping_mul(0x9e37) + ops),
        other => other,
    }
}

#[test]
fn nothing_acknowledged_is_lost_at_any_step() {
    crash_at_any_step(BULK_BYTES);
}

#[test]
fn nothing_acknowledged_is_lost_at_any_step_through_the_wal() {
    crash_at_any_step(u64::MAX);
}

fn crash_at_any_step(bulk_bytes: u64) {
    let items = script();
    let golden = golden(&items, bulk_bytes);
    let (mut crashes, mut in_flight_kept) = (0u64, 0u64);
    for ops in 0..=golden.disk_ops {
        let (disk, acked, staged) = run_until(&items, &golden, ops);
        for variant in variants() {
            let what = format!("crash after {ops} operations, {variant:?}");
            let crashed = disk.crash(with_seed(variant, ops));
            let (mut log, metadata, index) = recover(&crashed, &golden, acked, staged, &what);
            in_flight_kept += u64::from(index > acked);
            retries_are_duplicates(&mut log, &what);
            let log = go_on(log, metadata, &items, &golden, index, &what);
            drop(log);
            let again = crashed.crash(with_seed(variant, ops + 1));
            let last = golden.states.len() - 1;
            recover(&again, &golden, last, last, &format!("{what}, then again at the end"));
            crashes += 1;
        }
    }
    println!(
        "{} operations, {} disk operations x {} variants = {crashes} crashes, each continued and crashed again; \
         {in_flight_kept} kept something in flight; 0 acknowledged operations lost",
        golden.outcomes.len(),
        golden.disk_ops + 1,
        variants().len()
    );
}

#[test]
fn a_crash_during_recovery_changes_nothing() {
    let items = script();
    let golden = golden(&items, BULK_BYTES);
    let mut crashes = 0u64;
    for ops in (0..=golden.disk_ops).step_by(23) {
        let (disk, acked, staged) = run_until(&items, &golden, ops);
        for variant in [Crash::Lost, Crash::Kept, Crash::Torn(ops)] {
            let crashed = disk.crash(variant);
            let direct = crashed.crash(Crash::Kept);
            let (_, _, expected) = recover(&direct, &golden, acked, staged, "direct");
            for step in (0..direct.ops()).step_by(4) {
                let attempt = crashed.crash(Crash::Kept);
                attempt.crash_after(step);
                let shared: Arc<dyn Disk> = Arc::new(attempt.clone());
                let opened = Log::open(shared, config(golden.bulk_bytes), &mut |_| {});
                assert!(opened.is_err() || step + 8 > direct.ops(), "step {step} was not the end");
                drop(opened);
                for second in [Crash::Lost, Crash::Kept, Crash::Torn(step + ops)] {
                    let what = format!(
                        "crash after {ops} ({variant:?}), again after {step} of recovery ({second:?})"
                    );
                    let (_, _, index) = recover(&attempt.crash(second), &golden, acked, staged, &what);
                    assert_eq!(index, expected, "{what}");
                    crashes += 1;
                }
            }
        }
    }
    println!("{crashes} crashes during recovery; 0 acknowledged operations lost");
}
