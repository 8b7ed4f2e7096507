//! Compaction against a map: any sequence of produces with keys and tombstones, compactions, cuts, restarts and power cuts
//! leaves the last value of every key, where it was.
#![cfg(not(any(loom, shuttle)))]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_kafka::record_batch::{BatchBuilder, ControlRecord, ControlType, RecordBatch};
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_log::{CompactionError, Disk, Log, LogConfig, Op, Outcome, PartitionId, ReadMode};
use common::keyed::{
    CODECS, DELETE_RETENTION_MS, Keyed, MAP_BYTES, checkpoint, compact, compacted_topic, compaction_step,
    keyed_batch, raise_high_watermarks, read_keyed, read_over_gaps, replay,
};
use common::{append, commit_one, id, open, small_config};
use proptest::prelude::*;

const PRODUCER: i64 = 7;

#[derive(Debug, Clone)]
enum Action {
    /// Keys, and whether each is a tombstone.
    Produce {
        records: Vec<(u8, bool)>,
        value_bytes: usize,
        codec: usize,
        timestamp_ms: i64,
        producer: bool,
    },
    Checkpoint,
    /// With a map of so many keys, given up after so many steps; something is produced in between.
    Compact {
        keys: usize,
        steps: usize,
        produce: bool,
    },
    Wait {
        ms: i64,
    },
    /// Cuts above what compactions have relied on.
    Truncate {
        at: prop::sample::Index,
    },
    DeleteRecords {
        at: prop::sample::Index,
    },
    Restart {
        clean: bool,
        crash: u8,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let index = any::<prop::sample::Index>;
    let records = || prop::collection::vec((0..12u8, prop::bool::weighted(0.2)), 1..6);
    prop_oneof![
        12 => (records(), 1..90usize, 0..CODECS.len(), 0..2000i64, any::<bool>()).prop_map(
            |(records, value_bytes, codec, timestamp_ms, producer)| Action::Produce {
                records, value_bytes, codec, timestamp_ms, producer
            }
        ),
        3 => Just(Action::Checkpoint),
        4 => (prop_oneof![Just(6usize), Just(1000)], prop_oneof![Just(100usize), 1..6usize], any::<bool>())
            .prop_map(|(keys, steps, produce)| Action::Compact { keys, steps, produce }),
        1 => (0..2 * DELETE_RETENTION_MS).prop_map(|ms| Action::Wait { ms }),
        1 => index().prop_map(|at| Action::Truncate { at }),
        1 => index().prop_map(|at| Action::DeleteRecords { at }),
        1 => (any::<bool>(), 0..8u8).prop_map(|(clean, crash)| Action::Restart { clean, crash }),
    ]
}

struct World {
    disk: SimDisk,
    log: Option<Log>,
    /// Everything that was ever produced and not cut off, by offset.
    produced: BTreeMap<i64, Keyed>,
    log_start: i64,
    log_end: i64,
    /// Nothing below is cut off: it is as if it were committed, and compactions have relied on it.
    committed: i64,
    now_ms: i64,
    sequence: i32,
    epoch: i32,
}

fn partition() -> PartitionId {
    id(1, 0)
}

/// About half of the appends go straight.
fn config() -> LogConfig {
    LogConfig { bulk_bytes: 300, topic_defaults: compacted_topic(700), ..small_config() }
}

impl World {
    fn new() -> Self {
        let disk = SimDisk::new(1);
        let mut log = open(&(Arc::new(disk.clone()) as Arc<dyn Disk>), &config()).0;
        commit_one(&mut log, Op::Create { id: partition(), config: compacted_topic(700) });
        let produced = BTreeMap::new();
        Self {
            disk,
            log: Some(log),
            produced,
            log_start: 0,
            log_end: 0,
            committed: 0,
            now_ms: 10_000,
            sequence: 0,
            epoch: 0,
        }
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn apply(&mut self, action: &Action, step: usize) {
        match action {
            Action::Produce { records, value_bytes, codec, timestamp_ms, producer } => {
                self.produce(records, *value_bytes, *codec, *timestamp_ms, *producer, step);
            }
            Action::Checkpoint => checkpoint(self.log()),
            Action::Compact { keys, steps, produce } => self.compact(*keys, *steps, *produce, step),
            Action::Wait { ms } => self.now_ms += ms,
            Action::Truncate { at } => {
                let low = self.committed.max(self.log_start);
                let to =
                    low + i64::try_from(at.index(usize::try_from(self.log_end - low).unwrap() + 1)).unwrap();
                let outcome = commit_one(self.log(), Op::Truncate { id: partition(), to, leader_epoch: 0 });
                let Outcome::Truncated { log_end_offset } = outcome else { panic!() };
                assert!(log_end_offset <= to);
                self.log_end = log_end_offset;
                self.log_start = self.log_start.min(log_end_offset);
                self.produced.split_off(&log_end_offset);
                self.epoch += 1;
                // The producer's sequence goes back with it: it begins anew.
                self.sequence = -1;
            }
            Action::DeleteRecords { at } => {
                let span = usize::try_from(self.log_end - self.log_start).unwrap();
                self.log_start += i64::try_from(at.index(span / 4 + 1)).unwrap();
                let before_offset = self.log_start;
                commit_one(self.log(), Op::DeleteRecords { id: partition(), before_offset });
            }
            Action::Restart { clean, crash } => self.restart(*clean, *crash, step),
        }
    }

    fn produce(
        &mut self,
        records: &[(u8, bool)],
        value_bytes: usize,
        codec: usize,
        timestamp_ms: i64,
        producer: bool,
        step: usize,
    ) {
        let records: Vec<_> = records
            .iter()
            .map(|(key, is_tombstone)| {
                let value = [step.to_le_bytes().to_vec(), vec![*key; value_bytes]].concat();
                (vec![*key], (!is_tombstone).then_some(value))
            })
            .collect();
        let mut builder = BatchBuilder::new();
        if producer && self.sequence >= 0 {
            builder = builder.producer(PRODUCER, 0, self.sequence);
            self.sequence += i32::try_from(records.len()).unwrap();
        }
        let batch = keyed_batch(builder, CODECS[codec], timestamp_ms, &records);
        let (epoch, now_ms) = (self.epoch, self.now_ms);
        let outcome = commit_one(self.log(), append(partition(), batch, epoch, now_ms));
        let Outcome::Appended(appended) = outcome else { panic!() };
        assert_eq!((appended.base_offset, appended.duplicate), (self.log_end, false));
        for (offset, (timestamp_ms, (key, value))) in (self.log_end..).zip((timestamp_ms..).zip(records)) {
            self.produced.insert(offset, Keyed { offset, timestamp_ms, key, value });
        }
        self.log_end = appended.last_offset + 1;
    }

    fn compact(&mut self, keys: usize, steps: usize, produce: bool, step: usize) {
        let now_ms = self.now_ms;
        raise_high_watermarks(self.log());
        let Some(mut job) = self.log().begin_compaction(now_ms, keys * 32) else { return };
        assert!(self.log().begin_compaction(now_ms, MAP_BYTES).is_none(), "one at a time");
        self.committed = self.log_end;
        let before = self.log().cleaned_offset(partition()).unwrap();
        for count in 0.. {
            if count == steps {
                self.log().finish_compaction(partition(), &Err(CompactionError::Overtaken));
                break;
            }
            if produce {
                self.produce(&[(3, false), (4, true)], 30, count % CODECS.len(), 500, false, step);
            }
            if let Some(result) = compaction_step(self.log(), &mut job) {
                self.log().finish_compaction(partition(), &result);
                let stats = result.unwrap();
                let cleaned = self.log().cleaned_offset(partition()).unwrap();
                if stats.end_offset > stats.first_dirty_offset {
                    assert_eq!(cleaned, stats.end_offset);
                }
                assert!(cleaned > before || stats.first_dirty_offset >= stats.end_offset);
                self.check_compacted(cleaned);
                break;
            }
        }
    }

    fn restart(&mut self, clean: bool, crash: u8, step: usize) {
        let log = self.log.take().unwrap();
        let cleaned = log.cleaned_offset(partition());
        if clean {
            log.close(bytes::Bytes::new()).unwrap();
        }
        self.disk = self.disk.crash(match crash {
            0 => Crash::Lost,
            1 => Crash::Kept,
            seed => Crash::Torn(u64::from(seed) + step as u64),
        });
        let shared: Arc<dyn Disk> = Arc::new(self.disk.clone());
        assert_eq!(chronik_log::dump::verify(&shared).unwrap().damage, [], "before recovery");
        let (log, recovery) = open(&shared, &config());
        assert_eq!(recovery.damage, []);
        assert_eq!(recovery.clean, clean);
        assert_eq!(log.cleaned_offset(partition()), cleaned, "a restart does not begin anew");
        self.log = Some(log);
    }

    /// Below what has been compacted, a key comes once, and no tombstone is older than its time.
    fn check_compacted(&self, cleaned: i64) {
        let log = self.log.as_ref().unwrap();
        let mut last = BTreeMap::new();
        for record in read_keyed(log, partition()).into_iter().filter(|record| record.offset < cleaned) {
            let before = last.insert(record.key.clone(), record.offset);
            assert_eq!(before, None, "key {:?} at {} again", record.key, record.offset);
        }
    }

    fn check(&self) {
        let log = self.log.as_ref().unwrap();
        assert_eq!(log.log_end_offset(partition()), Some(self.log_end));
        assert_eq!(log.log_start_offset(partition()), Some(self.log_start));
        let found = read_keyed(log, partition());
        for record in &found {
            assert_eq!(Some(record), self.produced.get(&record.offset), "not what was produced there");
        }
        let all: Vec<&Keyed> = self.produced.range(self.log_start..).map(|(_, record)| record).collect();
        assert_eq!(replay(&found), replay(all));
        self.check_look_ups(log, &found);
    }

    fn check_look_ups(&self, log: &Log, found: &[Keyed]) {
        let view = log.view(partition()).unwrap();
        let batches = read_over_gaps(log, partition());
        for offset in self.log_start..self.log_end {
            let mut bytes = view.read(offset, 1, self.log_end, ReadMode::Inline).unwrap();
            let next = common::read_batch(&mut bytes);
            let expected = batches.iter().find(|batch| batch.header.last_offset() >= offset);
            assert_eq!(Some(&next), expected, "the batch that holds {offset}, or the next one");
        }
        for wanted in [0, 500, 1000, 1500, 2100] {
            let at = view.offset_for_timestamp(wanted, self.log_end).unwrap();
            let expected = found.iter().find(|record| record.timestamp_ms >= wanted);
            let expected = expected.map(|record| (record.offset, record.timestamp_ms));
            assert_eq!(at.map(|found| (found.offset, found.timestamp_ms)), expected, "timestamp {wanted}");
        }
        let max = view.max_timestamp(self.log_end).unwrap();
        let highest = found.iter().map(|record| record.timestamp_ms).max();
        let expected = found.iter().find(|record| Some(record.timestamp_ms) == highest);
        let expected = expected.map(|record| (record.offset, record.timestamp_ms));
        assert_eq!(max.map(|found| (found.offset, found.timestamp_ms)), expected, "the highest timestamp");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_a_map(actions in prop::collection::vec(action(), 1..80)) {
        let mut world = World::new();
        for (step, action) in actions.iter().enumerate() {
            world.apply(action, step);
            if step % 8 == 7 {
                world.check();
            }
        }
        world.check();
        world.apply(&Action::Restart { clean: false, crash: 0 }, 0);
        world.check();
    }
}

fn text(key: &str, value: Option<&str>) -> (Vec<u8>, Option<Vec<u8>>) {
    (key.into(), value.map(Into::into))
}

/// One segment per batch, all in the checkpoint.
fn log_of(disk: &SimDisk, batches: &[&[(Vec<u8>, Option<Vec<u8>>)]]) -> Log {
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
fn long(key: &str, value: &str) -> (Vec<u8>, Option<Vec<u8>>) {
    text(key, Some(&value.repeat(60)))
}

#[test]
fn a_tombstone_goes_in_the_compaction_after_its_horizon() {
    let disk = SimDisk::new(1);
    let mut log = log_of(&disk, &[&[long("a", "1"), text("b", None)], &[long("c", "1")], &[long("d", "1")]]);
    compact(&mut log, 1000, MAP_BYTES).unwrap();
    let all = [(0, "a".to_owned()), (1, "b".to_owned()), (2, "c".to_owned()), (3, "d".to_owned())];
    assert_eq!(keys_and_offsets(&log), all);
    checkpoint(&mut log);
    assert_eq!(compact(&mut log, 1000 + DELETE_RETENTION_MS, MAP_BYTES), None, "nothing is dirty");
    let batch = keyed_batch(BatchBuilder::new(), CODECS[0], 1000, &[long("e", "1")]);
    commit_one(&mut log, append(partition(), batch, 0, 1000));
    checkpoint(&mut log);
    compact(&mut log, 1000 + DELETE_RETENTION_MS, MAP_BYTES).unwrap();
    let left: Vec<i64> = keys_and_offsets(&log).iter().map(|(offset, _)| *offset).collect();
    assert_eq!(left, [0, 2, 3, 4]);
}

#[test]
fn readers_with_an_older_view_go_on_in_the_old_files() {
    let disk = SimDisk::new(1);
    let batches: Vec<[_; 1]> = (0..40).map(|n| [long(&(n % 3).to_string(), "v")]).collect();
    let batches: Vec<&[_]> = batches.iter().map(|batch| &batch[..]).collect();
    let mut log = log_of(&disk, &batches);
    let old = log.view(partition()).unwrap();
    let read = |view: &chronik_log::LogView| -> Vec<Vec<u8>> {
        (0..40).map(|offset| view.read(offset, 1, 40, ReadMode::Blocking).unwrap().to_vec()).collect()
    };
    let (before, found) = (read(&old), old.offset_for_timestamp(1000, 40).unwrap());
    log.set_config(partition(), compacted_topic(1000));
    compact(&mut log, 1000, MAP_BYTES).unwrap();
    if let Some(garbage) = log.garbage_job() {
        garbage.run();
    }
    assert_eq!(read(&old), before, "the old view has not changed");
    assert_eq!(old.offset_for_timestamp(1000, 40).unwrap(), found);
    let new = log.view(partition()).unwrap();
    assert!(
        new.segment_count() < old.segment_count() && new.size_bytes().unwrap() < old.size_bytes().unwrap()
    );
    assert!(disk.used_bytes() > 0);
    drop(old);
    assert_eq!(read_keyed(&log, partition()).len(), 4, "three keys, and the active segment");
}

#[test]
fn a_log_that_cannot_be_compacted_is_left_alone() {
    let disk = SimDisk::new(1);
    let mut log =
        log_of(&disk, &[&[long("a", "1"), text("b", Some("1"))], &[long("a", "2")], &[long("b", "2")]]);
    let mut job = log.begin_compaction(1000, 0).unwrap();
    let error = compaction_step(&mut log, &mut job).unwrap();
    assert!(matches!(error, Err(CompactionError::TooManyKeys { offset: 0, records: 2, .. })), "{error:?}");
    log.finish_compaction(partition(), &error);
    assert_eq!(log.compaction_outlook(1000).uncleanable_partitions, 1);
    assert!(log.begin_compaction(1000, MAP_BYTES).is_none());
    assert_eq!(read_keyed(&log, partition()).len(), 4);
}

#[test]
fn a_swap_that_was_overtaken_is_refused() {
    let records = |n: i32| [long(&n.to_string(), "v")];
    let batches: Vec<_> = (0..6).map(records).collect();
    let batches: Vec<&[_]> = batches.iter().map(|batch| &batch[..]).collect();
    let overtake: [(&str, Op); 3] = [
        ("cut", Op::Truncate { id: partition(), to: 4, leader_epoch: 0 }),
        ("deleted", Op::DeleteRecords { id: partition(), before_offset: 3 }),
        ("dropped", Op::Drop { id: partition() }),
    ];
    for (what, op) in overtake {
        let disk = SimDisk::new(1);
        let mut log = log_of(&disk, &batches);
        let mut job = log.begin_compaction(1000, MAP_BYTES).unwrap();
        assert!(compaction_step(&mut log, &mut job).is_none(), "keys are collected");
        commit_one(&mut log, op);
        let result = loop {
            if let Some(result) = compaction_step(&mut log, &mut job) {
                break result;
            }
        };
        assert!(matches!(result, Err(CompactionError::Overtaken)), "{what}: {result:?}");
        log.finish_compaction(partition(), &result);
        drop(log);
        let shared: Arc<dyn Disk> = Arc::new(disk.crash(Crash::Lost));
        assert_eq!(open(&shared, &config()).1.damage, [], "{what}");
    }
}

#[test]
fn a_log_can_be_cut_anywhere_in_what_was_compacted() {
    let batches: Vec<_> = (0..30).map(|n| [long(&(n % 4).to_string(), "v")]).collect();
    let batches: Vec<&[_]> = batches.iter().map(|batch| &batch[..]).collect();
    for to in 0..30 {
        for crash in [Crash::Lost, Crash::Kept, Crash::Torn(u64::try_from(to).unwrap())] {
            let disk = SimDisk::new(1);
            let mut log = log_of(&disk, &batches);
            log.set_config(partition(), compacted_topic(1000));
            compact(&mut log, 1000, MAP_BYTES).unwrap();
            let before = read_keyed(&log, partition());
            commit_one(&mut log, Op::Truncate { id: partition(), to, leader_epoch: 1 });
            let log_end = log.log_end_offset(partition()).unwrap();
            assert!(log_end <= to);
            for _ in 0..3 {
                let batch = keyed_batch(BatchBuilder::new(), CODECS[0], 1000, &[long("new", "v")]);
                commit_one(&mut log, append(partition(), batch, 1, 1000));
            }
            let expected = read_keyed(&log, partition());
            let kept = before.iter().filter(|record| record.offset < log_end);
            assert!(kept.eq(expected.iter().take(expected.len() - 3)), "cut to {to}");
            drop(log);
            let shared: Arc<dyn Disk> = Arc::new(disk.crash(crash));
            assert_eq!(chronik_log::dump::verify(&shared).unwrap().damage, [], "cut to {to}, {crash:?}");
            let (mut log, recovery) = open(&shared, &config());
            assert_eq!(
                (recovery.damage, read_keyed(&log, partition())),
                (vec![], expected),
                "cut to {to}, {crash:?}"
            );
            checkpoint(&mut log);
            while compact(&mut log, 1000, MAP_BYTES).is_some() {
                checkpoint(&mut log);
            }
            assert!(read_keyed(&log, partition()).iter().any(|record| record.offset == log_end + 2));
        }
    }
}

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
