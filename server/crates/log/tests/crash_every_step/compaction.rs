//! The same for a log that is compacted: whatever step the power is cut at, every key has the value that was last acknowledged, at the
//! offset where it was; what a consumer reads from the beginning comes to a state that the script went through.

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_kafka::record_batch::BatchBuilder;
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_log::{CheckpointDone, CheckpointJob, CompactionJob, Disk, Log, LogConfig, Op, PartitionId};

use crate::common::keyed::{
    CODECS, MAP_BYTES, compacted_topic, keyed_batch, raise_high_watermarks, read_keyed, replay,
};
use crate::common::{append, id, open, small_config};
use crate::{variants, with_seed};

/// One entry of the script.
#[derive(Debug, Clone)]
enum Item {
    /// Changes the state, and is committed on its own.
    Op(Op),
    CheckpointBegin,
    CheckpointRun,
    CheckpointFinish,
    /// Begins a compaction if none is under way, and takes so many steps of it.
    Compact {
        steps: usize,
        now_ms: i64,
        keys: usize,
    },
    GiveUp,
    Garbage,
}

/// What a consumer of everything knows, and where the log begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    log_start: i64,
    log_end: i64,
    last: BTreeMap<Vec<u8>, Vec<u8>>,
}

const A: u128 = 1;
const B: u128 = 2;

fn partitions() -> [PartitionId; 2] {
    [id(A, 0), id(B, 0)]
}

fn config() -> LogConfig {
    LogConfig {
        first_wal_segment_bytes: 8 << 10,
        wal_segment_bytes: 8 << 10,
        bulk_bytes: 500,
        topic_defaults: compacted_topic(600),
        ..small_config()
    }
}

fn produce(items: &mut Vec<Item>, to: PartitionId, round: usize, keys: &[u8], value_bytes: usize) {
    let record = |key: &u8| {
        let is_tombstone = (usize::from(*key) + round).is_multiple_of(5);
        let value = [round.to_le_bytes().to_vec(), vec![*key; value_bytes]].concat();
        (vec![*key], (!is_tombstone).then_some(value))
    };
    let records: Vec<_> = keys.iter().map(record).collect();
    let batch = keyed_batch(BatchBuilder::new(), CODECS[round % CODECS.len()], 1000, &records);
    items.push(Item::Op(append(to, batch, i32::try_from(round / 20).unwrap(), 1000)));
}

fn checkpoint(items: &mut Vec<Item>, between: impl FnOnce(&mut Vec<Item>)) {
    items.push(Item::CheckpointBegin);
    between(items);
    items.extend([Item::CheckpointRun, Item::CheckpointFinish]);
}

/// Compactions whole and in pieces, with produces, checkpoints, cuts and deletions before, between and behind their steps.
fn script() -> Vec<Item> {
    let [a, b] = partitions();
    let mut items: Vec<Item> =
        partitions().map(|id| Item::Op(Op::Create { id, config: compacted_topic(600) })).into();
    let compact = |steps, now_ms| Item::Compact { steps, now_ms, keys: 1000 };
    for round in 0..14 {
        produce(&mut items, a, round, &[1, 2, 3, u8::try_from(round).unwrap()], 60);
        if round % 3 == 0 {
            produce(&mut items, b, round, &[9, 8], 200);
        }
    }
    checkpoint(&mut items, |_| {});
    items.push(compact(100, 1000));
    items.push(Item::Garbage);
    // A second one before the checkpoint finds nothing that it may touch in that log, and takes the other.
    items.push(compact(100, 1000));
    for round in 14..22 {
        produce(&mut items, a, round, &[1, 5, 6], 90);
        produce(&mut items, b, round, &[9, 7], 250);
    }
    checkpoint(&mut items, |items| produce(items, a, 22, &[2], 50));
    // Step by step, with everything else in between.
    for round in 23..30 {
        items.push(compact(1, 1200));
        produce(&mut items, a, round, &[3, 4], 80);
        if round == 25 {
            checkpoint(&mut items, |items| items.push(compact(1, 1200)));
        }
    }
    items.push(compact(100, 1200));
    checkpoint(&mut items, |_| {});
    // A map that is full after a few keys: several passes, each behind a checkpoint.
    for _ in 0..3 {
        items.push(Item::Compact { steps: 100, now_ms: 1400, keys: 4 });
        checkpoint(&mut items, |items| items.push(Item::Garbage));
    }
    for round in 30..44 {
        produce(&mut items, b, round, &[1, 2, 3], 100);
        produce(&mut items, a, round, &[4, 5, 6], 100);
    }
    // Begun before a checkpoint, and swapped while it is written.
    checkpoint(&mut items, |_| {});
    items.push(compact(2, 1600));
    checkpoint(&mut items, |items| items.push(compact(3, 1600)));
    items.push(Item::Op(Op::DeleteRecords { id: a, before_offset: 40 }));
    items.push(Item::Op(Op::DeleteRecords { id: b, before_offset: 12 }));
    items.push(compact(100, 1600));
    items.push(Item::Garbage);
    items.push(compact(2, 1700));
    items.push(Item::GiveUp);
    // Cut behind what is compacted, before a checkpoint knows of it, and go on over the old bytes.
    checkpoint(&mut items, |_| {});
    items.push(compact(100, 1800));
    items.push(compact(100, 1800));
    for round in 60..64 {
        produce(&mut items, a, round, &[1, 2, 7], 110);
    }
    items.push(Item::Op(Op::Truncate { id: a, to: 142, leader_epoch: 5 }));
    for round in 64..72 {
        produce(&mut items, a, round, &[1, 2, 7], 110);
    }
    checkpoint(&mut items, |_| {});
    items.push(compact(100, 2000));
    items.push(Item::Op(Op::Drop { id: b }));
    items.push(Item::Op(Op::Create { id: b, config: compacted_topic(600) }));
    for round in 72..80 {
        produce(&mut items, b, round, &[1, 2], 150);
    }
    checkpoint(&mut items, |_| {});
    items.push(compact(100, 2200));
    items.push(compact(100, 2200));
    items
}

/// Runs a script until the disk fails.
struct Run {
    log: Log,
    /// Operations acknowledged, and begun.
    acked: usize,
    begun: usize,
    checkpoint: Option<CheckpointJob>,
    checkpointed: Option<CheckpointDone>,
    compaction: Option<CompactionJob>,
    swaps: usize,
}

fn observe(log: &Log) -> BTreeMap<PartitionId, State> {
    let state = |id| {
        let found = read_keyed(log, id);
        let (log_start, log_end) = (log.log_start_offset(id).unwrap(), log.log_end_offset(id).unwrap());
        (id, State { log_start, log_end, last: replay(&found) })
    };
    log.partitions().map(state).collect()
}

impl Run {
    fn new(log: Log, acked: usize) -> Self {
        Self { log, acked, begun: acked, checkpoint: None, checkpointed: None, compaction: None, swaps: 0 }
    }

    /// `false` if the disk failed.
    fn item(&mut self, item: &Item) -> bool {
        match item {
            Item::Op(op) => return self.op(op.clone()),
            Item::CheckpointBegin => self.checkpoint = self.log.begin_checkpoint(),
            Item::CheckpointRun => self.checkpointed = self.checkpoint.take().map(CheckpointJob::run),
            Item::CheckpointFinish => {
                if let Some(done) = self.checkpointed.take() {
                    return self.log.finish_checkpoint(done).is_ok();
                }
            }
            Item::Compact { steps, now_ms, keys } => return self.compact(*steps, *now_ms, *keys),
            Item::GiveUp => {
                if let Some(job) = self.compaction.take() {
                    self.log.finish_compaction(job.id(), &Err(chronik_log::CompactionError::Overtaken));
                }
            }
            Item::Garbage => {
                if let Some(job) = self.log.garbage_job() {
                    job.run();
                }
            }
        }
        true
    }

    fn op(&mut self, op: Op) -> bool {
        self.begun += 1;
        if self.log.stage(op).is_err() || self.log.commit().is_err() {
            return false;
        }
        self.acked += 1;
        true
    }

    fn compact(&mut self, steps: usize, now_ms: i64, keys: usize) -> bool {
        if self.compaction.is_none() {
            raise_high_watermarks(&mut self.log);
            self.compaction = self.log.begin_compaction(now_ms, (keys * 32).min(MAP_BYTES));
        }
        let Some(mut job) = self.compaction.take() else { return true };
        for _ in 0..steps {
            let result = match job.step() {
                Ok(chronik_log::CompactionStep::Working) => continue,
                Ok(chronik_log::CompactionStep::Cleaned(cleaned)) => {
                    let swap = Op::Swap(Box::new(cleaned.clone()));
                    if self.log.stage(swap).is_err() {
                        return false;
                    }
                    let Ok(committed) = self.log.commit() else { return false };
                    if matches!(committed.outcomes[..], [Ok(chronik_log::Outcome::Swapped { swapped: true })])
                    {
                        self.swaps += 1;
                        continue;
                    }
                    cleaned.discard();
                    Err(chronik_log::CompactionError::Overtaken)
                }
                Ok(chronik_log::CompactionStep::Finished) => Ok(job.stats()),
                Err(error) => Err(error),
            };
            self.log.finish_compaction(job.id(), &result);
            return true;
        }
        self.compaction = Some(job);
        true
    }
}

struct Golden {
    /// After each operation; the first one is the empty log.
    states: Vec<BTreeMap<PartitionId, State>>,
    disk_ops: u64,
}

fn golden(items: &[Item]) -> Golden {
    let disk = SimDisk::new(0);
    let mut run = Run::new(open(&(Arc::new(disk.clone()) as Arc<dyn Disk>), &config()).0, 0);
    let mut states = vec![observe(&run.log)];
    for item in items {
        let before = observe(&run.log);
        assert!(run.item(item), "the undisturbed run fails at {item:?}");
        if matches!(item, Item::Op(_)) {
            states.push(observe(&run.log));
        } else {
            assert_eq!(observe(&run.log), before, "{item:?} changes what a consumer knows");
        }
    }
    assert!(run.swaps > 20, "{} swaps", run.swaps);
    // Looking at it is no operation that changes the disk.
    Golden { states, disk_ops: disk.ops() }
}

/// Opens a disk after a crash and says which of the script's states it is in.
fn recover(disk: &SimDisk, golden: &Golden, acked: usize, begun: usize, what: &str) -> (Log, usize) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    // A directory that was not even begun cannot be verified.
    if disk.read_dir("wal".as_ref()).is_ok() {
        let report = chronik_log::dump::verify(&shared).expect(what);
        assert_eq!(report.damage, [], "{what}: before recovery");
    }
    let (log, recovery) = open(&shared, &config());
    assert_eq!(recovery.damage, [], "{what}: damage is reported");
    let state = observe(&log);
    let found = (acked..=begun).rev().find(|&index| golden.states[index] == state);
    let Some(index) = found else {
        panic!("{what}: {acked} acknowledged, but {state:#?}\ninstead of {:#?}", golden.states[acked])
    };
    let listed: Vec<String> = log
        .partitions()
        .flat_map(|id| disk.read_dir(id.dir_name().as_ref()).unwrap_or_default())
        .map(|entry| entry.name)
        .filter(|name| !["log", "index", "timeindex"].iter().any(|kind| name.ends_with(kind)))
        .collect();
    assert_eq!(listed, Vec::<String>::new(), "{what}: left over");
    (log, index)
}

/// Runs until the power is cut after `ops` operations. Returns the disk, and operations acknowledged and begun.
fn run_until(items: &[Item], ops: u64) -> (SimDisk, usize, usize) {
    let disk = SimDisk::new(ops);
    disk.crash_after(ops);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let Ok((log, _)) = Log::open(shared, config(), &mut |_| {}) else { return (disk, 0, 0) };
    let mut run = Run::new(log, 0);
    let _until_the_power_is_cut = items.iter().all(|item| run.item(item));
    (disk, run.acked, run.begun)
}

/// Goes on with the script behind the state that was recovered.
fn go_on(log: Log, items: &[Item], golden: &Golden, from: usize, what: &str) -> Log {
    let mut run = Run::new(log, from);
    let mut ops = 0;
    for item in items {
        let skip = ops < from;
        ops += usize::from(matches!(item, Item::Op(_)));
        if !skip {
            assert!(run.item(item), "{what}: the run after recovery fails at {item:?}");
        }
    }
    assert_eq!(&observe(&run.log), golden.states.last().unwrap(), "{what}: the end differs");
    run.log
}

#[test]
fn the_last_value_of_every_key_survives_at_any_step_of_a_compaction() {
    let items = script();
    let golden = golden(&items);
    let mut crashes = 0u64;
    for ops in 0..=golden.disk_ops {
        let (disk, acked, begun) = run_until(&items, ops);
        for variant in variants() {
            let what = format!("crash after {ops} operations, {variant:?}");
            let crashed = disk.crash(with_seed(variant, ops));
            let (log, index) = recover(&crashed, &golden, acked, begun, &what);
            drop(go_on(log, &items, &golden, index, &what));
            let again = crashed.crash(with_seed(variant, ops + 1));
            let last = golden.states.len() - 1;
            recover(&again, &golden, last, last, &format!("{what}, then again at the end"));
            crashes += 1;
        }
    }
    println!(
        "{} operations, {} disk operations x {} variants = {crashes} crashes, each continued and crashed again",
        golden.states.len() - 1,
        golden.disk_ops + 1,
        variants().len()
    );
}

#[test]
fn a_crash_during_the_recovery_of_a_compaction_changes_nothing() {
    let items = script();
    let golden = golden(&items);
    let mut crashes = 0u64;
    for ops in (0..=golden.disk_ops).step_by(29) {
        let (disk, acked, begun) = run_until(&items, ops);
        for variant in [Crash::Lost, Crash::Torn(ops)] {
            let crashed = disk.crash(variant);
            let direct = crashed.crash(Crash::Kept);
            let (_, expected) = recover(&direct, &golden, acked, begun, "direct");
            for step in (0..direct.ops()).step_by(5) {
                let attempt = crashed.crash(Crash::Kept);
                attempt.crash_after(step);
                let shared: Arc<dyn Disk> = Arc::new(attempt.clone());
                drop(Log::open(shared, config(), &mut |_| {}));
                for second in [Crash::Lost, Crash::Kept, Crash::Torn(step + ops)] {
                    let what = format!(
                        "crash after {ops} ({variant:?}), again after {step} of recovery ({second:?})"
                    );
                    let (_, index) = recover(&attempt.crash(second), &golden, acked, begun, &what);
                    assert_eq!(index, expected, "{what}");
                    crashes += 1;
                }
            }
        }
    }
    println!("{crashes} crashes during recovery");
}
