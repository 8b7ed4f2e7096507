//! A log that is emptied and goes on further up.
#![cfg(not(any(loom, shuttle)))]

mod common;

use std::sync::Arc;

use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_log::{Disk, Log, Op, OpError, Origin, Outcome, PartitionId, ReadMode, dump};
use common::{append, batch, commit_one, id, open, producer_batch, read_all, small_config, small_topic};

const CRASHES: [Crash; 4] = [Crash::Lost, Crash::Kept, Crash::Torn(1), Crash::Torn(2)];

/// A log of several segments up to offset 20, in epoch 5, with a producer that has written 20 records.
fn start(disk: &SimDisk) -> (Log, PartitionId) {
    let (mut log, id) = (reopen(disk), id(1, 0));
    commit_one(&mut log, Op::Create { id, config: small_topic() });
    for batch in 0..10 {
        commit_one(&mut log, append(id, producer_batch((7, 0, 2 * batch), 2, 300, 1), 5, 1000));
    }
    (log, id)
}

fn reopen(disk: &SimDisk) -> Log {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (log, recovery) = open(&shared, &small_config());
    assert_eq!(recovery.damage, []);
    log
}

fn checkpoint(log: &mut Log) {
    let job = log.begin_checkpoint().unwrap();
    log.finish_checkpoint(job.run()).unwrap();
}

fn bounds(log: &Log, id: PartitionId) -> (i64, i64) {
    (log.log_start_offset(id).unwrap(), log.log_end_offset(id).unwrap())
}

#[test]
fn nothing_is_left_of_a_log_that_begins_anew() {
    for (offset, checkpoints) in [(20, false), (20, true), (100, false), (100, true)] {
        for crash in CRASHES {
            let disk = SimDisk::new(1);
            let (mut log, id) = start(&disk);
            if checkpoints {
                checkpoint(&mut log);
            }
            let outcome = commit_one(&mut log, Op::StartAt { id, offset });
            assert_eq!(outcome, Outcome::StartedAt { offset });
            let crashed = disk.crash(crash);
            for log in [&log, &reopen(&crashed)] {
                assert_eq!(bounds(log, id), (offset, offset));
                assert_eq!(log.producers(id), []);
                assert_eq!(log.view(id).unwrap().latest_epoch(), -1);
                assert_eq!(log.cleaned_offset(id), Some(0));
                assert_eq!(read_all(log, id), []);
            }
            let shared: Arc<dyn Disk> = Arc::new(crashed);
            assert_eq!(
                dump::segments(&*shared, id).unwrap_or_default(),
                Vec::<i64>::new(),
                "their files are gone"
            );
            assert_eq!(dump::verify(&shared).unwrap().damage, []);
        }
    }
}

#[test]
fn a_log_that_began_anew_takes_what_follows() {
    for crash in CRASHES {
        let disk = SimDisk::new(1);
        let (mut log, id) = start(&disk);
        commit_one(&mut log, Op::StartAt { id, offset: 100 });
        // The leader's log has a gap; its producer began anew.
        let mut first = producer_batch((7, 0, 0), 2, 300, 3);
        first.assign(105, 2);
        let origin = Origin::Follower { log_end: 100 };
        commit_one(&mut log, Op::Append { id, batch: first, origin, now_ms: 1 });
        for batch in 1..6 {
            commit_one(&mut log, append(id, producer_batch((7, 0, 2 * batch), 2, 300, 3), 2, 1000));
        }
        let expected: Vec<_> = view_batches(&log, id);
        assert_eq!((bounds(&log, id), expected.len()), ((100, 117), 6));
        let log = reopen(&disk.crash(crash));
        assert_eq!((bounds(&log, id), view_batches(&log, id)), ((100, 117), expected), "{crash:?}");
        assert_eq!(log.view(id).unwrap().latest_epoch(), 2);
    }
}

/// Base offsets of all batches, the first of which is behind a gap.
fn view_batches(log: &Log, id: PartitionId) -> Vec<i64> {
    let (view, end) = (log.view(id).unwrap(), log.log_end_offset(id).unwrap());
    let (mut offset, mut bases) = (view.log_start_offset(), Vec::new());
    while offset < end {
        let batch = common::read_batch(&mut view.read(offset, 1, end, ReadMode::Blocking).unwrap());
        offset = batch.header.next_offset();
        bases.push(batch.header.base_offset);
    }
    bases
}

#[test]
fn a_log_does_not_begin_anew_below_its_end() {
    let disk = SimDisk::new(1);
    let (mut log, id) = start(&disk);
    commit_one(&mut log, Op::DeleteRecords { id, before_offset: 3 });
    for offset in [-1, 0, 19] {
        let refused = log.stage(Op::StartAt { id, offset }).unwrap_err();
        assert_eq!(refused, OpError::OffsetOutOfRange { offset, log_start: 3, log_end: 20 });
    }
    let unknown = common::id(9, 9);
    assert_eq!(log.stage(Op::StartAt { id: unknown, offset: 0 }).unwrap_err(), OpError::UnknownPartition);
    assert_eq!(read_all(&log, id).len(), 9);
}

#[test]
fn nothing_else_happens_to_a_log_in_the_group_in_which_it_begins_anew() {
    let disk = SimDisk::new(1);
    let (mut log, id) = start(&disk);
    let (begin, then) = (Op::StartAt { id, offset: 30 }, append(id, batch(1, 10, 1, 1), 5, 1));
    log.stage(begin.clone()).unwrap();
    assert!(log.must_commit_before(&then) && log.must_commit_before(&begin));
    log.commit().unwrap();
    log.stage(then).unwrap();
    assert!(log.must_commit_before(&begin), "its place is behind what is staged");
    log.commit().unwrap();
    assert_eq!(bounds(&log, id), (30, 31));
}

#[test]
fn the_high_watermark_is_in_the_log_after_it_began_anew() {
    let disk = SimDisk::new(1);
    let (mut log, id) = start(&disk);
    log.set_high_watermark(id, 12);
    checkpoint(&mut log);
    commit_one(&mut log, Op::StartAt { id, offset: 40 });
    commit_one(&mut log, append(id, batch(3, 10, 1, 1), 5, 1));
    let shared: Arc<dyn Disk> = Arc::new(disk.crash(Crash::Kept));
    let (_, recovery) = open(&shared, &small_config());
    let found = &recovery.partitions[0];
    assert_eq!((found.log_start_offset, found.log_end_offset, found.high_watermark), (40, 43, 40));
}

#[test]
fn a_log_that_was_cut_to_its_start_inside_a_batch_begins_where_the_batch_began() {
    let disk = SimDisk::new(1);
    let (mut log, id) = start(&disk);
    commit_one(&mut log, Op::DeleteRecords { id, before_offset: 13 });
    let outcome = commit_one(&mut log, Op::Truncate { id, to: 13, leader_epoch: 6 });
    assert_eq!(outcome, Outcome::Truncated { log_end_offset: 12 });
    assert_eq!(bounds(&log, id), (12, 12));
    assert_eq!(log.view(id).unwrap().latest_epoch(), -1, "nothing is left in which there was an epoch");
    commit_one(&mut log, Op::StartAt { id, offset: 13 });
    assert_eq!(bounds(&reopen(&disk.crash(Crash::Lost)), id), (13, 13));
}

/// A follower whose log starts above where it diverges from its leader's: what the leader sends next may be a batch that begins below that start.
#[test]
fn a_log_that_is_cut_below_its_start_is_empty_and_ends_there() {
    for (to, end) in [(9, 8), (6, 6), (0, 0)] {
        for crash in CRASHES {
            let disk = SimDisk::new(1);
            let (mut log, id) = (reopen(&disk), id(1, 0));
            commit_one(&mut log, Op::Create { id, config: Arc::default() });
            for batch in 0..10 {
                commit_one(&mut log, append(id, producer_batch((7, 0, 2 * batch), 2, 300, 1), 5, 1000));
            }
            commit_one(&mut log, Op::DeleteRecords { id, before_offset: 13 });
            let outcome = commit_one(&mut log, Op::Truncate { id, to, leader_epoch: 6 });
            assert_eq!(outcome, Outcome::Truncated { log_end_offset: end });
            commit_one(&mut log, append(id, batch(3, 10, 1, 1), 6, 1));
            for log in [&log, &reopen(&disk.crash(crash))] {
                assert_eq!((bounds(log, id), view_batches(log, id)), ((end, end + 3), vec![end]));
            }
        }
    }
}
