//! Bits that rot: found, reported, and never taken for a torn tail.
#![cfg(not(any(loom, shuttle)))]

mod common;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use chronik_log::disk::sim::Crash;
use chronik_log::disk::{OpenMode, SimDisk};
use chronik_log::{Disk, Log, LogConfig, LogError, Op, OpError, dump};
use common::{append, batch, commit_one, id, open, read_all, small_config, small_topic};

/// Two partitions with ten batches each, no checkpoint after them. Returns the WAL position of each append.
fn filled() -> (SimDisk, Vec<(String, u64)>) {
    let disk = SimDisk::new(5);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (mut log, _) = open(&shared, &small_config());
    for partition in 0..2 {
        commit_one(&mut log, Op::Create { id: id(1, partition), config: small_topic() });
    }
    for round in 0..10u8 {
        for partition in 0..2 {
            commit_one(&mut log, append(id(1, partition), batch(1, 100, round, 1), 0, 1));
        }
    }
    let mut positions = Vec::new();
    let damage = dump::wal(&disk, false, &mut |entry| {
        if entry.kind == "Append" {
            positions.push((entry.file, entry.position));
        }
    });
    assert_eq!(damage.unwrap(), []);
    assert_eq!(positions.len(), 20);
    (disk, positions)
}

fn reopen(disk: &SimDisk) -> (Log, chronik_log::Recovery) {
    open(&(Arc::new(disk.crash(Crash::Kept)) as Arc<dyn Disk>), &small_config())
}

#[test]
fn damage_below_a_synced_lsn_takes_its_partition_offline() {
    // In the header the partition is unknown, but its next append shows the gap; in the body it is known.
    for in_record in [10, 180] {
        let (disk, positions) = filled();
        let (file, position) = &positions[6];
        disk.corrupt(Path::new(file), position + in_record).unwrap();
        let (mut log, recovery) = reopen(&disk);
        assert!(!recovery.damage.is_empty());
        assert_eq!(recovery.damage[0].file, *file);
        let offline: Vec<_> = recovery.partitions.iter().map(|found| found.offline.is_some()).collect();
        assert_eq!(offline, [true, false], "at {in_record}");
        assert!(log.view(id(1, 0)).is_none());
        assert!(matches!(log.stage(append(id(1, 0), batch(1, 1, 1, 1), 0, 1)), Err(OpError::Offline(_))));
        assert_eq!(read_all(&log, id(1, 1)).len(), 10);
        commit_one(&mut log, append(id(1, 1), batch(1, 1, 1, 1), 0, 1));
        log.close().unwrap();
    }
}

#[test]
fn an_offline_partition_stays_offline_and_can_be_dropped() {
    let (disk, positions) = filled();
    disk.corrupt(Path::new(&positions[6].0), positions[6].1 + 10).unwrap();
    let crashed = disk.crash(Crash::Kept);
    let shared: Arc<dyn Disk> = Arc::new(crashed);
    open(&shared, &small_config()).0.close().unwrap();
    let (mut log, recovery) = open(&shared, &small_config());
    assert!(recovery.partitions[0].offline.is_some() && recovery.clean);
    commit_one(&mut log, Op::Drop { id: id(1, 0) });
    commit_one(&mut log, Op::Create { id: id(1, 0), config: small_topic() });
    commit_one(&mut log, append(id(1, 0), batch(1, 1, 1, 1), 0, 1));
    assert_eq!(read_all(&log, id(1, 0)).len(), 1);
}

#[test]
fn damage_in_the_last_group_is_a_torn_tail() {
    let (disk, positions) = filled();
    let (file, position) = positions.last().unwrap();
    disk.corrupt(Path::new(file), position + 10).unwrap();
    let (log, recovery) = reopen(&disk);
    assert_eq!(recovery.damage, []);
    assert_eq!([0, 1].map(|partition| read_all(&log, id(1, partition)).len()), [10, 9]);
}

#[test]
fn a_segment_that_lost_synced_bytes_is_offline() {
    let (disk, _) = filled();
    let crashed = disk.crash(Crash::Kept);
    let shared: Arc<dyn Disk> = Arc::new(crashed.clone());
    open(&shared, &small_config()).0.close().unwrap();
    let path = format!("{}/{:020}.log", id(1, 1).dir_name(), 0);
    crashed.open(Path::new(&path), OpenMode::Existing).unwrap().set_len(50).unwrap();
    let report = dump::verify(&shared).unwrap();
    assert_eq!(report.damage.len(), 1);
    assert_eq!(report.damage[0].file, path);
    let (log, recovery) = open(&shared, &small_config());
    assert_eq!(recovery.damage.len(), 1);
    assert!(log.view(id(1, 1)).is_none() && log.view(id(1, 0)).is_some());
}

#[test]
fn verify_finds_every_flipped_bit_below_the_checkpoint() {
    let (disk, _) = filled();
    let crashed = disk.crash(Crash::Kept);
    let shared: Arc<dyn Disk> = Arc::new(crashed.clone());
    open(&shared, &small_config()).0.close().unwrap();
    let report = dump::verify(&shared).unwrap();
    assert_eq!((report.partitions, report.batches, report.damage.len()), (2, 20, 0));
    let path = format!("{}/{:020}.log", id(1, 0).dir_name(), 0);
    for position in (0..900).step_by(13) {
        // The leader epoch is not covered by the batch's CRC: only that it never goes back is checked.
        if (12..16).contains(&(position % 183)) {
            continue;
        }
        crashed.corrupt(Path::new(&path), position).unwrap();
        let report = dump::verify(&shared).unwrap();
        assert!(!report.damage.is_empty(), "byte {position}");
        assert_eq!(report.damage[0].file, path);
        crashed.corrupt(Path::new(&path), position).unwrap();
    }
}

#[test]
fn missing_and_broken_indexes_are_rebuilt() {
    let (disk, _) = filled();
    let crashed = disk.crash(Crash::Kept);
    let shared: Arc<dyn Disk> = Arc::new(crashed.clone());
    open(&shared, &small_config()).0.close().unwrap();
    let dir = id(1, 0).dir_name();
    let names: Vec<String> =
        crashed.read_dir(Path::new(&dir)).unwrap().into_iter().map(|entry| entry.name).collect();
    let indexes = names.iter().filter(|name| !name.ends_with(".log"));
    for name in indexes.clone() {
        crashed.unlink(&Path::new(&dir).join(name)).unwrap();
    }
    let (log, recovery) = open(&shared, &small_config());
    assert_eq!(recovery.damage, []);
    let expected = read_all(&log, id(1, 0));
    assert_eq!(expected.len(), 10);
    log.close().unwrap();
    let now: Vec<String> =
        crashed.read_dir(Path::new(&dir)).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(now, names);
    // Rotten entries lead a look-up astray, not the reader.
    for name in indexes.filter(|name| name.ends_with(".index")) {
        for position in 0..16 {
            crashed.corrupt(&Path::new(&dir).join(name), position).unwrap();
        }
    }
    let (log, _) = open(&shared, &small_config());
    assert_eq!(read_all(&log, id(1, 0)), expected);
}

#[test]
fn a_broken_checkpoint_and_newer_formats_are_refused() {
    let (disk, _) = filled();
    let crashed = disk.crash(Crash::Kept);
    let shared: Arc<dyn Disk> = Arc::new(crashed.clone());
    for (file, position, newer) in
        [("checkpoint", 60, false), ("checkpoint", 8, true), ("meta.properties", 8, true)]
    {
        let before = crashed.crash(Crash::Kept);
        crashed.corrupt(Path::new(file), position).unwrap();
        let error = Log::open(Arc::clone(&shared), small_config(), &mut |_| {}).unwrap_err();
        match error {
            LogError::NewerFormat { .. } => assert!(newer, "{error}"),
            LogError::Corrupt { .. } => assert!(!newer || file == "meta.properties", "{error}"),
            other => panic!("{other}"),
        }
        crashed.corrupt(Path::new(file), position).unwrap();
        drop(before);
    }
    open(&shared, &small_config());
}

#[test]
fn a_directory_that_no_record_knows_is_left_alone() {
    let disk = SimDisk::new(1);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    open(&shared, &small_config());
    let stray = id(9, 9).dir_name();
    disk.create_dir(Path::new(&stray)).unwrap();
    let path = Path::new(&stray).join("00000000000000000000.log");
    disk.open(&path, OpenMode::Create).unwrap().set_len(99).unwrap();
    let (mut log, recovery) = open(&shared, &small_config());
    assert_eq!(recovery.stray_dirs, std::slice::from_ref(&stray));
    // If the partition is created after all, the old directory is moved aside.
    commit_one(&mut log, Op::Create { id: id(9, 9), config: small_topic() });
    commit_one(&mut log, append(id(9, 9), batch(1, 1, 1, 1), 0, 1));
    assert_eq!(read_all(&log, id(9, 9)).len(), 1);
    let names = disk.read_dir(Path::new("")).unwrap();
    assert!(names.iter().any(|entry| entry.name.starts_with(&stray) && entry.name.ends_with(".stray")));
}

#[test]
fn old_bytes_behind_a_new_record_are_never_taken_for_one() {
    let disk = SimDisk::new(1);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (mut log, _) = open(&shared, &small_config());
    for fill in [b'a', b'b'] {
        log.stage(Op::Metadata(Bytes::from(vec![fill; 1000]))).unwrap();
    }
    log.commit().unwrap();
    // A power cut tears the group: its first record is lost, its second one is whole, with the next LSN but one.
    let torn = disk.crash(Crash::Kept);
    torn.corrupt(Path::new("wal/00000001.wal"), 4096 + 100).unwrap();
    let shared: Arc<dyn Disk> = Arc::new(torn.clone());
    let (mut log, recovery) = open(&shared, &small_config());
    assert_eq!((recovery.metadata_records.len(), recovery.damage.len()), (0, 0));
    // The file is used again, and the new record ends exactly where the old one begins.
    log.stage(Op::Metadata(Bytes::from(vec![b'c'; 1000]))).unwrap();
    log.commit().unwrap();
    let shared: Arc<dyn Disk> = Arc::new(torn.crash(Crash::Kept));
    let (_, recovery) = open(&shared, &small_config());
    assert_eq!(recovery.metadata_records, [Bytes::from(vec![b'c'; 1000])]);
    assert_eq!(recovery.damage, []);
}

#[test]
fn an_extent_that_is_not_what_was_synced_takes_its_partition_offline() {
    // Base offset, length, leader epoch, CRC and body of the second batch; then a file that is too short.
    for damage in [Some(3), Some(10), Some(14), Some(18), Some(300), None] {
        let disk = SimDisk::new(5);
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let config = LogConfig { bulk_bytes: 500, ..small_config() };
        let (mut log, _) = open(&shared, &config);
        for partition in 0..2 {
            commit_one(&mut log, Op::Create { id: id(1, partition), config: small_topic() });
        }
        for round in 0..4u8 {
            for partition in 0..2 {
                commit_one(&mut log, append(id(1, partition), batch(1, 600, round, 1), 0, 1));
            }
        }
        drop(log);
        let mut kinds = Vec::new();
        dump::wal(&disk, false, &mut |entry| kinds.push(entry.kind)).unwrap();
        assert_eq!(kinds, [vec!["Create"; 2], vec!["Extent"; 8]].concat());
        let report = dump::verify(&shared).unwrap();
        assert_eq!((report.extents, report.damage), (8, vec![]));

        let path = format!("{}/{:020}.log", id(1, 0).dir_name(), 0);
        let second = u64::try_from(batch(1, 600, 0, 1).total_len()).unwrap();
        match damage {
            Some(position) => disk.corrupt(Path::new(&path), second + position).unwrap(),
            None => disk.open(Path::new(&path), OpenMode::Existing).unwrap().set_len(second + 70).unwrap(),
        }
        assert!(!dump::verify(&shared).unwrap().damage.is_empty(), "{damage:?}");
        let (log, recovery) = reopen(&disk);
        assert_eq!(recovery.damage.len(), 1, "{damage:?}: {:?}", recovery.damage);
        assert_eq!((recovery.damage[0].file.as_str(), recovery.damage[0].position), (path.as_str(), second));
        let offline: Vec<_> = recovery.partitions.iter().map(|found| found.offline.is_some()).collect();
        assert_eq!(offline, [true, false], "{damage:?}");
        assert_eq!(read_all(&log, id(1, 1)).len(), 4);
    }
}
