//! On a real file system: restart, lock, threads that read, and how the commit path compares with bare writes.
#![cfg(not(any(loom, shuttle)))]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "real threads on a real clock are the test"
)]

mod common;

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use chronik_kafka::record_batch::BatchBuilder;
use chronik_log::disk::{OpenMode, RealDisk};
use chronik_log::{Disk, Log, LogConfig, LogError, Op, ReadError, ReadMode, TopicLogConfig};
use common::keyed::{CODECS, MAP_BYTES, checkpoint, compact, compacted_topic, keyed_batch, read_keyed};
use common::{append, batch, commit_one, id, open, read_all, read_batch, small_config, small_topic};

fn disk(dir: &tempfile::TempDir) -> Arc<dyn Disk> {
    Arc::new(RealDisk::open(dir.path()).unwrap())
}

#[test]
fn a_restart_finds_everything() {
    let dir = tempfile::tempdir().unwrap();
    for restart in 0..4i64 {
        let (mut log, recovery) = open(&disk(&dir), &small_config());
        assert_eq!(recovery.damage, []);
        assert_eq!(recovery.clean, restart % 2 == 0);
        if restart == 0 {
            commit_one(&mut log, Op::Create { id: id(1, 0), config: small_topic() });
        }
        assert_eq!(log.log_end_offset(id(1, 0)), Some(restart * 60));
        for round in 0..30u8 {
            commit_one(&mut log, append(id(1, 0), batch(2, 200, round, 1000), 0, 1000));
        }
        assert_eq!(i64::try_from(read_all(&log, id(1, 0)).len()).unwrap(), (restart + 1) * 30);
        if restart % 2 == 1 {
            log.close().unwrap();
        }
    }
    let report = chronik_log::dump::verify(&disk(&dir)).unwrap();
    assert_eq!((report.batches, report.damage), (120, vec![]));
}

#[test]
fn a_second_process_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(&disk(&dir), &small_config());
    let error = Log::open(disk(&dir), small_config(), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, LogError::Locked(text) if text.contains("stop that process")), "{error}");
    drop(log);
    open(&disk(&dir), &small_config());
}

#[test]
fn a_region_is_the_front_of_what_a_read_returns() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(&disk(&dir), &LogConfig::default());
    commit_one(&mut log, Op::Create { id: id(1, 0), config: Arc::default() });
    for (round, bytes) in
        [70_000, 100, 300_000, 64 << 10, 2_000, 900_000, 70_000, 70_000].into_iter().enumerate()
    {
        commit_one(
            &mut log,
            append(id(1, 0), batch(2, bytes / 2, u8::try_from(round).unwrap(), 1000), 0, 1000),
        );
    }
    let view = log.view(id(1, 0)).unwrap();
    let (mut found, mut whole) = (0, 0);
    for offset in 0..17 {
        for up_to in 0..17 {
            for max_bytes in [0, 1, 65_000, 140_200, 400_000, 10 << 20] {
                let read = view.read(offset, max_bytes, up_to, ReadMode::Blocking).unwrap();
                let Some(region) = view.find_region(offset, max_bytes, up_to).unwrap() else { continue };
                let mut bytes = vec![0; region.len];
                assert_eq!(region.file.read_at(&mut bytes, region.position).unwrap(), region.len);
                assert!(!bytes.is_empty() && read.starts_with(&bytes), "{offset} {up_to} {max_bytes}");
                found += 1;
                whole += usize::from(read.len() == bytes.len());
            }
        }
    }
    assert!(found > 300 && whole == found, "{found} regions, {whole} of them whole");
}

#[test]
fn room_set_aside_for_bulk_is_given_back_when_its_segment_is_full() {
    const SEGMENT: u64 = 8 << 20;
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(&disk(&dir), &LogConfig::default());
    let config = Arc::new(TopicLogConfig { segment_bytes: SEGMENT, ..TopicLogConfig::default() });
    commit_one(&mut log, Op::Create { id: id(1, 0), config });
    for round in 0..13u8 {
        commit_one(&mut log, append(id(1, 0), batch(2, 500_000, round, 1000), 0, 1000));
    }
    let logs = std::fs::read_dir(dir.path().join(id(1, 0).dir_name())).unwrap();
    let mut logs: Vec<_> = logs.map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.sort_unstable();
    // Blocks of 512 bytes that are beyond what the file's length needs, in bytes.
    let beyond = |path: &std::path::PathBuf| {
        let metadata = std::fs::metadata(path).unwrap();
        (metadata.blocks() * 512).saturating_sub(metadata.len().next_multiple_of(64 << 10))
    };
    let [full, active] = &logs[..] else { panic!("{logs:?}") };
    assert_eq!(beyond(full), 0, "8 of 13 MB are in the first segment");
    assert!(beyond(active) > 1 << 20, "there is room behind the second, if the file system can do that");
    assert_eq!(read_all(&log, id(1, 0)).len(), 13);
}

#[test]
fn readers_on_other_threads_see_a_dense_log() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(&disk(&dir), &small_config());
    commit_one(&mut log, Op::Create { id: id(1, 0), config: small_topic() });
    let high_watermark = AtomicI64::new(0);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let high_watermark = &high_watermark;
        scope.spawn(move || {
            let mut view: Arc<chronik_log::LogView> = receiver.recv().unwrap();
            let mut offset = 0;
            while offset < 1500 {
                let up_to = high_watermark.load(Ordering::Acquire);
                while let Ok(newer) = receiver.try_recv() {
                    view = newer;
                }
                let mut bytes = view.read(offset, 5000, up_to, ReadMode::Inline).unwrap();
                while !bytes.is_empty() {
                    let batch = read_batch(&mut bytes);
                    assert_eq!(batch.header.base_offset, offset);
                    offset = batch.header.next_offset();
                }
            }
        });
        sender.send(log.view(id(1, 0)).unwrap()).unwrap();
        for round in 0..500usize {
            log.stage(append(id(1, 0), batch(3, 30 + round % 90, 1, 1), 0, 1)).unwrap();
            let committed = log.commit().unwrap();
            if let Some(view) = &committed.touched[0].view {
                sender.send(Arc::clone(view)).unwrap();
            }
            high_watermark.store(committed.touched[0].log_end_offset, Ordering::Release);
        }
    });
}

/// Views old and new, on few open files, while segments are replaced under them.
#[test]
fn readers_on_other_threads_go_on_while_segments_are_swapped() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(&disk(&dir), &small_config());
    let partition = id(1, 0);
    commit_one(&mut log, Op::Create { id: partition, config: compacted_topic(600) });
    let produce = |log: &mut Log, offset: i64| {
        let record = ((offset % 5).to_be_bytes().to_vec(), Some(offset.to_be_bytes().repeat(10)));
        let batch = keyed_batch(BatchBuilder::new(), CODECS[0], 1, &[record]);
        commit_one(log, append(partition, batch, 0, 1));
    };
    produce(&mut log, 0);
    let mut swapped_bytes = 0;
    std::thread::scope(|scope| {
        let mut readers = Vec::new();
        for _ in 0..2 {
            let (sender, receiver) = std::sync::mpsc::channel();
            scope.spawn(move || read_what_is_shown(&receiver));
            readers.push(sender);
        }
        for offset in 1..800 {
            produce(&mut log, offset);
            if offset % 40 == 0 {
                checkpoint(&mut log);
                let stats = compact(&mut log, 1, MAP_BYTES).unwrap();
                swapped_bytes += stats.bytes_before;
            }
            readers.retain(|reader| reader.send((log.view(partition).unwrap(), offset + 1)).is_ok());
            assert_eq!(readers.len(), 2, "a reader has failed");
        }
        drop(readers);
    });
    assert!(swapped_bytes > 50_000, "{swapped_bytes}");
    assert!(read_keyed(&log, partition).len() < 60);
}

/// A view, and where the log ends.
type Shown = (Arc<chronik_log::LogView>, i64);

/// Reads the newest view over and over, until the sender is gone.
fn read_what_is_shown(receiver: &Receiver<Shown>) {
    let mut newest = receiver.recv().expect("the first view");
    loop {
        match read_once(&newest) {
            Ok(()) => {}
            // Files that this view has not opened yet are gone: there is a newer one, or will be.
            Err(ReadError::Stale) => match receiver.recv() {
                Ok(shown) => newest = shown,
                Err(_) => return,
            },
            Err(error) => panic!("{error}"),
        }
        match receiver.try_recv() {
            Ok(shown) => newest = receiver.try_iter().last().unwrap_or(shown),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return,
        }
    }
}

fn read_once((view, log_end): &Shown) -> Result<(), ReadError> {
    let mut offset = 0;
    while offset < *log_end {
        let mut bytes = view.read(offset, 300, *log_end, ReadMode::Blocking)?;
        assert!(!bytes.is_empty(), "nothing at {offset} of {log_end}");
        while !bytes.is_empty() {
            let batch = read_batch(&mut bytes);
            let record = batch.records().unwrap().next().unwrap().unwrap();
            let expected = batch.header.base_offset.to_be_bytes().repeat(10);
            assert_eq!(record.value, Some(&expected[..]));
            assert!(batch.header.last_offset() >= offset);
            offset = batch.header.next_offset();
        }
    }
    Ok(())
}

/// `cargo test --release -p chronik-log --test real_disk -- --ignored --nocapture`; `CHRONIK_BENCH_DIR` says where.
#[test]
#[ignore = "a measurement"]
fn one_mebibyte_appends_against_bare_writes() {
    const COUNT: usize = 256;
    const MIB: usize = 1 << 20;
    let dir = match std::env::var("CHRONIK_BENCH_DIR") {
        Ok(parent) => tempfile::tempdir_in(parent).unwrap(),
        Err(_) => tempfile::tempdir().unwrap(),
    };
    let disk = disk(&dir);
    let topic = Arc::new(TopicLogConfig { max_message_bytes: 2 * MIB, ..TopicLogConfig::default() });
    let config =
        LogConfig { topic_defaults: Arc::clone(&topic), spare_wal_segments: 8, ..LogConfig::default() };
    let (mut log, _) = open(&disk, &config);
    for partition in 0..16 {
        commit_one(&mut log, Op::Create { id: id(1, partition), config: Arc::clone(&topic) });
    }
    let large = batch(1, MIB - 100, 7, 1000);
    let small = batch(10, 100, 7, 1000);
    let prepare = |log: &mut Log| {
        while let Some(job) = log.wal_prepare_job() {
            log.finish_wal_prepare(job.run());
        }
    };
    let bare = disk.open("bare".as_ref(), OpenMode::Create).unwrap();
    let zeros = vec![0u8; MIB];
    for index in 0..64u64 {
        bare.write_all_at(&mut [std::io::IoSlice::new(&zeros)], index << 20).unwrap();
    }
    bare.sync_data().unwrap();
    let write_bare = |index: u64, bytes: usize| {
        let begin = Instant::now();
        bare.write_all_at(&mut [std::io::IoSlice::new(&large.body[..bytes])], (index % 63) << 20).unwrap();
        bare.sync_data().unwrap();
        begin.elapsed()
    };
    // Taken in turns, so that whatever else the machine does meets both.
    let group_bytes = 256 * small.total_len();
    let mut times: [Vec<Duration>; 5] = Default::default();
    for index in 0..COUNT as u64 {
        prepare(&mut log);
        let begin = Instant::now();
        log.stage(append(id(1, 0), large.clone(), 0, 1000)).unwrap();
        log.commit().unwrap();
        times[0].push(begin.elapsed());
        times[1].push(write_bare(index, MIB - 200));
        prepare(&mut log);
        let begin = Instant::now();
        for partition in 0..256 {
            log.stage(append(id(1, partition % 16), small.clone(), 0, 1000)).unwrap();
        }
        times[2].push(begin.elapsed());
        let begin = Instant::now();
        log.commit().unwrap();
        times[3].push(begin.elapsed());
        times[4].push(write_bare(index, group_bytes));
    }
    let [large_commit, large_bare, small_stage, small_commit, small_bare] = times;
    report("1 MiB append, staged and committed", MIB, large_commit);
    report("bare 1 MiB write + fdatasync, zeroed file", MIB, large_bare);
    report("staging 256 small appends to 16 partitions", group_bytes, small_stage);
    report("committing them", group_bytes, small_commit);
    report("bare write + fdatasync of as many bytes", group_bytes, small_bare);

    let begin = Instant::now();
    let (view, mut offset, mut bytes) = (log.view(id(1, 0)).unwrap(), 0, 0);
    let end = log.log_end_offset(id(1, 0)).unwrap();
    while offset < end {
        let mut read = view.read(offset, MIB, end, ReadMode::Inline).unwrap();
        bytes += read.len();
        while !read.is_empty() {
            offset = chronik_kafka::record_batch::RecordBatch::read(&mut read).unwrap().header.next_offset();
        }
    }
    report("reading it back", bytes, vec![begin.elapsed()]);
}

/// Groups of five: what a producer with five requests in flight makes. Straight, through the WAL, and bare writes, in
/// turns.
#[test]
#[ignore = "a measurement"]
fn groups_of_five_mebibytes_straight_through_the_wal_and_bare() {
    const MIB: usize = 1 << 20;
    let parent =
        std::env::var("CHRONIK_BENCH_DIR").unwrap_or_else(|_| std::env::temp_dir().display().to_string());
    let dirs: [_; 3] = std::array::from_fn(|_| tempfile::tempdir_in(&parent).unwrap());
    let topic = Arc::new(TopicLogConfig { max_message_bytes: 2 * MIB, ..TopicLogConfig::default() });
    let mut logs = [LogConfig::default().bulk_bytes, u64::MAX].map(|bulk_bytes| {
        let config = LogConfig { topic_defaults: Arc::clone(&topic), bulk_bytes, ..LogConfig::default() };
        let mut log = open(&disk(&dirs[usize::from(bulk_bytes == u64::MAX)]), &config).0;
        commit_one(&mut log, Op::Create { id: id(1, 0), config: Arc::clone(&topic) });
        log
    });
    let large = batch(1, MIB - 100, 7, 1000);
    let bare = disk(&dirs[2]).open("bare".as_ref(), OpenMode::Create).unwrap();
    let write_bare = |index: u64| {
        let body = &large.body[..];
        let mut slices = [body; 5].map(std::io::IoSlice::new);
        bare.write_all_at(&mut slices, (index % 12) * (5 << 20)).unwrap();
        bare.sync_data().unwrap();
    };
    (0..12).for_each(write_bare);
    let mut times: [Vec<Duration>; 3] = Default::default();
    let mut wholes = [Duration::ZERO; 2];
    for index in 0..96u64 {
        for ((log, times), whole) in logs.iter_mut().zip(&mut times).zip(&mut wholes) {
            let whole_begin = Instant::now();
            if index % 24 == 0 {
                let job = log.begin_checkpoint().unwrap();
                log.finish_checkpoint(job.run()).unwrap();
            }
            while let Some(job) = log.wal_prepare_job() {
                log.finish_wal_prepare(job.run());
            }
            let begin = Instant::now();
            for _ in 0..5 {
                log.stage(append(id(1, 0), large.clone(), 0, 1000)).unwrap();
            }
            log.commit().unwrap();
            times.push(begin.elapsed());
            *whole += whole_begin.elapsed();
        }
        let begin = Instant::now();
        write_bare(index);
        times[2].push(begin.elapsed());
    }
    let [straight, through_wal, bare] = times;
    report("5 x 1 MiB, straight", 5 * MIB, straight);
    for (what, whole) in ["straight", "through the WAL"].into_iter().zip(wholes) {
        let what = format!("mean, with checkpoints and WAL segments made ready, {what}");
        report(&what, 5 * MIB, vec![whole / 96]);
    }
    report("5 x 1 MiB, through the WAL", 5 * MIB, through_wal);
    report("bare 5 MiB write + fdatasync, recycled file", 5 * MIB, bare);
}

/// The median.
fn report(what: &str, bytes: usize, mut times: Vec<Duration>) {
    times.sort_unstable();
    let median = times[times.len() / 2];
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let mb = bytes as f64 / 1e6 / median.as_secs_f64();
    println!("{what}: {mb:.0} MB/s, {} us", median.as_micros());
}
