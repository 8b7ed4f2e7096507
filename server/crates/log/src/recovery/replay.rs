//! The second pass: live Appends are written back where they belong, live Extents must be there.

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::{RecordBatch, TimestampType};
use rustc_hash::FxHashMap;

use super::plan::Plan;
use super::{Damage, Recovery, extent};
use crate::apply::{self, Behind};
use crate::error::LogError;
use crate::files::FileCache;
use crate::partition::{Partition, StagedChange};
use crate::stage::Cut;
use crate::staged::{SegmentRun, StagedAppends};
use crate::types::{LogConfig, Lsn, PartitionId, Progress};
use crate::wal::file_path;
use crate::wal::record::{Placed, WalRecord};
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
        let whole: Vec<_> =
            self.partitions.keys().copied().filter(|id| !self.ended.contains_key(id)).collect();
        for id in whole {
            self.end_at_cut(id, Lsn::MAX)?;
        }
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
    /// The log ends where the latest cut before `lsn` has left it, if no append has come since.
    fn end_at_cut(&mut self, id: PartitionId, lsn: Lsn) -> Result<(), LogError> {
        let Some(cut) = self.plans.get(&id).and_then(|plan| plan.cut_before(lsn)) else { return Ok(()) };
        if self.partitions.get(&id).is_none_or(|partition| partition.staged_end().offset >= cut.to) {
            return Ok(());
        }
        self.flush(id)?;
        if let Some(partition) =
            self.partitions.get_mut(&id).filter(|partition| begins_segment(partition, cut))
        {
            let mut appends = StagedAppends::new(partition.end);
            appends.roll(cut.segment_base);
            partition.staged = Some(Box::new(StagedChange::Appends(appends)));
            self.flush(id)?;
        }
        if let Some(partition) = self.partitions.get_mut(&id) {
            partition.end_at_cut(cut.to);
        }
        Ok(())
    }

    /// Stages a live append that follows what is there.
    fn replay(&mut self, at: (u64, u64), claim: &Claim<'_>, body: Option<&Bytes>) -> Result<(), LogError> {
        let id = claim.placed.id;
        let stored = body.is_none();
        if self.partitions.get(&id).is_some_and(|partition| mixes(partition, stored)) {
            self.flush(id)?;
        }
        self.end_at_cut(id, claim.lsn)?;
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
        let (WalRecord::Append(placed) | WalRecord::Extent(placed)) = located.record else {
            return Ok(());
        };
        let claim = Claim { lsn: located.frame.lsn, placed };
        let live = self.plans.get(&placed.id).is_some_and(|plan| plan.is_live(claim.lsn, placed));
        if !live || self.ended.contains_key(&placed.id) {
            return Ok(());
        }
        let body = matches!(located.record, WalRecord::Append(_)).then_some(located.body);
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
    pub(super) lsn: Lsn,
    pub(super) placed: &'a Placed,
}

/// Whether a cut left the log's end in a segment of which nothing remains: it has begun below that end, which is in a gap.
fn begins_segment(partition: &Partition, cut: Cut) -> bool {
    let end = &partition.end;
    partition.offline.is_none() && end.position > 0 && (end.offset..=cut.to).contains(&cut.segment_base)
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
    let Placed { segment_base, header, follows, .. } = claim.placed;
    let (offset, epoch) = (header.base_offset, header.partition_leader_epoch);
    // What came before a gap may have been deleted since: then the log ends where this begins.
    if offset != end.offset && *follows != end.offset || offset < end.offset {
        return Err(format!("offset {offset}, behind {follows}, follows {}", end.offset));
    }
    let latest = match partition.staged.as_deref() {
        Some(StagedChange::Appends(appends)) => appends.epochs.last().map(|entry| entry.epoch),
        _ => None,
    };
    let latest = latest.unwrap_or_else(|| partition.epochs.latest());
    if epoch < latest {
        return Err(format!("leader epoch {epoch} follows {latest}"));
    }
    let position = u64::from(claim.placed.position);
    if (*segment_base, position) == (end.segment_base, end.position) {
        return Ok(false);
    }
    if position == 0 && end.position > 0 && (end.offset..=offset).contains(segment_base) {
        return Ok(true);
    }
    Err(format!("position {position} of segment {segment_base} is not the end"))
}

fn stage(partition: &mut Partition, rolls: bool, claim: &Claim<'_>, body: Option<&Bytes>, interval: u64) {
    let latest_epoch = partition.epochs.latest();
    let (end, Placed { segment_base, header, follows, now_ms, .. }) = (partition.end, claim.placed);
    let committed = partition.producers.0.get(&header.producer_id);
    let change =
        partition.staged.get_or_insert_with(|| Box::new(StagedChange::Appends(StagedAppends::new(end))));
    let StagedChange::Appends(appends) = &mut **change else { return };
    if rolls {
        appends.roll(*segment_base);
    }
    appends.note_gap(*follows, header.base_offset);
    let stamped = header.timestamp_type() == TimestampType::LogAppendTime;
    let log_append_time_ms = if stamped { header.max_timestamp } else { -1 };
    appends.note_producer(committed, header, log_append_time_ms, *now_ms);
    match body {
        Some(body) => {
            let batch = RecordBatch { header: header.clone(), body: body.clone() };
            appends.append(batch, latest_epoch, interval);
        }
        None => appends.append_stored(header, latest_epoch, interval),
    }
}
