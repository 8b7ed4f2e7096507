//! Full disks and broken ones.
#![cfg(not(any(loom, shuttle)))]

mod common;

use std::io::{ErrorKind, IoSlice};
use std::path::Path;
use std::sync::Arc;

use chronik_log::disk::sim::{Crash, Fault, OpKind};
use chronik_log::disk::{OpenMode, SimDisk};
use chronik_log::{
    CommitError, Disk, Log, LogConfig, Op, OpError, Origin, Outcome, PartitionId, ReadMode, TopicLogConfig,
};
use common::{append, batch, commit_one, id, open, producer_batch, read_all, small_config, small_topic};

fn start(disk: &SimDisk) -> (Log, PartitionId, PartitionId) {
    start_with(disk, &small_config())
}

fn start_with(disk: &SimDisk, config: &LogConfig) -> (Log, PartitionId, PartitionId) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (mut log, _) = open(&shared, config);
    let (a, b) = (id(1, 0), id(1, 1));
    for id in [a, b] {
        commit_one(&mut log, Op::Create { id, config: small_topic() });
        commit_one(&mut log, append(id, producer_batch((5, 0, 0), 2, 100, 1), 0, 1000));
    }
    (log, a, b)
}

fn full(kind: OpKind, path: &str) -> Fault {
    Fault { kind, path_contains: path.to_owned(), after: 0, times: u32::MAX, error: ErrorKind::StorageFull }
}

fn reopen(disk: &SimDisk, crash: Crash) -> Log {
    let shared: Arc<dyn Disk> = Arc::new(disk.crash(crash));
    let (log, recovery) = open(&shared, &small_config());
    assert_eq!(recovery.damage, []);
    log
}

fn ends(log: &Log, ids: [PartitionId; 2]) -> [i64; 2] {
    ids.map(|id| {
        read_all(log, id);
        log.log_end_offset(id).unwrap()
    })
}

#[test]
fn a_full_disk_at_the_wal_refuses_the_group_and_leaves_no_trace() {
    for crash in [Crash::Lost, Crash::Kept, Crash::Torn(1), Crash::Torn(2)] {
        let disk = SimDisk::new(3);
        let (mut log, a, b) = start(&disk);
        disk.fail(full(OpKind::Write, "wal/"));
        for attempt in 0..3 {
            log.stage(append(a, producer_batch((5, 0, 2), 1, 100, 2), 0, 1000)).unwrap();
            log.stage(append(b, batch(1, 900, attempt, 1), 0, 1000)).unwrap();
            assert!(matches!(log.commit(), Err(CommitError::StorageFull)));
            assert_eq!(log.staged(), 0);
            assert_eq!(ends(&log, [a, b]), [2, 2], "reads go on");
        }
        disk.clear_faults();
        // The very batch that was refused is not a duplicate now (row C15).
        let outcome = commit_one(&mut log, append(a, producer_batch((5, 0, 2), 1, 100, 2), 0, 1000));
        let Outcome::Appended(appended) = outcome else { panic!() };
        assert!(!appended.duplicate && appended.base_offset == 2);
        commit_one(&mut log, append(b, batch(1, 50, 9, 1), 0, 1000));
        assert_eq!(ends(&reopen(&disk, crash), [a, b]), [3, 3], "{crash:?}");
    }
}

#[test]
fn what_follows_on_a_refused_batch_is_refused_for_the_same_reason() {
    for path in ["wal/", ".log"] {
        let disk = SimDisk::new(3);
        let (mut log, a, _) = start(&disk);
        let mut send = |sequence| {
            log.stage(append(a, producer_batch((5, 0, sequence), 1, 100, 2), 0, 1000))?;
            match log.commit() {
                Ok(committed) => committed.outcomes.into_iter().next().unwrap(),
                Err(error) => {
                    assert!(matches!(error, CommitError::StorageFull));
                    Err(OpError::StorageFull)
                }
            }
        };
        disk.fail(full(OpKind::Write, path));
        assert_eq!(send(2).unwrap_err(), OpError::StorageFull, "{path}");
        disk.clear_faults();
        assert_eq!(send(3).unwrap_err(), OpError::StorageFull, "it was on its way: {path}");
        send(2).unwrap();
        send(3).unwrap();
        assert!(
            matches!(send(9), Err(OpError::OutOfOrderSequence { .. })),
            "nothing was refused before: {path}"
        );
    }
}

#[test]
fn a_full_disk_at_a_segment_refuses_that_partition_only() {
    for (kind, path) in [(OpKind::Write, ".log"), (OpKind::Write, ".index"), (OpKind::Create, ".log")] {
        for crash in [Crash::Lost, Crash::Kept, Crash::Torn(7)] {
            let disk = SimDisk::new(3);
            let (mut log, a, b) = start(&disk);
            disk.fail(full(kind, &format!("{}/", a.dir_name())));
            let group: Vec<Op> = (0..3)
                .flat_map(|i| [append(a, batch(1, 800, i, 1), 0, 1), append(b, batch(1, 800, i, 1), 0, 1)])
                .collect();
            for op in group {
                log.stage(op).unwrap();
            }
            let outcomes = log.commit().unwrap().outcomes;
            for (index, outcome) in outcomes.iter().enumerate() {
                let expected_ok = index % 2 == 1;
                assert_eq!(outcome.is_ok(), expected_ok, "{kind:?} {path}");
                assert!(expected_ok || *outcome == Err(OpError::StorageFull));
            }
            assert_eq!(ends(&log, [a, b]), [2, 5]);
            assert_eq!(
                ends(&reopen(&disk, crash), [a, b]),
                [2, 5],
                "refused stays refused: {kind:?} {crash:?}"
            );
            disk.clear_faults();
            commit_one(&mut log, append(a, producer_batch((5, 0, 2), 3, 100, 1), 0, 1));
            assert_eq!(ends(&log, [a, b]), [5, 5]);
            assert_eq!(ends(&reopen(&disk, crash), [a, b]), [5, 5], "and what follows is there: {crash:?}");
        }
    }
}

#[test]
fn a_disk_that_fills_up_for_real_resumes_by_itself() {
    let disk = SimDisk::new(9);
    let (mut log, a, b) = start(&disk);
    disk.set_capacity(Some(disk.used_bytes() + 5000));
    let mut acked = [2i64, 2];
    let mut refused = 0;
    for round in 0..60u8 {
        if round == 40 {
            disk.set_capacity(None);
        }
        let id = [a, b][usize::from(round % 2)];
        log.stage(append(id, batch(1, 700, round, 1), 0, 1)).unwrap();
        match log.commit() {
            Ok(committed) => match &committed.outcomes[0] {
                Ok(_) => acked[usize::from(round % 2)] += 1,
                Err(error) => {
                    assert_eq!(*error, OpError::StorageFull);
                    refused += 1;
                }
            },
            Err(CommitError::StorageFull) => refused += 1,
            Err(error) => panic!("{error}"),
        }
        assert_eq!(ends(&log, [a, b]), acked);
        for crash in [Crash::Lost, Crash::Kept, Crash::Torn(round.into())] {
            let crashed = disk.crash(crash);
            crashed.set_capacity(None);
            let shared: Arc<dyn Disk> = Arc::new(crashed);
            assert_eq!(ends(&open(&shared, &small_config()).0, [a, b]), acked, "round {round} {crash:?}");
        }
    }
    assert!(refused > 5, "only {refused} refused");
    assert!(acked[0] + acked[1] > 20);
}

#[test]
fn a_full_disk_at_a_checkpoint_is_tried_again() {
    let disk = SimDisk::new(3);
    let (mut log, a, b) = start(&disk);
    disk.fail(full(OpKind::Write, "checkpoint"));
    let job = log.begin_checkpoint().unwrap();
    assert!(log.begin_checkpoint().is_none(), "one at a time");
    assert!(matches!(log.finish_checkpoint(job.run()), Err(CommitError::StorageFull)));
    assert_eq!(ends(&reopen(&disk, Crash::Lost), [a, b]), [2, 2]);
    disk.clear_faults();
    let job = log.begin_checkpoint().unwrap();
    log.finish_checkpoint(job.run()).unwrap();
    assert_eq!(ends(&reopen(&disk, Crash::Lost), [a, b]), [2, 2]);
}

#[test]
fn a_start_on_a_disk_without_a_free_byte_loses_nothing() {
    for prepared in [0, 1000] {
        let disk = SimDisk::new(5);
        let (log, a, b) = start(&disk);
        drop(log);
        // A WAL segment was being prepared, and has taken what there was.
        let half = disk.open(Path::new("wal/99999999.wal"), OpenMode::Create).unwrap();
        half.write_all_at(&mut [IoSlice::new(&vec![0; prepared])], 0).unwrap();
        for crash in [Crash::Kept, Crash::Lost] {
            let mut crashed = disk.crash(crash);
            crashed.set_capacity(Some(disk.used_bytes()));
            for start in 0..3 {
                let shared: Arc<dyn Disk> = Arc::new(crashed.clone());
                assert_eq!(
                    ends(&open(&shared, &small_config()).0, [a, b]),
                    [2, 2],
                    "start {start}, {crash:?}"
                );
                let used = crashed.used_bytes();
                crashed = crashed.crash(crash);
                crashed.set_capacity(Some(used));
            }
        }
    }
}

#[test]
fn a_failed_sync_is_the_end_of_the_process_and_of_nothing_acknowledged() {
    for path in ["wal/", ".log", "checkpoint"] {
        let disk = SimDisk::new(3);
        let (mut log, a, b) = start(&disk);
        let kind = OpKind::Sync;
        disk.fail(Fault { kind, path_contains: path.into(), after: 0, times: 1, error: ErrorKind::Other });
        log.stage(append(a, batch(1, 10, 1, 1), 0, 1)).unwrap();
        let committed = log.commit();
        if path == "wal/" {
            assert!(matches!(committed, Err(CommitError::Fatal(_))));
        } else {
            committed.unwrap();
            let job = log.begin_checkpoint().unwrap();
            assert!(matches!(log.finish_checkpoint(job.run()), Err(CommitError::Fatal(_))), "{path}");
        }
        // The disk would succeed now, but nobody asks it again.
        assert!(matches!(log.commit(), Err(CommitError::Fatal(_))));
        assert!(matches!(log.stage(append(b, batch(1, 10, 1, 1), 0, 1)), Err(OpError::Offline(_))));
        assert!(log.begin_checkpoint().is_none());
        assert!(log.tick(1).is_err());
        let expected = if path == "wal/" { [2, 2] } else { [3, 2] };
        assert_eq!(ends(&reopen(&disk, Crash::Lost), [a, b]), expected);
        assert!(log.close().is_err());
    }
}

#[test]
fn a_failed_write_that_is_not_a_full_disk_is_fatal() {
    let disk = SimDisk::new(3);
    let (mut log, a, b) = start(&disk);
    let kind = OpKind::Write;
    disk.fail(Fault { kind, path_contains: ".log".into(), after: 0, times: 1, error: ErrorKind::Other });
    log.stage(append(a, batch(1, 10, 1, 1), 0, 1)).unwrap();
    assert!(matches!(log.commit(), Err(CommitError::Fatal(_))));
    // It was durable in the WAL, and not acknowledged: it may be there.
    assert_eq!(ends(&reopen(&disk, Crash::Lost), [a, b]), [3, 2]);
}

#[test]
fn an_inline_read_never_waits_for_the_disk() {
    let disk = SimDisk::new(3);
    let (log, a, _) = start(&disk);
    let view = log.view(a).unwrap();
    assert!(!view.read(0, 1000, 2, ReadMode::Inline).unwrap().is_empty());
    disk.set_cached(false);
    assert!(matches!(view.read(0, 1000, 2, ReadMode::Inline), Err(chronik_log::ReadError::WouldBlock)));
    assert!(!view.read(0, 1000, 2, ReadMode::Blocking).unwrap().is_empty());
}

/// Batches of 600 bytes go straight, those of 100 do not.
fn bulk_config() -> LogConfig {
    LogConfig { bulk_bytes: 500, ..small_config() }
}

const CRASHES: [Crash; 4] = [Crash::Lost, Crash::Kept, Crash::Torn(1), Crash::Torn(2)];

#[test]
fn bulk_that_meets_a_full_disk_is_refused_and_others_are_not() {
    for crash in CRASHES {
        let disk = SimDisk::new(3);
        let (mut log, a, b) = start_with(&disk, &bulk_config());
        disk.fail(full(OpKind::Write, &format!("{}/", a.dir_name())));
        for value in 0..5 {
            log.stage(append(a, batch(1, 600, value, 1), 0, 1)).unwrap();
            log.stage(append(b, batch(1, 600, value, 1), 0, 1)).unwrap();
        }
        let outcomes = log.commit().unwrap().outcomes;
        let refused: Vec<_> = outcomes.iter().map(Result::is_err).collect();
        assert_eq!(refused, [true, false].repeat(5));
        assert_eq!(ends(&log, [a, b]), [2, 7]);
        assert_eq!(ends(&reopen(&disk, crash), [a, b]), [2, 7], "{crash:?}");
        disk.clear_faults();
        commit_one(&mut log, append(a, producer_batch((5, 0, 2), 3, 300, 1), 0, 1));
        assert_eq!(ends(&reopen(&disk, crash), [a, b]), [5, 7], "{crash:?}");
    }
}

#[test]
fn bulk_is_taken_back_if_there_is_no_room_for_its_extents() {
    for crash in CRASHES {
        let disk = SimDisk::new(3);
        let (mut log, a, b) = start_with(&disk, &bulk_config());
        for round in 0..3 {
            disk.fail(Fault { times: 1, ..full(OpKind::Write, "wal/") });
            for value in 0..5 {
                log.stage(append(a, batch(1, 600, value, round), 0, 1)).unwrap();
            }
            log.stage(append(b, batch(1, 100, 1, 1), 0, 1)).unwrap();
            assert!(matches!(log.commit(), Err(CommitError::StorageFull)));
            assert_eq!(ends(&log, [a, b]), [2, 2]);
            assert_eq!(ends(&reopen(&disk, crash), [a, b]), [2, 2], "{crash:?}");
        }
        let outcome = commit_one(&mut log, append(a, producer_batch((5, 0, 2), 2, 400, 2), 0, 1));
        assert!(matches!(outcome, Outcome::Appended(appended) if !appended.duplicate));
        assert_eq!(ends(&log, [a, b]), [4, 2]);
        assert_eq!(ends(&reopen(&disk, crash), [a, b]), [4, 2], "{crash:?}");
    }
}

#[test]
fn a_failed_sync_of_bulk_is_the_end_of_the_process() {
    for crash in CRASHES {
        let disk = SimDisk::new(3);
        let (mut log, a, b) = start_with(&disk, &bulk_config());
        let kind = OpKind::Sync;
        disk.fail(Fault { times: 1, error: ErrorKind::Other, ..full(kind, ".log") });
        log.stage(append(a, batch(1, 600, 1, 1), 0, 1)).unwrap();
        assert!(matches!(log.commit(), Err(CommitError::Fatal(_))));
        assert!(matches!(log.commit(), Err(CommitError::Fatal(_))));
        assert_eq!(ends(&reopen(&disk, crash), [a, b]), [2, 2], "nothing in the WAL claims it: {crash:?}");
    }
}

#[test]
fn a_bulk_job_is_not_begun_on_a_full_disk_and_leaves_no_trace() {
    for crash in CRASHES {
        let disk = SimDisk::new(3);
        let (mut log, a, b) = start_with(&disk, &bulk_config());
        commit_one(&mut log, append(a, batch(1, 600, 1, 1), 0, 1));
        disk.fail(full(OpKind::Write, &format!("{}/", b.dir_name())));
        log.stage(append(a, batch(1, 600, 2, 1), 0, 1)).unwrap();
        log.stage(append(b, batch(1, 600, 2, 1), 0, 1)).unwrap();
        assert!(log.begin_bulk().unwrap().is_none(), "one of the two has no room");
        let refused: Vec<_> = log.commit().unwrap().outcomes.iter().map(Result::is_err).collect();
        assert_eq!(refused, [false, true]);
        assert_eq!(ends(&log, [a, b]), [4, 2]);
        assert_eq!(ends(&reopen(&disk, crash), [a, b]), [4, 2], "{crash:?}");
    }
}

#[test]
fn a_failed_sync_of_a_bulk_job_is_the_end_of_the_process_and_of_nothing_before_it() {
    for crash in CRASHES {
        let disk = SimDisk::new(3);
        let (mut log, a, b) = start_with(&disk, &bulk_config());
        commit_one(&mut log, append(a, batch(1, 600, 1, 1), 0, 1));
        let mut jobs = Vec::new();
        for value in 0..3 {
            log.stage(append(a, batch(1, 600, value, 1), 0, 1)).unwrap();
            jobs.push(log.begin_bulk().unwrap().expect("bulk"));
        }
        assert!(log.begin_checkpoint().is_none(), "bulk jobs are out");
        let mut jobs = jobs.into_iter();
        let first = jobs.next().unwrap().run();
        assert_eq!(log.finish_bulk(first).unwrap().outcomes.len(), 1);
        disk.fail(Fault { times: 1, error: ErrorKind::Other, ..full(OpKind::Sync, ".log") });
        let failed = jobs.next().unwrap().run();
        assert!(matches!(log.finish_bulk(failed), Err(CommitError::Fatal(_))));
        assert!(log.stage(append(a, batch(1, 600, 9, 1), 0, 1)).is_err());
        assert_eq!(ends(&reopen(&disk, crash), [a, b]), [4, 2], "{crash:?}");
    }
}

#[test]
fn a_followers_batch_is_refused_behind_one_that_was_refused() {
    let disk = SimDisk::new(5);
    let (mut log, a, _) = start(&disk);
    let follower = |base: i64, log_end: i64| {
        let mut batch = batch(1, 100, 7, 1);
        batch.assign(base, 0);
        Op::Append { id: a, batch, origin: Origin::Follower { log_end }, now_ms: 1 }
    };
    // The batch at 2 did not get in. A later one may begin behind a gap, but not behind this one.
    let refused = log.stage(follower(3, 3)).unwrap_err();
    assert_eq!(refused, OpError::UnexpectedOffset { found: 3, log_end: 2 });
    commit_one(&mut log, follower(5, 2));
    commit_one(&mut log, follower(6, 6));
    assert_eq!(log.log_end_offset(a), Some(7));
}

/// `max.message.bytes` and `segment.bytes` may be smaller now than when the leader took it.
#[test]
fn a_follower_takes_a_batch_that_a_leader_would_not_take_any_more() {
    let disk = SimDisk::new(5);
    let (mut log, a, _) = start(&disk);
    let large = |base| {
        let mut batch = batch(1, 20_000, 7, 1);
        batch.assign(base, 0);
        batch
    };
    for (setting, strict) in [
        ("max.message.bytes", TopicLogConfig { max_message_bytes: 1000, ..(*small_topic()).clone() }),
        ("segment.bytes", TopicLogConfig { segment_bytes: 1000, ..(*small_topic()).clone() }),
    ] {
        log.set_config(a, Arc::new(strict));
        let log_end = log.log_end_offset(a).unwrap();
        let refused = log.stage(append(a, large(0), 0, 1)).unwrap_err();
        assert!(
            matches!(refused, OpError::MessageTooLarge { .. } | OpError::RecordListTooLarge { .. }),
            "{setting}: {refused}"
        );
        let origin = Origin::Follower { log_end };
        commit_one(&mut log, Op::Append { id: a, batch: large(log_end), origin, now_ms: 1 });
        assert_eq!(log.log_end_offset(a), Some(log_end + 1), "{setting}");
        assert_eq!(read_all(&log, a), read_all(&reopen(&disk, Crash::Lost), a), "{setting}");
    }
}

#[test]
fn a_crash_before_the_first_checkpoint_commits_nothing() {
    let disk = SimDisk::new(6);
    let (mut log, a, _) = start(&disk);
    log.set_high_watermark(a, 0); // a leader whose followers have nothing yet
    let shared: Arc<dyn Disk> = Arc::new(disk.crash(Crash::Kept));
    let (_log, recovery) = open(&shared, &small_config());
    let found = recovery.partitions.iter().find(|partition| partition.id == a).unwrap();
    assert_eq!((found.log_end_offset, found.high_watermark), (2, 0));
}
