//! What compaction does to a log, case by case.

use std::sync::Arc;

use chronik_kafka::record_batch::BatchBuilder;
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_log::{CompactionError, Disk, Op, ReadMode};

use crate::common::keyed::{
    CODECS, DELETE_RETENTION_MS, MAP_BYTES, checkpoint, compact, compacted_topic, compaction_step,
    keyed_batch, read_keyed,
};
use crate::common::{append, commit_one, open};
use crate::{config, keys_and_offsets, log_of, long, partition, text};

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
