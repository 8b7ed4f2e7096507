//! Metadata is the log's own business: what is committed of it is handed back by the next start, whatever comes between.
#![cfg(not(any(loom, shuttle)))]

mod common;

use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::{Crash, Fault, OpKind};
use chronik_log::{CommitError, Disk, FlushPolicy, Log, LogConfig, Op, OpError, Outcome, dump, limits};
use common::{append, batch, commit_one, id, open, small_config, small_topic};

const CRASHES: [Crash; 4] = [Crash::Lost, Crash::Kept, Crash::Torn(1), Crash::Torn(2)];

/// The snapshot, and the records after it.
type Metadata = (Option<Bytes>, Vec<Bytes>);

fn start(disk: &SimDisk, config: &LogConfig) -> (Log, Metadata) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (log, recovery) = open(&shared, config);
    assert_eq!(recovery.damage, []);
    (log, (recovery.metadata_snapshot, recovery.metadata_records))
}

/// What a start after a crash hands out; and the start after that one, which has only the first one's checkpoint.
fn after(disk: &SimDisk, crash: Crash) -> Metadata {
    let crashed = disk.crash(crash);
    let (log, found) = start(&crashed, &small_config());
    drop(log);
    let (_, again) = start(&crashed.crash(Crash::Lost), &small_config());
    assert_eq!(again, found, "the checkpoint of a start keeps what it has found");
    found
}

fn record(text: &'static str) -> Op {
    Op::Metadata(Bytes::from_static(text.as_bytes()))
}

fn snapshot(text: &'static str) -> Op {
    Op::MetadataSnapshot(Bytes::from_static(text.as_bytes()))
}

fn commit(log: &mut Log, ops: impl IntoIterator<Item = Op>) {
    let staged = ops.into_iter().map(|op| log.stage(op).expect("accepted")).count();
    let outcomes = log.commit().unwrap().outcomes;
    assert_eq!(outcomes, vec![Ok(Outcome::Metadata); staged]);
}

fn checkpoint(log: &mut Log) {
    let job = log.begin_checkpoint().expect("nothing is in the way");
    log.finish_checkpoint(job.run()).unwrap();
}

fn metadata(snapshot: Option<&'static str>, records: &[&'static str]) -> Metadata {
    (snapshot.map(Bytes::from), records.iter().copied().map(Bytes::from).collect())
}

#[test]
fn a_snapshot_and_the_records_after_it_survive_a_crash() {
    for crash in CRASHES {
        let disk = SimDisk::new(1);
        let (mut log, found) = start(&disk, &small_config());
        assert_eq!(found, metadata(None, &[]));
        commit(&mut log, [record("a"), record("b")]);
        assert_eq!(after(&disk, crash), metadata(None, &["a", "b"]), "{crash:?}");
        commit(&mut log, [snapshot("ab")]);
        assert_eq!(after(&disk, crash), metadata(Some("ab"), &[]), "{crash:?}");
        commit(&mut log, [record("c")]);
        commit(&mut log, [record("d"), record("e")]);
        assert_eq!(after(&disk, crash), metadata(Some("ab"), &["c", "d", "e"]), "{crash:?}");
    }
}

#[test]
fn in_a_group_a_snapshot_stands_for_what_was_staged_before_it() {
    for (ops, expected) in [
        (vec![record("b"), snapshot("ab"), record("c")], metadata(Some("ab"), &["c"])),
        (vec![snapshot("a"), record("b"), record("c")], metadata(Some("a"), &["b", "c"])),
        (vec![record("b"), record("c"), snapshot("abc")], metadata(Some("abc"), &[])),
        (vec![snapshot("a"), record("b"), snapshot("ab"), record("c")], metadata(Some("ab"), &["c"])),
        (vec![snapshot("")], metadata(Some(""), &[])),
    ] {
        let disk = SimDisk::new(1);
        let (mut log, _) = start(&disk, &small_config());
        commit(&mut log, [record("a")]);
        commit(&mut log, ops.clone());
        for crash in CRASHES {
            assert_eq!(after(&disk, crash), expected, "{ops:?} {crash:?}");
        }
        checkpoint(&mut log);
        assert_eq!(after(&disk, Crash::Lost), expected, "{ops:?}, in a checkpoint");
    }
}

#[test]
fn what_fails_with_its_group_leaves_no_trace() {
    for crash in CRASHES {
        let disk = SimDisk::new(1);
        let (mut log, _) = start(&disk, &small_config());
        commit(&mut log, [snapshot("a"), record("b")]);
        let (kind, error) = (OpKind::Write, ErrorKind::StorageFull);
        disk.fail(Fault { kind, path_contains: "wal/".into(), after: 0, times: u32::MAX, error });
        for _ in 0..2 {
            for op in [record("x"), snapshot("xx"), record("y")] {
                log.stage(op).unwrap();
            }
            assert!(matches!(log.commit(), Err(CommitError::StorageFull)));
            assert_eq!(after(&disk, crash), metadata(Some("a"), &["b"]), "{crash:?}");
        }
        disk.clear_faults();
        // Neither in the next checkpoint, nor beside what comes next.
        checkpoint(&mut log);
        assert_eq!(after(&disk, crash), metadata(Some("a"), &["b"]), "{crash:?}");
        commit(&mut log, [record("c")]);
        assert_eq!(after(&disk, crash), metadata(Some("a"), &["b", "c"]), "{crash:?}");
    }
}

#[test]
fn metadata_is_synced_whatever_the_policy() {
    for op in [record("a"), snapshot("a")] {
        let disk = SimDisk::new(1);
        let config = LogConfig { flush: FlushPolicy::Interval(i64::MAX), ..small_config() };
        let (mut log, _) = start(&disk, &config);
        commit(&mut log, [op.clone()]);
        let (snapshot, records) = after(&disk, Crash::Lost);
        assert_eq!(snapshot.into_iter().chain(records).collect::<Vec<_>>(), ["a"], "{op:?}");
    }
}

#[test]
fn a_partition_that_is_refused_takes_no_metadata_with_it() {
    let disk = SimDisk::new(1);
    let (mut log, _) = start(&disk, &small_config());
    commit_one(&mut log, Op::Create { id: id(1, 0), config: small_topic() });
    let (kind, error) = (OpKind::Write, ErrorKind::StorageFull);
    disk.fail(Fault { kind, path_contains: ".log".into(), after: 0, times: u32::MAX, error });
    for op in [record("a"), append(id(1, 0), batch(1, 10, 1, 1), 0, 1), snapshot("a"), record("b")] {
        log.stage(op).unwrap();
    }
    let outcomes: Vec<_> = log.commit().unwrap().outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(outcomes, [true, false, true, true]);
    disk.clear_faults();
    for crash in CRASHES {
        assert_eq!(after(&disk, crash), metadata(Some("a"), &["b"]), "{crash:?}");
    }
}

#[test]
fn a_checkpoint_knows_the_metadata_and_its_caller_does_not() {
    let disk = SimDisk::new(1);
    let (mut log, _) = start(&disk, &small_config());
    commit(&mut log, [snapshot("a"), record("b")]);
    let job = log.begin_checkpoint().unwrap();
    // What comes between the beginning and the end is in the WAL behind it.
    commit(&mut log, [record("c"), snapshot("abc"), record("d")]);
    let done = job.run();
    for crash in CRASHES {
        assert_eq!(after(&disk, crash), metadata(Some("abc"), &["d"]), "{crash:?}, not finished");
    }
    log.finish_checkpoint(done).unwrap();
    commit(&mut log, [record("e")]);
    for crash in CRASHES {
        assert_eq!(after(&disk, crash), metadata(Some("abc"), &["d", "e"]), "{crash:?}, finished");
    }
    // Nothing but the checkpoint has it any more: the WAL has been used again.
    commit_one(&mut log, Op::Create { id: id(1, 0), config: small_topic() });
    for round in 0..60 {
        commit_one(&mut log, append(id(1, 0), batch(1, 1500, round, 1), 0, 1));
        checkpoint(&mut log);
    }
    for crash in CRASHES {
        assert_eq!(after(&disk, crash), metadata(Some("abc"), &["d", "e"]), "{crash:?}, from checkpoints");
    }
}

#[test]
fn what_a_closed_log_had_is_there_when_it_is_opened_again_and_goes_on() {
    let disk = SimDisk::new(1);
    let (mut log, _) = start(&disk, &small_config());
    commit(&mut log, [record("a"), record("b")]);
    log.stage(record("never committed")).unwrap();
    log.close().unwrap();
    let (mut log, found) = start(&disk, &small_config());
    assert_eq!(found, metadata(None, &["a", "b"]));
    commit(&mut log, [snapshot("ab"), record("c")]);
    log.close().unwrap();
    for _ in 0..3 {
        let (log, found) = start(&disk, &small_config());
        assert_eq!(found, metadata(Some("ab"), &["c"]));
        log.close().unwrap();
    }
}

/// So that every piece of it is told from every other.
fn large(bytes: usize) -> Bytes {
    (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[test]
fn the_largest_snapshot_has_a_wal_segment_for_itself_and_a_larger_one_is_refused() {
    let limit = limits::MAX_METADATA_SNAPSHOT_BYTES;
    let largest = large(limit);
    for config in
        [small_config(), LogConfig { new_dir_id: small_config().new_dir_id, ..LogConfig::default() }]
    {
        let disk = SimDisk::new(1);
        let (mut log, _) = start(&disk, &config);
        commit(&mut log, [record("a"), record("b")]);

        let too_large = Op::MetadataSnapshot(Bytes::from(vec![0; limit + 1]));
        log.stage(record("c")).unwrap();
        assert!(log.must_commit_before(&too_large), "the group has room for neither");
        log.commit().unwrap();
        assert_eq!(log.stage(too_large), Err(OpError::MetadataTooLarge { bytes: limit + 1, limit }));
        assert_eq!((log.staged(), log.stage(record("d")).is_ok()), (0, true), "it is in nobody's way");
        log.commit().unwrap();

        log.stage(record("e")).unwrap();
        let op = Op::MetadataSnapshot(largest.clone());
        assert!(log.must_commit_before(&op));
        assert_eq!(log.stage(op.clone()), Err(OpError::CommitFirst));
        log.commit().unwrap();
        log.stage(op).unwrap();
        assert!(log.must_commit_before(&record("f")), "it stands alone");
        log.commit().unwrap();
        commit(&mut log, [record("f")]);

        let expected = (Some(largest.clone()), vec![Bytes::from_static(b"f")]);
        // From the WAL, then from the checkpoint of that start, then from the one that is taken here.
        assert!(after(&disk, Crash::Lost) == expected);
        checkpoint(&mut log);
        commit(&mut log, [record("g")]);
        drop(log);
        let (_, (snapshot, records)) = start(&disk.crash(Crash::Lost), &config);
        assert!(snapshot == expected.0 && records == ["f", "g"]);
    }
}

#[test]
fn a_snapshot_that_a_full_disk_refuses_takes_no_room_behind_its_wal_segment() {
    let (segment_bytes, long) = (small_config().wal_segment_bytes, Bytes::from(vec![1; 200 << 10]));
    let disk = SimDisk::new(1);
    let (mut log, _) = start(&disk, &small_config());
    commit_one(&mut log, Op::Create { id: id(1, 0), config: small_topic() });
    commit(&mut log, [record("a")]);
    for _ in 0..3 {
        let used = disk.used_bytes();
        disk.set_capacity(Some(used + segment_bytes + 5000));
        log.stage(Op::MetadataSnapshot(long.clone())).unwrap();
        assert!(matches!(log.commit(), Err(CommitError::StorageFull)));
        // It went on to another segment, which may stay.
        assert_eq!(disk.used_bytes(), used + segment_bytes);
        commit_one(&mut log, append(id(1, 0), batch(1, 10, 1, 1), 0, 1));
        assert_eq!(after(&disk, Crash::Lost), metadata(None, &["a"]));
    }
    disk.set_capacity(None);
    commit(&mut log, [Op::MetadataSnapshot(long.clone())]);
    assert_eq!(after(&disk, Crash::Lost), (Some(long), vec![]));
}

#[test]
fn a_wal_segment_that_a_snapshot_made_longer_is_not_used_again() {
    let long = Bytes::from(vec![1; 200 << 10]);
    let disk = SimDisk::new(1);
    let (mut log, _) = start(&disk, &small_config());
    let used = disk.used_bytes();
    commit(&mut log, [Op::MetadataSnapshot(long.clone())]);
    commit(&mut log, [snapshot("short")]);
    assert!(disk.used_bytes() > used + long.len() as u64 / 2);
    checkpoint(&mut log);
    log.garbage_job().expect("the long segment").run();
    assert!(disk.used_bytes() <= used + small_config().wal_segment_bytes, "{} of {used}", disk.used_bytes());
    assert_eq!(after(&disk, Crash::Lost), metadata(Some("short"), &[]));
}

#[test]
fn the_largest_record_is_kept_and_a_larger_one_refused() {
    let limit = limits::MAX_METADATA_BYTES;
    let disk = SimDisk::new(1);
    let (mut log, _) = start(&disk, &small_config());
    let refused = log.stage(Op::Metadata(Bytes::from(vec![0; limit + 1])));
    assert_eq!(refused, Err(OpError::MetadataTooLarge { bytes: limit + 1, limit }));
    let largest = large(limit);
    commit(&mut log, [Op::Metadata(largest.clone()), record("a")]);
    assert!(after(&disk, Crash::Lost) == (None, vec![largest, Bytes::from_static(b"a")]));
}

#[test]
fn records_are_refused_at_their_limit_until_a_snapshot_takes_their_place() {
    let disk = SimDisk::new(1);
    let config = LogConfig { max_metadata_records_bytes: 1000, ..small_config() };
    let (mut log, _) = start(&disk, &config);
    let one = Bytes::from_static(&[7; 300]);
    for _ in 0..3 {
        commit(&mut log, [Op::Metadata(one.clone())]);
    }
    let refused = Err(OpError::MetadataFull { bytes: 1232, limit: 1000 });
    assert_eq!(log.stage(Op::Metadata(one.clone())), refused);
    commit(&mut log, [record("a small one")]);
    drop(log);
    // A start counts what it has found.
    let (mut log, _) = start(&disk, &config);
    assert!(matches!(log.stage(Op::Metadata(one.clone())), Err(OpError::MetadataFull { .. })));
    commit(&mut log, [snapshot("all of it"), record("b")]);
    commit(&mut log, [Op::Metadata(one.clone())]);
    assert_eq!(after(&disk, Crash::Lost), (Some("all of it".into()), vec!["b".into(), one]));
}

#[test]
fn a_dump_shows_records_and_snapshots() {
    let disk = SimDisk::new(1);
    let (mut log, _) = start(&disk, &small_config());
    commit(&mut log, [record("a"), snapshot("all"), record("bc")]);
    drop(log);
    let mut shown = Vec::new();
    let damage = dump::wal(&disk, false, &mut |entry| {
        assert_eq!(entry.partition, None);
        shown.push(format!("{} {} {}", entry.lsn, entry.kind, entry.detail));
    });
    assert_eq!(damage.unwrap(), []);
    assert_eq!(shown, ["1 Metadata 1 bytes", "2 MetadataSnapshot 3 bytes", "3 Metadata 2 bytes"]);
    let shared: Arc<dyn Disk> = Arc::new(disk);
    let report = dump::verify(&shared).unwrap();
    assert_eq!((report.wal_records, report.damage), (3, vec![]));
}
