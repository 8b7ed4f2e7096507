//! A process that produces and compacts, killed again and again at any step: no acknowledged value is lost, and its memory stays
//! bounded, however much it compacts.
//!
//! `CHRONIK_COMPACT_BYTES=2147483648` with `CHRONIK_COMPACT_KEYS=1000000` and `CHRONIK_COMPACT_KILLS=20` is the long run.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a real process on a real clock is the test")]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use chronik_kafka::record_batch::{BatchBuilder, Records};
use chronik_log::disk::RealDisk;
use chronik_log::{CompactionJob, Disk, Log, LogConfig, Op, PartitionId, ReadMode, TopicLogConfig};
use common::keyed::{
    CODECS, checkpoint, compact, compacted_topic, compaction_step, keyed_batch, raise_high_watermarks,
};
use common::{append, commit_one, id, open};

/// Bytes of a value, about.
const VALUE_BYTES: usize = 1000;
/// Records of a batch: with their values, it goes straight to its segment.
const BATCH_RECORDS: i64 = 600;
/// Resident memory that the process may come to, whatever there is to compact.
const MAX_RESIDENT_BYTES: u64 = 128 << 20;
/// Bytes of offset map: enough for a million keys.
const MAP_BYTES: usize = 32 << 20;

fn number(name: &str, otherwise: i64) -> i64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

fn total_bytes() -> i64 {
    number("CHRONIK_COMPACT_BYTES", 12 << 20)
}

fn total_records() -> i64 {
    total_bytes() / VALUE_BYTES as i64
}

fn keys() -> i64 {
    number("CHRONIK_COMPACT_KEYS", 3_000)
}

fn kills() -> i64 {
    number("CHRONIK_COMPACT_KILLS", 4)
}

fn partition() -> PartitionId {
    id(1, 0)
}

fn mix(seed: i64) -> u64 {
    let mut z = seed.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What is produced at an offset follows from it.
fn key_at(offset: i64) -> i64 {
    (mix(offset) % keys().cast_unsigned()).cast_signed()
}

fn value_at(offset: i64) -> Option<Vec<u8>> {
    let random = mix(!offset);
    (!random.is_multiple_of(16)).then(|| {
        let mut value = offset.to_le_bytes().to_vec();
        // Half of it does not compress.
        value.extend((0..VALUE_BYTES as i64 / 16).flat_map(|at| mix(offset ^ (at << 40)).to_le_bytes()));
        value.resize(VALUE_BYTES, 7);
        value
    })
}

fn topic() -> Arc<TopicLogConfig> {
    let segment_bytes = (total_bytes() / 24).clamp(1 << 20, 128 << 20).cast_unsigned();
    // Tombstones go at once, so that there is something to get wrong.
    Arc::new(TopicLogConfig { delete_retention_ms: 0, ..(*compacted_topic(segment_bytes)).clone() })
}

fn config() -> LogConfig {
    LogConfig {
        first_wal_segment_bytes: 1 << 20,
        wal_segment_bytes: 4 << 20,
        topic_defaults: topic(),
        ..LogConfig::default()
    }
}

fn produce(log: &mut Log) -> i64 {
    let from = log.log_end_offset(partition()).unwrap();
    let record = |offset: i64| (key_at(offset).to_be_bytes().to_vec(), value_at(offset));
    let records: Vec<_> = (from..from + BATCH_RECORDS).map(record).collect();
    let codec = CODECS[usize::try_from(from / BATCH_RECORDS).unwrap() % CODECS.len()];
    commit_one(log, append(partition(), keyed_batch(BatchBuilder::new(), codec, 1000, &records), 0, 1000));
    from + BATCH_RECORDS
}

fn say(what: &str, value: i64) {
    println!("{what} {value}");
    std::io::stdout().flush().unwrap();
}

/// The process's highest resident memory so far, in bytes.
fn peak_resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() << 10
}

/// Not a test by itself: what the parent starts and kills.
#[test]
fn child() {
    let Ok(dir) = std::env::var("CHRONIK_COMPACT_CHILD") else { return };
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir).unwrap());
    let (mut log, recovery) = open(&disk, &config());
    assert_eq!(recovery.damage, []);
    if log.log_end_offset(partition()).is_none() {
        commit_one(&mut log, Op::Create { id: partition(), config: topic() });
    }
    log.set_config(partition(), topic());
    say("opened", log.log_end_offset(partition()).unwrap());
    let mut job: Option<CompactionJob> = None;
    let goal = number("CHRONIK_COMPACT_GOAL", 0);
    let compacts_meanwhile = goal < total_records();
    let mut produced = 0;
    while log.log_end_offset(partition()).unwrap() < goal {
        say("acked", produce(&mut log));
        produced += 1;
        if produced % 16 == 0 {
            checkpoint(&mut log);
            say("checkpoint", 0);
        }
        raise_high_watermarks(&mut log);
        if compacts_meanwhile
            && let Some(mut running) = job.take().or_else(|| log.begin_compaction(2000, MAP_BYTES))
        {
            match compaction_step(&mut log, &mut running) {
                None => {
                    say("peak_resident_bytes", peak_resident_bytes().cast_signed());
                    job = Some(running);
                }
                Some(result) => {
                    log.finish_compaction(partition(), &result);
                    say("compacted", result.unwrap().end_offset);
                }
            }
        }
    }
    drop(job);
    log.close().unwrap();
    let (mut log, _) = open(&disk, &config());
    log.set_config(partition(), topic());
    let started = Instant::now();
    let stats = compact(&mut log, 3000, MAP_BYTES);
    say("took_ms", i64::try_from(started.elapsed().as_millis()).unwrap());
    say("read", stats.map_or(0, |stats| stats.bytes_before.cast_signed()));
    say("kept", stats.map_or(0, |stats| stats.bytes_after.cast_signed()));
    say("keys", stats.map_or(0, |stats| stats.keys.cast_signed()));
    say("peak_resident_bytes", peak_resident_bytes().cast_signed());
    log.close().unwrap();
}

/// Runs a child, which produces up to `goal`, until it has said so many lines, or to its end. Returns the last number of each word.
fn run_child(dir: &Path, goal: i64, lines: Option<u64>) -> BTreeMap<String, i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("CHRONIK_COMPACT_CHILD", dir)
        .env("CHRONIK_COMPACT_GOAL", goal.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BTreeMap::new();
    let mut left = lines.unwrap_or(u64::MAX);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((word, value)) = line.rsplit_once(' ')
            && let Ok(value) = value.parse()
        {
            // The harness of the child may have begun the line.
            let word = word.rsplit(' ').next().unwrap_or(word);
            said.insert(word.to_owned(), value);
            left -= 1;
        }
        if left == 0 {
            child.kill().unwrap();
            break;
        }
    }
    let status = child.wait().unwrap();
    assert!(status.success() || left == 0, "the child failed by itself: {said:?}");
    said
}

/// Every key that has a value has its last one, at the offset where it was produced; keys that were deleted have none.
fn check(dir: &Path, acked: i64) -> usize {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir).unwrap());
    let (log, recovery) = open(&disk, &config());
    assert_eq!(recovery.damage, []);
    let log_end = log.log_end_offset(partition()).unwrap();
    assert!(log_end >= acked, "acknowledged up to {acked}, the log ends at {log_end}");
    let mut expected = vec![None; usize::try_from(keys()).unwrap()];
    for offset in 0..log_end {
        let slot = &mut expected[usize::try_from(key_at(offset)).unwrap()];
        *slot = value_at(offset).map(|_| offset);
    }
    let mut found = vec![None; expected.len()];
    let (view, mut offset, mut records) = (log.view(partition()).unwrap(), 0, 0);
    while offset < log_end {
        let mut bytes = view.read(offset, 1 << 20, log_end, ReadMode::Blocking).unwrap();
        assert!(!bytes.is_empty(), "nothing at {offset} of {log_end}");
        while !bytes.is_empty() {
            let batch = common::read_batch(&mut bytes);
            let plain = batch.plain_body(16 << 20).unwrap();
            for record in Records::new(&plain, batch.header.record_count) {
                let record = record.unwrap();
                let at = batch.header.base_offset + i64::from(record.offset_delta);
                assert_eq!(record.key.unwrap(), key_at(at).to_be_bytes());
                assert_eq!(record.value.map(<[u8]>::to_vec), value_at(at), "the value at {at}");
                found[usize::try_from(key_at(at)).unwrap()] = record.value.map(|_| at);
                records += 1;
            }
            offset = batch.header.next_offset();
        }
    }
    assert!(found == expected, "some key has another value than the last one");
    records
}

#[test]
fn what_was_acknowledged_outlives_any_kill_and_memory_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    // The last quarter is for the last run, which compacts it in one go: that is measured.
    let goal = total_records() / 4 * 3;
    // About two lines for each batch.
    let per_run = (2 * goal / BATCH_RECORDS / (kills() + 1)).max(4).cast_unsigned();
    let (mut acked, mut peak) = (0, 0);
    let mut note = |said: &BTreeMap<String, i64>| {
        let value = |word: &str| said.get(word).copied().unwrap_or(0);
        acked = acked.max(value("acked"));
        peak = peak.max(value("peak_resident_bytes"));
        acked
    };
    for kill in 0..kills() {
        let lines = 2 + mix(kill) % (2 * per_run - 2);
        let acked = note(&run_child(dir.path(), goal, Some(lines)));
        if total_bytes() < 1 << 28 {
            check(dir.path(), acked);
        }
    }
    let said = run_child(dir.path(), total_records(), None);
    let records = check(dir.path(), note(&said));
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir.path()).unwrap());
    let report = chronik_log::dump::verify(&disk).unwrap();
    assert_eq!(report.damage, []);
    assert!(said["read"] > 0 && said["kept"] < said["read"], "{said:?}");
    println!(
        "{} kills; {records} records left in {} bytes; at most {peak} bytes resident; the last compaction: {} bytes read, \
         {} kept, {} keys in {} ms",
        kills(),
        report.bytes,
        said["read"],
        said["kept"],
        said["keys"],
        said["took_ms"]
    );
    assert!(peak.cast_unsigned() < MAX_RESIDENT_BYTES, "{peak} bytes resident");
}
