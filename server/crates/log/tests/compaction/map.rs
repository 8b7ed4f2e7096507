//! Any sequence of produces with keys and tombstones, compactions, cuts, restarts and power cuts leaves the last value of every key, where it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_kafka::record_batch::BatchBuilder;
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_log::{CompactionError, Disk, Log, Op, Outcome, ReadMode};
use proptest::prelude::*;

use crate::common::keyed::{
    CODECS, DELETE_RETENTION_MS, Keyed, MAP_BYTES, checkpoint, compacted_topic, compaction_step, keyed_batch,
    raise_high_watermarks, read_keyed, read_over_gaps, replay,
};
use crate::common::{append, commit_one, open, read_batch};
use crate::{config, partition};

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
            log.close().unwrap();
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
            let next = read_batch(&mut bytes);
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
