//! The log against a plain vector: any sequence of operations, restarts and power cuts gives what the vector has.
#![cfg(not(any(loom, shuttle)))]

mod common;

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::RecordBatch;
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_log::{Disk, Log, LogConfig, Op, Origin, Outcome, PartitionId, ReadMode};
use common::{append, batch, commit_one, id, open, read_batch, small_config, small_topic};
use proptest::prelude::*;

/// (base offset, last offset, timestamp of the first record, epoch, fill)
type Entry = (i64, i64, i64, i32, u8);

#[derive(Debug, Default, Clone)]
struct Model {
    log_start: i64,
    end: i64,
    batches: Vec<Entry>,
}

impl Model {
    fn visible(&self) -> Vec<Entry> {
        self.batches.iter().copied().filter(|batch| batch.1 >= self.log_start).collect()
    }
}

#[derive(Debug, Clone)]
enum Action {
    /// Behind a gap, it is a follower's.
    Append {
        partition: usize,
        records: usize,
        value_bytes: usize,
        timestamp_ms: i64,
        new_epoch: bool,
        gap: i64,
    },
    Truncate {
        partition: usize,
        at: prop::sample::Index,
    },
    DeleteRecords {
        partition: usize,
        at: prop::sample::Index,
    },
    /// So far beyond the end.
    StartAt {
        partition: usize,
        beyond: i64,
    },
    /// One group: `true` is a snapshot, `false` a record.
    Metadata(Vec<bool>),
    Checkpoint,
    Restart {
        clean: bool,
        crash: u8,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        12 => (0..2usize, 1..6usize, 1..350usize, 0..2000i64, prop::bool::weighted(0.1), gap()).prop_map(
            |(partition, records, value_bytes, timestamp_ms, new_epoch, gap)| Action::Append {
                partition, records, value_bytes, timestamp_ms, new_epoch, gap
            }
        ),
        1 => (0..2usize, index()).prop_map(|(partition, at)| Action::Truncate { partition, at }),
        1 => (0..2usize, index()).prop_map(|(partition, at)| Action::DeleteRecords { partition, at }),
        1 => (0..2usize, gap()).prop_map(|(partition, beyond)| Action::StartAt { partition, beyond }),
        1 => prop::collection::vec(prop::bool::weighted(0.2), 1..4).prop_map(Action::Metadata),
        1 => Just(Action::Checkpoint),
        1 => (any::<bool>(), 0..8u8).prop_map(|(clean, crash)| Action::Restart { clean, crash }),
    ]
}

/// Offsets that compaction has taken out of the leader's log.
fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(0), 1 => 1..10i64]
}

struct World {
    disk: SimDisk,
    log: Option<Log>,
    models: [Model; 2],
    epochs: [i32; 2],
    /// The last snapshot, and the records after it.
    metadata: (Option<Bytes>, Vec<Bytes>),
}

/// About half of the appends go straight.
fn config() -> LogConfig {
    LogConfig { bulk_bytes: 500, ..small_config() }
}

fn partition(index: usize) -> PartitionId {
    id(1, i32::try_from(index).unwrap())
}

impl World {
    fn new() -> Self {
        let disk = SimDisk::new(1);
        let mut log = open(&(Arc::new(disk.clone()) as Arc<dyn Disk>), &config()).0;
        for index in 0..2 {
            commit_one(&mut log, Op::Create { id: partition(index), config: small_topic() });
        }
        let models = [Model::default(), Model::default()];
        Self { disk, log: Some(log), models, epochs: [0, 0], metadata: (None, Vec::new()) }
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn apply(&mut self, action: &Action, step: usize) {
        match *action {
            Action::Append { partition: index, records, value_bytes, timestamp_ms, new_epoch, gap } => {
                self.epochs[index] += i32::from(new_epoch);
                let (epoch, fill) = (self.epochs[index], u8::try_from(step % 200).unwrap());
                let mut batch = batch(records, value_bytes, fill, timestamp_ms);
                let base = self.models[index].end + gap;
                let op = if gap == 0 {
                    append(partition(index), batch, epoch, 1)
                } else {
                    batch.assign(base, epoch);
                    let origin = Origin::Follower { log_end: self.models[index].end };
                    Op::Append { id: partition(index), batch, origin, now_ms: 1 }
                };
                let outcome = commit_one(self.log(), op);
                let model = &mut self.models[index];
                let last = base + i64::try_from(records).unwrap() - 1;
                let Outcome::Appended(appended) = outcome else { panic!() };
                assert_eq!((appended.base_offset, appended.last_offset), (base, last));
                model.batches.push((base, last, timestamp_ms, epoch, fill));
                model.end = last + 1;
            }
            Action::Truncate { partition: index, at } => {
                let model = &mut self.models[index];
                let span = usize::try_from(model.end - model.log_start).unwrap();
                let to = model.log_start + i64::try_from(at.index(span + 1)).unwrap();
                // A batch goes whole, also if the log starts inside it.
                let holds = model.batches.iter().find(|batch| batch.0 <= to && to <= batch.1);
                let expected = holds.map_or(to, |batch| batch.0);
                model.batches.retain(|batch| batch.1 < to);
                model.end = expected;
                model.log_start = model.log_start.min(expected);
                let log_start = model.log_start;
                let outcome =
                    commit_one(self.log(), Op::Truncate { id: partition(index), to, leader_epoch: 0 });
                assert_eq!(outcome, Outcome::Truncated { log_end_offset: expected });
                assert_eq!(self.log().log_start_offset(partition(index)), Some(log_start));
            }
            Action::DeleteRecords { partition: index, at } => {
                let model = &mut self.models[index];
                let span = usize::try_from(model.end - model.log_start).unwrap();
                let before_offset = model.log_start + i64::try_from(at.index(span + 1)).unwrap();
                model.log_start = before_offset;
                let outcome =
                    commit_one(self.log(), Op::DeleteRecords { id: partition(index), before_offset });
                assert_eq!(outcome, Outcome::RecordsDeleted { log_start_offset: before_offset });
            }
            Action::StartAt { partition: index, beyond } => {
                let offset = self.models[index].end + beyond;
                self.models[index] = Model { log_start: offset, end: offset, batches: Vec::new() };
                let outcome = commit_one(self.log(), Op::StartAt { id: partition(index), offset });
                assert_eq!(outcome, Outcome::StartedAt { offset });
            }
            Action::Metadata(ref group) => {
                for (place, is_snapshot) in group.iter().enumerate() {
                    let bytes = Bytes::from(format!("{step}.{place}"));
                    if *is_snapshot {
                        self.metadata = (Some(bytes.clone()), Vec::new());
                        self.log().stage(Op::MetadataSnapshot(bytes)).unwrap();
                    } else {
                        self.metadata.1.push(bytes.clone());
                        self.log().stage(Op::Metadata(bytes)).unwrap();
                    }
                }
                let outcomes = self.log().commit().unwrap().outcomes;
                assert_eq!(outcomes, vec![Ok(Outcome::Metadata); group.len()]);
            }
            Action::Checkpoint => {
                let job = self.log().begin_checkpoint().unwrap();
                self.log().finish_checkpoint(job.run()).unwrap();
            }
            Action::Restart { clean, crash } => {
                let log = self.log.take().unwrap();
                if clean {
                    log.close().unwrap();
                }
                self.disk = self.disk.crash(match crash {
                    0 => Crash::Lost,
                    1 => Crash::Kept,
                    seed => Crash::Torn(u64::from(seed) + step as u64),
                });
                let shared: Arc<dyn Disk> = Arc::new(self.disk.clone());
                let (log, recovery) = open(&shared, &config());
                assert_eq!(recovery.damage, []);
                assert_eq!(recovery.clean, clean);
                assert_eq!((recovery.metadata_snapshot, recovery.metadata_records), self.metadata);
                self.log = Some(log);
            }
        }
    }

    fn check(&self) {
        let log = self.log.as_ref().unwrap();
        for (index, model) in self.models.iter().enumerate() {
            let found: Vec<Entry> = read(log, partition(index)).iter().map(entry).collect();
            assert_eq!(found, model.visible());
            assert_eq!(log.log_start_offset(partition(index)), Some(model.log_start));
            assert_eq!(log.log_end_offset(partition(index)), Some(model.end));
            self.check_look_ups(log, index, model);
        }
    }

    fn check_look_ups(&self, log: &Log, index: usize, model: &Model) {
        let view = log.view(partition(index)).unwrap();
        let (start, end) = (model.log_start, model.end);
        for offset in (start..end).step_by(3) {
            let up_to = (offset + 4).min(end);
            let mut bytes = view.read(offset, 1, up_to, ReadMode::Inline).unwrap();
            let expected = model.batches.iter().find(|batch| offset <= batch.1);
            if let Some(expected) = expected.filter(|batch| batch.1 < up_to) {
                let found = entry(&read_batch(&mut bytes));
                assert_eq!(found, *expected, "the batch that holds {offset}, or the next one, whole");
            }
            assert!(bytes.is_empty());
        }
        let records =
            |batch: &Entry| (batch.0..=batch.1).map(|offset| (offset, batch.2 + offset - batch.0)).collect();
        let all: Vec<(i64, i64)> =
            model.visible().iter().flat_map(|batch| -> Vec<_> { records(batch) }).collect();
        let all: Vec<(i64, i64)> = all.into_iter().filter(|(offset, _)| *offset >= start).collect();
        for wanted in [0, 500, 1000, 1500, 2100] {
            let found = view.offset_for_timestamp(wanted, end).unwrap();
            let expected = all.iter().find(|(_, timestamp)| *timestamp >= wanted).copied();
            assert_eq!(found.map(|found| (found.offset, found.timestamp_ms)), expected, "timestamp {wanted}");
        }
    }
}

#[test]
fn the_highest_timestamp_is_that_of_a_record_above_the_log_start() {
    let mut world = World::new();
    let log = world.log();
    for (records, timestamp_ms) in [(4, 9000), (3, 500), (1, 100)] {
        commit_one(log, append(partition(0), batch(records, 10, 1, timestamp_ms), 0, 1));
    }
    // The records of the first batch are at 9000 to 9003, those of the second at 500 to 502.
    for (before_offset, expected) in
        [(0, (3, 9003)), (3, (3, 9003)), (4, (6, 502)), (6, (6, 502)), (7, (7, 100))]
    {
        commit_one(log, Op::DeleteRecords { id: partition(0), before_offset });
        let found = log.view(partition(0)).unwrap().max_timestamp(8).unwrap();
        let found = found.map(|found| (found.offset, found.timestamp_ms));
        assert_eq!(found, Some(expected), "log start {before_offset}");
    }
}

#[test]
fn a_cut_into_the_gap_before_the_first_batch_of_a_segment_survives_a_crash() {
    for with_checkpoint in [false, true] {
        for appended in [false, true] {
            let mut world = World::new();
            let log = world.log();
            let p = partition(0);
            let follower = |base: i64, log_end: i64| {
                let mut batch = batch(1, 10, 3, 1);
                batch.assign(base, 0);
                Op::Append { id: p, batch, origin: Origin::Follower { log_end }, now_ms: 1 }
            };
            // The second one fills its segment; the third one begins another, and goes.
            commit_one(log, append(p, batch(5, 300, 1, 1), 0, 1));
            commit_one(log, append(p, batch(3, 300, 2, 1), 0, 1));
            if with_checkpoint {
                world.apply(&Action::Checkpoint, 0);
            }
            let log = world.log();
            commit_one(log, Op::Truncate { id: p, to: 5, leader_epoch: 0 });
            commit_one(log, follower(10, 5));
            commit_one(log, Op::Truncate { id: p, to: 6, leader_epoch: 0 });
            if appended {
                commit_one(log, follower(6, 6));
            }
            let expected = (read(log, p), log.log_end_offset(p));
            assert_eq!(expected.1, Some(6 + i64::from(appended)));
            for _ in 0..2 {
                world.apply(&Action::Restart { clean: false, crash: 1 }, 0);
                let log = world.log();
                assert_eq!((read(log, p), log.log_end_offset(p)), expected);
            }
            commit_one(world.log(), follower(20, 6 + i64::from(appended)));
            world.apply(&Action::Restart { clean: false, crash: 1 }, 0);
            assert_eq!(read(world.log(), p).len(), expected.0.len() + 1);
        }
    }
}

#[test]
fn a_log_that_was_cut_before_its_first_batch_is_cut_again_after_a_crash() {
    let mut world = World::new();
    let mut first = batch(1, 10, 3, 1);
    first.assign(4, 0);
    let origin = Origin::Follower { log_end: 0 };
    let id = partition(0);
    commit_one(world.log(), Op::Append { id, batch: first, origin, now_ms: 1 });
    for to in [2, 1, 0] {
        let outcome = commit_one(world.log(), Op::Truncate { id, to, leader_epoch: 0 });
        assert_eq!(outcome, Outcome::Truncated { log_end_offset: to });
        world.apply(&Action::Restart { clean: false, crash: 0 }, 0);
        assert_eq!((world.log().log_end_offset(id), read(world.log(), id)), (Some(to), vec![]));
    }
}

/// All batches. A log that was cut inside a gap ends behind its last one.
fn read(log: &Log, id: PartitionId) -> Vec<RecordBatch> {
    let (view, end) = (log.view(id).unwrap(), log.log_end_offset(id).unwrap());
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut offset = view.log_start_offset();
    loop {
        let mut bytes = view.read(offset, 700, end, ReadMode::Blocking).unwrap();
        if bytes.is_empty() {
            return batches;
        }
        while !bytes.is_empty() {
            batches.push(read_batch(&mut bytes));
            offset = batches.last().unwrap().header.next_offset();
        }
    }
}

fn entry(batch: &RecordBatch) -> Entry {
    let header = &batch.header;
    let record = batch.records().unwrap().next().unwrap().unwrap();
    let fill = record.value.unwrap()[0];
    let epoch = header.partition_leader_epoch;
    (header.base_offset, header.last_offset(), header.base_timestamp, epoch, fill)
}

/// At least so many cases; `PROPTEST_CASES` may ask for more.
fn cases(least: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: least.max(asked.cases), ..asked }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn the_log_is_a_vector(actions in prop::collection::vec(action(), 1..70)) {
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
