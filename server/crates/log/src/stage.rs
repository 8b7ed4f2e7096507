//! Staging: every check, every offset, every byte of a group, before anything is written.

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::{MAGIC, RecordBatch, TimestampType};

use crate::compact::swap::PendingSwap;
use crate::error::{OpError, ReadError};
use crate::limits;
use crate::log::Log;
use crate::metadata;
use crate::op::{Appended, Op, Origin, Staged};
use crate::partition::{Partition, StagedChange};
use crate::producer::{Verdict, judge};
use crate::retention::{self, NewStart};
use crate::staged::StagedAppends;
use crate::types::{Lsn, PartitionId, TopicLogConfig};
use crate::view::ReadMode;
use crate::wal::record::{Placed, WalRecord};

/// A staged operation, until the group is committed.
#[derive(Debug)]
pub(crate) enum Pending {
    Append { id: PartitionId, appended: Appended },
    Metadata(Bytes),
    MetadataSnapshot(Bytes),
    Create { id: PartitionId, lsn: Lsn, config: Arc<TopicLogConfig> },
    Drop { id: PartitionId, lsn: Lsn },
    Truncate { id: PartitionId, cut: Option<Cut> },
    DeleteRecords { id: PartitionId, start: Option<NewStart> },
    StartAt { id: PartitionId, offset: i64 },
    Swap { id: PartitionId, swap: Option<PendingSwap> },
    Retention { starts: Vec<(PartitionId, NewStart)>, segments_deleted: usize, more: bool },
}

/// Where a log is cut: `to` is at `position` of segment `segment_base`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) to: i64,
    pub(crate) segment_base: i64,
    pub(crate) position: u64,
}

impl Log {
    pub(crate) fn conflicts(&self, op: &Op) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let staged =
            |id: &PartitionId| self.partitions.get(id).and_then(|partition| partition.staged.as_deref());
        let beside = match op {
            Op::Append { id, .. } => {
                matches!(staged(id), Some(StagedChange::Alone)) || self.is_created_or_dropped(*id)
            }
            Op::Create { id, .. }
            | Op::Drop { id }
            | Op::Truncate { id, .. }
            | Op::DeleteRecords { id, .. }
            | Op::StartAt { id, .. } => staged(id).is_some() || self.is_created_or_dropped(*id),
            Op::Swap(cleaned) => staged(&cleaned.id).is_some() || self.is_created_or_dropped(cleaned.id),
            Op::Metadata(_) | Op::MetadataSnapshot(_) => false,
            Op::EnforceRetention { .. } => true,
        };
        let bytes = match op {
            Op::Append { batch, .. } => batch.total_len(),
            Op::Metadata(record) | Op::MetadataSnapshot(record) => record.len(),
            _ => 0,
        };
        let full = self.group.bytes() + bytes as u64 > self.config.max_group_bytes;
        beside || full || self.pending.len() >= limits::MAX_GROUP_OPS
    }

    /// A partition that is created in this group does not exist yet.
    fn is_created_or_dropped(&self, id: PartitionId) -> bool {
        self.staged.contains(&id) && !self.partitions.contains_key(&id)
    }

    pub(crate) fn stage_op(&mut self, op: Op) -> Result<Staged, OpError> {
        let pending = match op {
            Op::Append { id, batch, origin, now_ms } => self.stage_append(id, batch, origin, now_ms)?,
            Op::Metadata(record) => self.stage_metadata(record)?,
            Op::MetadataSnapshot(snapshot) => self.stage_metadata_snapshot(snapshot)?,
            Op::Create { id, config } => self.stage_create(id, config)?,
            Op::Drop { id } => self.stage_drop(id)?,
            Op::Truncate { id, to, leader_epoch } => self.stage_truncate(id, to, leader_epoch)?,
            Op::DeleteRecords { id, before_offset } => self.stage_delete_records(id, before_offset)?,
            Op::StartAt { id, offset } => self.stage_start_at(id, offset)?,
            Op::Swap(cleaned) => self.stage_swap(cleaned)?,
            Op::EnforceRetention { now_ms } => self.stage_retention(now_ms),
        };
        self.pending.push(pending);
        Ok(Staged(self.pending.len() - 1))
    }

    fn next_lsn(&self) -> Lsn {
        self.wal.next_lsn() + self.group.records()
    }

    pub(crate) fn push_record(&mut self, record: &WalRecord, body: Bytes) -> Lsn {
        let lsn = self.next_lsn();
        self.group.push(lsn, record, body);
        lsn
    }

    fn stage_append(
        &mut self,
        id: PartitionId,
        mut batch: RecordBatch,
        origin: Origin,
        now_ms: i64,
    ) -> Result<Pending, OpError> {
        let lsn = self.next_lsn();
        let partition = online(self.partitions.get_mut(&id))?;
        let end = partition.staged_end();
        check_batch(&batch, origin, &partition.config)?;
        check_epoch(partition, &batch, origin, end.offset)?;
        let log_start_offset = partition.log_start;
        if matches!(origin, Origin::Leader { .. })
            && let Some(meta) = find_duplicate(partition, &batch)?
        {
            let appended = Appended {
                base_offset: meta.base_offset,
                last_offset: meta.last_offset,
                log_append_time_ms: meta.log_append_time_ms,
                log_start_offset,
                duplicate: true,
            };
            return Ok(Pending::Append { id, appended });
        }
        let mut log_append_time_ms = -1;
        if let Origin::Leader { epoch } = origin {
            batch.assign(end.offset, epoch);
            if partition.config.timestamp_type == TimestampType::LogAppendTime {
                batch.set_log_append_time(now_ms);
                log_append_time_ms = now_ms;
            }
        }
        let appended = Appended {
            base_offset: batch.header.base_offset,
            last_offset: batch.header.last_offset(),
            log_append_time_ms,
            log_start_offset,
            duplicate: false,
        };
        let rolls = end.must_roll(&batch.header, batch.total_len() as u64, &partition.config);
        if !rolls && !end.can_index(&batch.header) {
            return Err(OpError::UnexpectedOffset { found: batch.header.base_offset, log_end: end.offset });
        }
        let (latest_epoch, generation) = (partition.epochs.latest(), partition.generation);
        let staged = staged_appends(partition, &mut self.staged);
        if rolls {
            staged.roll(batch.header.base_offset);
        }
        staged.note_gap(end.offset, batch.header.base_offset);
        let record = WalRecord::Append(Placed {
            id,
            generation,
            segment_base: staged.end.segment_base,
            position: u32::try_from(staged.end.position).unwrap_or(u32::MAX),
            now_ms,
            header: batch.header.clone(),
            follows: end.offset,
        });
        self.group.push(lsn, &record, batch.body.clone());
        let committed = partition.producers.0.get(&batch.header.producer_id);
        if let Some(StagedChange::Appends(staged)) = partition.staged.as_deref_mut() {
            staged.note_producer(committed, &batch.header, log_append_time_ms, now_ms);
            staged.append(batch, latest_epoch, self.config.index_interval_bytes);
        }
        Ok(Pending::Append { id, appended })
    }

    fn stage_metadata(&mut self, record: Bytes) -> Result<Pending, OpError> {
        self.metadata.check_record(&record, self.config.max_metadata_records_bytes)?;
        self.push_record(&WalRecord::Metadata, record.clone());
        // Metadata is acknowledged to the whole cluster, not to one producer that chose its risk.
        self.sync_group = true;
        Ok(Pending::Metadata(record))
    }

    fn stage_metadata_snapshot(&mut self, snapshot: Bytes) -> Result<Pending, OpError> {
        metadata::check_snapshot(&snapshot)?;
        self.push_record(&WalRecord::MetadataSnapshot, snapshot.clone());
        self.sync_group = true;
        Ok(Pending::MetadataSnapshot(snapshot))
    }

    fn stage_create(&mut self, id: PartitionId, config: Arc<TopicLogConfig>) -> Result<Pending, OpError> {
        if self.partitions.contains_key(&id) {
            return Err(OpError::AlreadyExists);
        }
        let lsn = self.push_record(&WalRecord::Create { id }, Bytes::new());
        self.staged.push(id);
        self.sync_group = true;
        Ok(Pending::Create { id, lsn, config })
    }

    fn stage_drop(&mut self, id: PartitionId) -> Result<Pending, OpError> {
        let partition = self.partitions.get(&id).ok_or(OpError::UnknownPartition)?;
        let lsn = self.push_record(&WalRecord::Drop { id, generation: partition.generation }, Bytes::new());
        self.stage_alone(id);
        Ok(Pending::Drop { id, lsn })
    }

    fn stage_truncate(&mut self, id: PartitionId, to: i64, leader_epoch: i32) -> Result<Pending, OpError> {
        let partition = online(self.partitions.get_mut(&id))?;
        let cut = find_cut(partition, to)?;
        let generation = partition.generation;
        if let Some(cut) = cut {
            let record = truncate_record(id, generation, cut, leader_epoch);
            self.push_record(&record, Bytes::new());
        }
        self.stage_alone(id);
        Ok(Pending::Truncate { id, cut })
    }

    fn stage_delete_records(&mut self, id: PartitionId, before_offset: i64) -> Result<Pending, OpError> {
        let partition = online(self.partitions.get_mut(&id))?;
        let (log_start, log_end) = (partition.log_start, partition.end.offset);
        let offset = if before_offset == -1 { log_end } else { before_offset };
        if !(0..=log_end).contains(&offset) {
            return Err(OpError::OffsetOutOfRange { offset, log_start, log_end });
        }
        let start = (offset > log_start).then(|| retention::start_at(partition, offset));
        if let Some(start) = start {
            self.stage_start(id, start);
        }
        self.stage_alone(id);
        Ok(Pending::DeleteRecords { id, start })
    }

    fn stage_start_at(&mut self, id: PartitionId, offset: i64) -> Result<Pending, OpError> {
        let partition = online(self.partitions.get_mut(&id))?;
        let (log_start, log_end) = (partition.log_start, partition.end.offset);
        if offset < log_end {
            return Err(OpError::OffsetOutOfRange { offset, log_start, log_end });
        }
        let generation = partition.generation;
        self.push_record(&WalRecord::StartAt { id, generation, offset }, Bytes::new());
        self.stage_alone(id);
        Ok(Pending::StartAt { id, offset })
    }

    fn stage_retention(&mut self, now_ms: i64) -> Pending {
        let mut starts = Vec::new();
        let mut budget = limits::RETENTION_SEGMENTS_PER_OP;
        let mut more = false;
        for partition in self.partitions.values().filter(|partition| partition.offline.is_none()) {
            let (start, left) = retention::enforce(partition, now_ms, budget);
            more |= left;
            if let Some(start) = start {
                budget -= start.segments_deleted;
                starts.push((partition.id, start));
            }
        }
        for &(id, start) in &starts {
            self.stage_start(id, start);
            self.stage_alone(id);
        }
        let segments_deleted = limits::RETENTION_SEGMENTS_PER_OP - budget;
        Pending::Retention { starts, segments_deleted, more }
    }

    fn stage_start(&mut self, id: PartitionId, start: NewStart) {
        let generation = self.partitions.get(&id).map_or(0, |partition| partition.generation);
        let NewStart { log_start, first_segment, .. } = start;
        self.push_record(&WalRecord::LogStart { id, generation, log_start, first_segment }, Bytes::new());
    }

    /// Nothing else may happen to the partition in this group, and the group is synced before it is done.
    pub(crate) fn stage_alone(&mut self, id: PartitionId) {
        if let Some(partition) = self.partitions.get_mut(&id) {
            partition.staged = Some(Box::new(StagedChange::Alone));
            self.staged.push(id);
        }
        self.sync_group = true;
    }

    /// Forgets the staged group, all of which is refused.
    pub(crate) fn drop_staged(&mut self) {
        for id in self.staged.drain(..) {
            if let Some(partition) = self.partitions.get_mut(&id) {
                partition.refused |= matches!(partition.staged.as_deref(), Some(StagedChange::Appends(_)));
                partition.staged = None;
            }
        }
        self.pending.clear();
        self.group.clear();
        self.sync_group = false;
    }
}

pub(crate) fn truncate_record(id: PartitionId, generation: Lsn, cut: Cut, leader_epoch: i32) -> WalRecord {
    WalRecord::Truncate {
        id,
        generation,
        to: cut.to,
        segment_base: cut.segment_base,
        position: u32::try_from(cut.position).unwrap_or(u32::MAX),
        leader_epoch,
    }
}

fn online(partition: Option<&mut Partition>) -> Result<&mut Partition, OpError> {
    let partition = partition.ok_or(OpError::UnknownPartition)?;
    match &partition.offline {
        Some(reason) => Err(OpError::Offline(reason.clone())),
        None => Ok(partition),
    }
}

/// Only what would break the log itself: the caller has validated the batch. What a leader's log has a follower takes, though the topic's settings may have become stricter since.
fn check_batch(batch: &RecordBatch, origin: Origin, config: &TopicLogConfig) -> Result<(), OpError> {
    let (bytes, unlimited) = (batch.total_len(), usize::MAX);
    let (limit, segment_bytes) = match origin {
        Origin::Leader { .. } => {
            (config.max_message_bytes, config.segment_bytes.try_into().unwrap_or(unlimited))
        }
        Origin::Follower { .. } => (unlimited, unlimited),
    };
    if bytes > limit {
        return Err(OpError::MessageTooLarge { bytes, limit });
    }
    let limit = segment_bytes.min(limits::MAX_BATCH_BYTES);
    if bytes > limit {
        return Err(OpError::RecordListTooLarge { bytes, limit });
    }
    if batch.header.magic != MAGIC || batch.header.total_len() != bytes {
        return Err(OpError::InvalidBatch("magic or length"));
    }
    if batch.header.last_offset_delta < 0 {
        return Err(OpError::InvalidBatch("no records"));
    }
    Ok(())
}

fn check_epoch(
    partition: &Partition,
    batch: &RecordBatch,
    origin: Origin,
    log_end: i64,
) -> Result<(), OpError> {
    let found = match origin {
        Origin::Leader { epoch } => epoch,
        Origin::Follower { .. } => batch.header.partition_leader_epoch,
    };
    let staged = match partition.staged.as_deref() {
        Some(StagedChange::Appends(staged)) => staged.epochs.last().map(|entry| entry.epoch),
        _ => None,
    };
    let current = staged.unwrap_or_else(|| partition.epochs.latest());
    if found < current {
        return Err(OpError::FencedLeaderEpoch { found, current });
    }
    let base_offset = batch.header.base_offset;
    if let Origin::Follower { log_end: expected } = origin
        && (expected != log_end || base_offset < log_end)
    {
        return Err(OpError::UnexpectedOffset { found: base_offset, log_end });
    }
    Ok(())
}

fn find_duplicate(
    partition: &Partition,
    batch: &RecordBatch,
) -> Result<Option<crate::producer::BatchMeta>, OpError> {
    if !batch.header.has_producer() {
        return Ok(None);
    }
    let id = batch.header.producer_id;
    let staged = match partition.staged.as_deref() {
        Some(StagedChange::Appends(staged)) => staged.producers.get(&id),
        _ => None,
    };
    match judge(staged.or_else(|| partition.producers.get(id)), &batch.header) {
        Ok(Verdict::Append) => Ok(None),
        Ok(Verdict::Duplicate(meta)) => Ok(Some(meta)),
        // It was on its way when the one before it was refused. An answer that it is out of order would let librdkafka take a new
        // epoch, in which it sends again what it has no answer about, on all partitions, and nothing would know that for a duplicate.
        Err(OpError::OutOfOrderSequence { .. }) if partition.refused => Err(OpError::StorageFull),
        Err(error) => Err(error),
    }
}

fn staged_appends<'a>(partition: &'a mut Partition, staged: &mut Vec<PartitionId>) -> &'a mut StagedAppends {
    let end = partition.end;
    let change = partition.staged.get_or_insert_with(|| {
        staged.push(partition.id);
        Box::new(StagedChange::Appends(StagedAppends::new(end)))
    });
    if matches!(**change, StagedChange::Alone) {
        **change = StagedChange::Appends(StagedAppends::new(end));
    }
    match &mut **change {
        StagedChange::Appends(appends) => appends,
        StagedChange::Alone => unreachable!("replaced above"),
    }
}

/// Where the log must be cut so that nothing at or above `to` remains; `None` if nothing does.
fn find_cut(partition: &Partition, to: i64) -> Result<Option<Cut>, OpError> {
    let (log_start, log_end) = (partition.log_start, partition.end.offset);
    if to < 0 {
        return Err(OpError::OffsetOutOfRange { offset: to, log_start, log_end });
    }
    let to = partition.segments.first().map_or(to, |first| to.max(first.base_offset));
    if to >= log_end {
        return Ok(None);
    }
    let offline = |error: ReadError| OpError::Offline(error.to_string());
    let index = partition.segments.partition_point(|segment| segment.base_offset <= to).saturating_sub(1);
    let Some(segment) = partition.segments.get(index) else { return Ok(None) };
    let file = segment.open_existing(crate::files::FileKind::Log).map_err(offline)?;
    let Some(file) = file else {
        // An active segment without a batch has none after a crash, though the log, cut inside a gap, may end further up.
        let has_no_batch = segment.sealed.is_none() && partition.end.position == 0;
        let cut = Cut { to, segment_base: segment.base_offset, position: 0 };
        return if has_no_batch {
            Ok(Some(cut))
        } else {
            Err(OpError::Offline("the segment's file is missing".to_owned()))
        };
    };
    let found = segment.locate(&*file, to, log_end, ReadMode::Blocking).map_err(offline)?;
    let (to, position) = match (found, segment.sealed) {
        // The batch may begin later: compaction leaves gaps.
        (Some((position, header)), _) => (to.min(header.base_offset), position),
        (None, Some(sealed)) => (to, sealed.size),
        // It was cut inside a gap before: there is no batch between `to` and the end.
        (None, None) if to < partition.gaps_below => (to, partition.end.position),
        (None, None) => return Err(OpError::Offline("the segment lacks its end".to_owned())),
    };
    Ok(Some(Cut { to, segment_base: segment.base_offset, position }))
}
