//! The second pass: live Appends are written back where they belong, live Extents must be there.

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::{BatchHeader, RecordBatch, TimestampType};
use rustc_hash::FxHashMap;

use super::plan::Plan;
use super::{Damage, Recovery, extent};
use crate::apply::{self, Behind};
use crate::error::LogError;
use crate::files::FileCache;
use crate::partition::{Partition, StagedChange};
use crate::staged::{SegmentRun, StagedAppends};
use crate::types::{LogConfig, Lsn, PartitionId, Progress};
use crate::wal::file_path;
use crate::wal::record::WalRecord;
use crate::wal::scan::{Located, Visitor};

/// Bytes collected for a partition before they are written.
const FLUSH_BYTES: u64 = 8 << 20;

pub(super) struct Replay<'a> {
    files: &'a Arc<FileCache>,
    plans: &'a FxHashMap<PartitionId, Plan>,
    partitions: &'a mut FxHashMap<PartitionId, Partition>,
    config: &'a LogConfig,
    /// Without damage in the WAL, a gap can only be what an unsynced policy lost.
    wal_is_sound: bool,
    /// Partitions that ended at a gap, and why.
    ended: FxHashMap<PartitionId, Damage>,
    /// Extents that are not what was synced.
    lost: Vec<Damage>,
    unflushed: Vec<PartitionId>,
    done: u64,
    total: u64,
    progress: Option<&'a mut dyn FnMut(Progress)>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(
        files: &'a Arc<FileCache>,
        plans: &'a FxHashMap<PartitionId, Plan>,
        partitions: &'a mut FxHashMap<PartitionId, Partition>,
        config: &'a LogConfig,
        wal_is_sound: bool,
    ) -> Self {
        Self {
            files,
            plans,
            partitions,
            config,
            wal_is_sound,
            ended: FxHashMap::default(),
            lost: Vec::new(),
            unflushed: Vec::new(),
            done: 0,
            total: 0,
            progress: None,
        }
    }

    pub(super) fn expect(&mut self, appends: u64, progress: &'a mut dyn FnMut(Progress)) {
        self.total = appends;
        self.progress = Some(progress);
    }

    /// Takes partitions that ended at a gap offline, or reports that they were cut. Returns the appends replayed.
    pub(super) fn finish(mut self, recovery: &mut Recovery) -> Result<u64, LogError> {
        self.flush_all()?;
        recovery.damage.append(&mut self.lost);
        let mut ended: Vec<_> = self.ended.into_iter().collect();
        ended.sort_unstable_by_key(|(id, _)| *id);
        for (id, damage) in ended {
            if let Some(partition) = self.partitions.get_mut(&id).filter(|_| !self.wal_is_sound) {
                partition.offline.get_or_insert_with(|| damage.reason.clone());
            }
            recovery.damage.push(damage);
        }
        Ok(self.done)
    }

    fn flush_all(&mut self) -> Result<(), LogError> {
        for id in std::mem::take(&mut self.unflushed) {
            self.flush(id)?;
        }
        Ok(())
    }

    fn flush(&mut self, id: PartitionId) -> Result<(), LogError> {
        if let Some(partition) = self.partitions.get_mut(&id).filter(|partition| partition.staged.is_some()) {
            apply::write_runs(self.files, partition, Behind::Extents)
                .map_err(|error| LogError::io(format!("replaying partition {id}"), error))?;
            apply::install(partition);
        }
        Ok(())
    }
}

impl Replay<'_> {
    /// Stages a live append that follows what is there.
    fn replay(&mut self, at: (u64, u64), claim: &Claim<'_>, body: Option<&Bytes>) -> Result<(), LogError> {
        let id = claim.id;
        let stored = body.is_none();
        if self.partitions.get(&id).is_some_and(|partition| mixes(partition, stored)) {
            self.flush(id)?;
        }
        let Some(partition) = self.partitions.get_mut(&id).filter(|partition| partition.offline.is_none())
        else {
            return Ok(());
        };
        let rolls = match fits(partition, claim) {
            Ok(rolls) => rolls,
            Err(reason) => {
                let (file, position) = (file_path(at.0).display().to_string(), at.1);
                let reason = format!("{reason}: the partition ends before it");
                self.ended.insert(id, Damage { file, position, partition: Some(id), reason });
                return Ok(());
            }
        };
        if stored && let Err((position, reason)) = extent::verify(&*self.files.disk, claim) {
            // It was synced before it was claimed.
            let reason =
                format!("{reason}, though it was synced (LSN {}): partition taken offline", claim.lsn);
            let file = extent::path(claim);
            partition.offline = Some(reason.clone());
            self.lost.push(Damage { file, position, partition: Some(id), reason });
            return Ok(());
        }
        stage(partition, rolls, claim, body, self.config.index_interval_bytes);
        self.done += 1;
        self.unflushed.push(id);
        let staged_bytes = match partition.staged.as_deref() {
            Some(StagedChange::Appends(appends)) => appends.bytes,
            _ => 0,
        };
        if staged_bytes >= FLUSH_BYTES { self.flush(id) } else { Ok(()) }
    }
}

impl Visitor for Replay<'_> {
    fn record(&mut self, located: &Located<'_>) -> Result<(), LogError> {
        let (WalRecord::Append { id, generation, segment_base, position, now_ms, header }
        | WalRecord::Extent { id, generation, segment_base, position, now_ms, header }) = located.record
        else {
            return Ok(());
        };
        let lsn = located.frame.lsn;
        let live =
            self.plans.get(id).is_some_and(|plan| plan.is_live(lsn, *generation, *segment_base, header));
        if !live || self.ended.contains_key(id) {
            return Ok(());
        }
        let (segment_base, position, now_ms) = (*segment_base, u64::from(*position), *now_ms);
        let claim = Claim { id: *id, lsn, segment_base, position, now_ms, header };
        let body = matches!(located.record, WalRecord::Append { .. }).then_some(located.body);
        self.replay(located.at, &claim, body)
    }

    fn segment_done(&mut self, _bytes: u64) -> Result<(), LogError> {
        // Bodies borrow the segment's bytes: let go of them.
        self.flush_all()?;
        let (done, total) = (self.done, self.total);
        if let Some(progress) = &mut self.progress {
            progress(Progress::Replaying { done, total });
        }
        Ok(())
    }
}

/// What the WAL says of an append.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) id: PartitionId,
    pub(super) lsn: Lsn,
    pub(super) segment_base: i64,
    pub(super) position: u64,
    pub(super) now_ms: i64,
    pub(super) header: &'a BatchHeader,
}

/// Whether what is staged is of the other kind: to be written, or stored already.
fn mixes(partition: &Partition, stored: bool) -> bool {
    match partition.staged.as_deref() {
        Some(StagedChange::Appends(appends)) => appends.runs.iter().any(SegmentRun::has_batches) == stored,
        _ => false,
    }
}

/// Whether an append begins a segment, or why it does not follow.
fn fits(partition: &Partition, claim: &Claim<'_>) -> Result<bool, String> {
    let end = partition.staged_end();
    let (offset, epoch) = (claim.header.base_offset, claim.header.partition_leader_epoch);
    if offset != end.offset {
        return Err(format!("offset {offset} follows {}", end.offset));
    }
    let latest = match partition.staged.as_deref() {
        Some(StagedChange::Appends(appends)) => appends.epochs.last().map(|entry| entry.epoch),
        _ => None,
    };
    let latest = latest.unwrap_or_else(|| partition.epochs.latest());
    if epoch < latest {
        return Err(format!("leader epoch {epoch} follows {latest}"));
    }
    if (claim.segment_base, claim.position) == (end.segment_base, end.position) {
        return Ok(false);
    }
    if claim.position == 0 && claim.segment_base == offset && end.position > 0 {
        return Ok(true);
    }
    Err(format!("position {} of segment {} is not the end", claim.position, claim.segment_base))
}

fn stage(partition: &mut Partition, rolls: bool, claim: &Claim<'_>, body: Option<&Bytes>, interval: u64) {
    let latest_epoch = partition.epochs.latest();
    let (end, header) = (partition.end, claim.header);
    let committed = partition.producers.0.get(&header.producer_id);
    let change =
        partition.staged.get_or_insert_with(|| Box::new(StagedChange::Appends(StagedAppends::new(end))));
    let StagedChange::Appends(appends) = &mut **change else { return };
    if rolls {
        appends.roll();
    }
    let stamped = header.timestamp_type() == TimestampType::LogAppendTime;
    let log_append_time_ms = if stamped { header.max_timestamp } else { -1 };
    appends.note_producer(committed, header, log_append_time_ms, claim.now_ms);
    match body {
        Some(body) => {
            let batch = RecordBatch { header: header.clone(), body: body.clone() };
            appends.append(batch, latest_epoch, interval);
        }
        None => appends.append_stored(header, latest_epoch, interval),
    }
}
