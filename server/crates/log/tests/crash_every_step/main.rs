//! Cuts the power after every single disk operation of a long scripted run, in several ways each, and lets the log
//! recover: everything acknowledged must be there, and the state must be exactly one that the script went through.
//!
//! `CHRONIK_CRASH_SEEDS=20` tears in 20 ways instead of 3.
#![cfg(not(any(loom, shuttle)))]

#[path = "../common/mod.rs"]
mod common;
mod compaction;
mod run;
mod script;

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_kafka::record_batch::RecordBatch;
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_log::{Disk, Log, Outcome};
use common::{append, open, read_all};
use run::{Bulk, Metadata, Run, State, config, observe};
use script::{Item, script};

/// Some of the script's groups go straight, some do not.
const BULK_BYTES: u64 = 700;
/// What the undisturbed run went through.
struct Golden {
    bulk_bytes: u64,
    bulk: Bulk,
    /// After each operation; the first one is the empty log.
    states: Vec<State>,
    /// By operation.
    outcomes: Vec<Outcome>,
    disk_ops: u64,
}

/// One operation per commit, so that the state after each is seen. Groups change nothing about offsets.
fn golden(items: &[Item], bulk_bytes: u64, bulk: Bulk) -> Golden {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(0));
    let (log, _) = open(&disk, &config(bulk_bytes));
    let mut run = Run::new(log, Bulk::InTurn, Metadata::default(), 0);
    let mut states = vec![observe(&run.log, &run.metadata)];
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
    let mut run = Run::new(open(&shared, &config(bulk_bytes)).0, bulk, Metadata::default(), 0);
    assert!(items.iter().all(|item| run.item(item)) && run.end());
    assert_eq!(run.bulk_jobs_begun > 10, bulk != Bulk::InTurn, "{} bulk jobs", run.bulk_jobs_begun);
    assert_eq!(&observe(&run.log, &run.metadata), states.last().unwrap());
    if bulk_bytes == BULK_BYTES {
        both_ways_are_taken(&disk);
    }
    Golden { bulk_bytes, bulk, states, outcomes, disk_ops: disk.ops() }
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
    let mut run = Run::new(log, golden.bulk, Metadata::default(), 0);
    let _until_the_power_is_cut = items.iter().all(|item| run.item(item)) && run.end();
    (disk, run.acked, run.staged)
}

/// Opens a disk after a crash and says which of the script's states it is in.
fn recover(
    disk: &SimDisk,
    golden: &Golden,
    acked: usize,
    staged: usize,
    what: &str,
) -> (Log, Metadata, usize) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (log, recovery) = open(&shared, &config(golden.bulk_bytes));
    assert_eq!(recovery.damage, [], "{what}: damage is reported");
    assert_eq!(recovery.stray_dirs, Vec::<String>::new(), "{what}: strays");
    let metadata = Metadata::recovered(&recovery);
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
fn go_on(log: Log, metadata: Metadata, items: &[Item], golden: &Golden, from: usize, what: &str) -> Log {
    let mut run = Run::new(log, golden.bulk, metadata, from);
    let mut ops = 0;
    for item in items {
        let skip = ops < from;
        ops += usize::from(matches!(item, Item::Op(_)));
        if !skip || ops == from && matches!(item, Item::HighWatermarks) {
            assert!(run.item(item), "{what}: the run after recovery fails");
        }
    }
    assert!(run.end(), "{what}: the run after recovery fails");
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
    crash_at_any_step(BULK_BYTES, Bulk::InTurn);
}

#[test]
fn nothing_acknowledged_is_lost_at_any_step_of_bulk_jobs() {
    crash_at_any_step(BULK_BYTES, Bulk::Jobs);
}

#[test]
fn nothing_acknowledged_is_lost_at_any_step_of_bulk_jobs_that_overtake_each_other() {
    crash_at_any_step(BULK_BYTES, Bulk::JobsBackwards);
}

#[test]
fn nothing_acknowledged_is_lost_at_any_step_through_the_wal() {
    crash_at_any_step(u64::MAX, Bulk::InTurn);
}

fn crash_at_any_step(bulk_bytes: u64, bulk: Bulk) {
    let items = script();
    let golden = golden(&items, bulk_bytes, bulk);
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
    let golden = golden(&items, BULK_BYTES, Bulk::JobsBackwards);
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
