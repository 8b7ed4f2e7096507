//! Carries a script out, and says what state a log is in.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use chronik_kafka::record_batch::RecordBatch;
use chronik_log::{
    BulkDone, BulkJob, CheckpointDone, CheckpointJob, Committed, FlushPolicy, Log, LogConfig, Op, Outcome,
    PartitionId, Recovery,
};

use crate::common::{read_all, small_config};
use crate::script::{Item, topic};

/// A partition as readers see it: start, end, batches by (base offset, CRC of the whole batch).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PartitionState {
    log_start: i64,
    log_end: i64,
    batches: Vec<(i64, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct State {
    partitions: BTreeMap<PartitionId, PartitionState>,
    metadata: Metadata,
}

/// The metadata as it must be handed back: the last snapshot, and the records after it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Metadata {
    snapshot: Option<Bytes>,
    records: Vec<Bytes>,
}

/// How bulk is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bulk {
    /// With its group, before the next one is staged.
    InTurn,
    /// As jobs, several at a time, run in the order in which they began.
    Jobs,
    /// As jobs, the last one first: a group may be in the WAL while the one before it is not.
    JobsBackwards,
}

/// Bulk jobs at a time.
const JOBS: usize = 3;

/// Runs the script until the disk fails.
pub(crate) struct Run {
    pub(crate) log: Log,
    bulk: Bulk,
    /// Operations acknowledged, and staged.
    pub(crate) acked: usize,
    pub(crate) staged: usize,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) metadata: Metadata,
    job: Option<CheckpointJob>,
    done: Option<CheckpointDone>,
    in_group: Vec<Op>,
    /// Each with the operations that are acknowledged by it and those before.
    bulk_jobs: VecDeque<(BulkJob, usize)>,
    /// How many jobs there were in all.
    pub(crate) bulk_jobs_begun: usize,
}

impl Run {
    pub(crate) fn new(log: Log, bulk: Bulk, metadata: Metadata, acked: usize) -> Self {
        Self {
            log,
            bulk,
            acked,
            staged: acked,
            outcomes: Vec::new(),
            metadata,
            job: None,
            done: None,
            in_group: Vec::new(),
            bulk_jobs: VecDeque::new(),
            bulk_jobs_begun: 0,
        }
    }

    /// Commits what is left of a script. `false` if the disk failed.
    pub(crate) fn end(&mut self) -> bool {
        self.item(&Item::Commit) && self.land()
    }

    /// `false` if the disk failed.
    pub(crate) fn item(&mut self, item: &Item) -> bool {
        if !matches!(item, Item::Op(_) | Item::Commit) && !self.land() {
            return false;
        }
        match item {
            Item::Op(op) => {
                // The truncation reads the segment while it is staged.
                if self.log.stage(op.clone()).is_err() {
                    return false;
                }
                self.staged += 1;
                self.in_group.push(op.clone());
            }
            Item::Commit => {
                let job = if self.bulk == Bulk::InTurn { Ok(None) } else { self.log.begin_bulk() };
                match job {
                    Ok(Some(job)) => {
                        self.bulk_jobs.push_back((job, self.staged));
                        self.bulk_jobs_begun += 1;
                        self.in_group.clear();
                        return self.bulk_jobs.len() < JOBS || self.land();
                    }
                    Ok(None) if self.land() => {}
                    _ => return false,
                }
                let Ok(committed) = self.log.commit() else { return false };
                self.acknowledge(committed, self.staged);
            }
            Item::CheckpointBegin => self.job = self.log.begin_checkpoint(),
            Item::CheckpointRun => self.done = self.job.take().map(CheckpointJob::run),
            Item::CheckpointFinish => {
                if let Some(done) = self.done.take() {
                    return self.log.finish_checkpoint(done).is_ok();
                }
            }
            Item::PrepareWal => {
                if let Some(job) = self.log.wal_prepare_job() {
                    self.log.finish_wal_prepare(job.run());
                }
            }
            Item::Garbage => {
                if let Some(job) = self.log.garbage_job() {
                    job.run();
                }
            }
            Item::HighWatermarks => {
                for id in self.log.partitions().collect::<Vec<_>>() {
                    let log_end = self.log.log_end_offset(id).expect("it is there");
                    self.log.set_high_watermark(id, log_end);
                }
            }
        }
        true
    }
}

impl Run {
    fn acknowledge(&mut self, committed: Committed, staged: usize) {
        self.outcomes.extend(committed.outcomes.into_iter().map(|outcome| outcome.expect("accepted")));
        self.acked = staged;
        for op in self.in_group.drain(..) {
            self.metadata.apply(op);
        }
    }

    /// Runs the bulk jobs and finishes them. `false` if the disk failed.
    fn land(&mut self) -> bool {
        let (jobs, staged): (Vec<BulkJob>, Vec<usize>) = self.bulk_jobs.drain(..).unzip();
        let done: Vec<BulkDone> = match self.bulk {
            Bulk::JobsBackwards => {
                let mut done: Vec<BulkDone> = jobs.into_iter().rev().map(BulkJob::run).collect();
                done.reverse();
                done
            }
            _ => jobs.into_iter().map(BulkJob::run).collect(),
        };
        for (done, staged) in done.into_iter().zip(staged) {
            let Ok(committed) = self.log.finish_bulk(done) else { return false };
            let in_group = std::mem::take(&mut self.in_group); // of the group that is staged now
            self.acknowledge(committed, staged);
            self.in_group = in_group;
        }
        true
    }
}

impl Metadata {
    fn apply(&mut self, op: Op) {
        match op {
            Op::Metadata(record) => self.records.push(record),
            Op::MetadataSnapshot(snapshot) => *self = Self { snapshot: Some(snapshot), records: Vec::new() },
            _ => {}
        }
    }

    pub(crate) fn recovered(recovery: &Recovery) -> Self {
        let Recovery { metadata_snapshot, metadata_records, .. } = recovery;
        Self { snapshot: metadata_snapshot.clone(), records: metadata_records.clone() }
    }
}

pub(crate) fn observe(log: &Log, metadata: &Metadata) -> State {
    let partition = |id| {
        let batches = read_all(log, id);
        let crc = |batch: &RecordBatch| (batch.header.base_offset, crc32c(&batch.to_bytes()));
        let (log_start, log_end) = (log.log_start_offset(id).unwrap(), log.log_end_offset(id).unwrap());
        (id, PartitionState { log_start, log_end, batches: batches.iter().map(crc).collect() })
    };
    State { partitions: log.partitions().map(partition).collect(), metadata: metadata.clone() }
}

/// Only to tell contents apart.
fn crc32c(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

pub(crate) fn config(bulk_bytes: u64) -> LogConfig {
    LogConfig {
        first_wal_segment_bytes: 8 << 10,
        wal_segment_bytes: 8 << 10,
        flush: FlushPolicy::Commit,
        bulk_bytes,
        topic_defaults: topic(),
        ..small_config()
    }
}
