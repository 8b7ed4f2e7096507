//! Checks everything that a data directory promises: the checkpoint, the WAL above it, every batch below it.

use std::sync::Arc;

use chronik_kafka::record_batch::{HEADER_LEN, RecordBatch};

use crate::disk::{Disk, DiskFile};
use crate::error::{LogError, ReadError};
use crate::files::{FileCache, FileKind};
use crate::index::{INDEX_ENTRY_BYTES, IndexEntry};
use crate::limits;
use crate::recovery::{Damage, Plan, check_extents, read_checkpoint};
use crate::segment::{Segment, Walk};
use crate::view::ReadMode;

/// What a verification saw.
#[derive(Debug, Default)]
pub struct Report {
    /// Partitions in the checkpoint.
    pub partitions: u64,
    /// Their segments.
    pub segments: u64,
    /// Batches in them, each with its CRC-32C.
    pub batches: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// WAL records above the checkpoint.
    pub wal_records: u64,
    /// Batches above the checkpoint that are in their segments only, each with its CRC-32C.
    pub extents: u64,
    /// Everything wrong, at most [`limits::MAX_REPORTED_DAMAGE`].
    pub damage: Vec<Damage>,
}

/// Verifies a data directory. What lies above the checkpoint in a segment is a cache of the WAL, and not judged, unless
/// an Extent in the WAL stands for it.
pub fn verify(disk: &Arc<dyn Disk>) -> Result<Report, LogError> {
    let mut report = Report::default();
    crate::meta::read(&**disk)?;
    let mut wal_records = 0;
    report.damage = super::wal(&**disk, false, &mut |_| wal_records += 1)?;
    report.wal_records = wal_records;
    let Some((head, states)) = read_checkpoint(&**disk)? else { return Ok(report) };
    let files = Arc::new(FileCache::new(Arc::clone(disk), limits::MAX_OPEN_FILES));
    report.partitions = states.len() as u64;
    let checked = check_extents(&**disk, head.lsn, states)?;
    let mut ids: Vec<_> = checked.plans.keys().copied().collect();
    ids.sort_unstable();
    for id in ids {
        verify_partition(&files, &checked.plans[&id], &mut report);
    }
    report.extents = checked.live;
    let room = limits::MAX_REPORTED_DAMAGE.saturating_sub(report.damage.len());
    report.damage.extend(checked.damage.into_iter().take(room));
    Ok(report)
}

/// What a segment must hold.
struct Promise {
    base_offset: i64,
    size: u64,
    end_offset: i64,
    /// Below, offsets may be missing: compaction took them.
    gaps_below: i64,
    /// Entries of its index that were synced. Those of a segment that was cut since the checkpoint were written anew.
    index_entries: usize,
}

/// Where a partition's segments end, by checkpoint and WAL: those that were deleted since are left out, and what was cut off.
fn promises(plan: &Plan) -> Vec<Promise> {
    let Some(state) = plan.state.as_ref().filter(|_| !plan.dropped) else { return Vec::new() };
    let sealed = state.sealed.iter().map(|(base, facts)| (*base, facts.size, facts.end_offset, usize::MAX));
    let end = &state.end;
    let index_entries = usize::try_from(end.index_entries).unwrap_or(usize::MAX);
    let active = (end.segment_base, end.position, end.offset, index_entries);
    let cut = plan.cut_below(state.end.offset);
    let promise = |(base_offset, size, end_offset, index_entries)| {
        let cut = cut.filter(|cut| cut.segment_base == base_offset);
        let (size, end_offset) = cut.map_or((size, end_offset), |cut| (cut.position, cut.to));
        let index_entries = if cut.is_some() { 0 } else { index_entries };
        Promise { base_offset, size, end_offset, gaps_below: state.gaps_below, index_entries }
    };
    let is_there = |base: i64| base >= plan.first_segment && cut.is_none_or(|cut| base <= cut.segment_base);
    sealed.chain([active]).filter(|(base, ..)| is_there(*base)).map(promise).collect()
}

fn verify_partition(files: &Arc<FileCache>, plan: &Plan, report: &mut Report) {
    let Some(id) = plan.state.as_ref().map(|state| state.id) else { return };
    for promise in promises(plan) {
        // A crash may have come before it was given its name.
        let find = |kind| {
            let cleaned = Segment::cleaned(files, id, promise.base_offset);
            let is_compacted = plan.compacted.contains(&promise.base_offset);
            if is_compacted && matches!(cleaned.open_existing(kind), Ok(Some(_))) {
                cleaned
            } else {
                Segment::new(files, id, promise.base_offset, None)
            }
        };
        let (log, index) = (find(FileKind::Log), find(FileKind::Index));
        report.segments += 1;
        let verified = verify_log(&log, &promise, report)
            .and_then(|starts| verify_index(&index, &starts, promise.index_entries));
        if let Err(wrong) = verified
            && report.damage.len() < limits::MAX_REPORTED_DAMAGE
        {
            let segment = if wrong.kind == FileKind::Log { &log } else { &index };
            report.damage.push(Damage {
                file: segment.path(wrong.kind).display().to_string(),
                position: wrong.position,
                partition: Some(id),
                reason: wrong.reason,
            });
        }
    }
}

struct Wrong {
    kind: FileKind,
    position: u64,
    reason: String,
}

impl Wrong {
    fn log(position: u64, reason: impl Into<String>) -> Self {
        Self { kind: FileKind::Log, position, reason: reason.into() }
    }

    fn read(error: &ReadError) -> Self {
        let position = if let ReadError::Corrupt { position, .. } = error { *position } else { 0 };
        Self::log(position, error.to_string())
    }
}

/// Returns position and last offset of every batch.
fn verify_log(segment: &Segment, promise: &Promise, report: &mut Report) -> Result<Vec<(u64, i64)>, Wrong> {
    let Promise { size, end_offset, gaps_below, .. } = *promise;
    let file = segment.open_existing(FileKind::Log).map_err(|error| Wrong::read(&error))?;
    let Some(file) = file else {
        let missing = || Wrong::log(0, format!("{size} bytes are missing"));
        return if size == 0 { Ok(Vec::new()) } else { Err(missing()) };
    };
    let mut walk = Walk::new(&*file, 0, ReadMode::Blocking, limits::SCAN_CHUNK_BYTES);
    let (mut at, mut next_offset, mut epoch) = (0, segment.base_offset, -1);
    let mut starts = Vec::new();
    while at < size {
        let found = walk.next(segment).map_err(|error| Wrong::read(&error))?;
        let Some((position, header)) = found else {
            return Err(Wrong::log(at, format!("the file ends, {} bytes are missing", size - at)));
        };
        if !follows(header.base_offset, next_offset, gaps_below) {
            return Err(Wrong::log(position, format!("offset {} follows {next_offset}", header.base_offset)));
        }
        if header.partition_leader_epoch < epoch {
            return Err(Wrong::log(position, "the leader epoch goes back"));
        }
        at += header.total_len() as u64;
        next_offset = header.next_offset();
        epoch = header.partition_leader_epoch;
        report.batches += 1;
        report.bytes += header.total_len() as u64;
        starts.push((position, header.last_offset()));
        check_crc(&*file, position, header)?;
    }
    if at != size || !follows(end_offset, next_offset, gaps_below) {
        return Err(Wrong::log(at, format!("ends at offset {next_offset}, not {end_offset}")));
    }
    Ok(starts)
}

/// Whether `offset` may come where `next` is expected.
fn follows(offset: i64, next: i64, gaps_below: i64) -> bool {
    offset == next || offset > next && next < gaps_below
}

fn check_crc(
    file: &dyn DiskFile,
    position: u64,
    header: chronik_kafka::record_batch::BatchHeader,
) -> Result<(), Wrong> {
    let mut body = vec![0; header.total_len().saturating_sub(HEADER_LEN).min(limits::MAX_BATCH_BYTES)];
    let read = file
        .read_at(&mut body, position + HEADER_LEN as u64)
        .map_err(|error| Wrong::log(position, error.to_string()))?;
    body.truncate(read);
    RecordBatch { header, body: body.into() }
        .check_stored()
        .map_err(|error| Wrong::log(position, error.to_string()))
}

/// Every entry stands for a batch that is there. Those behind the first `entries` are a cache, like the batches that they stand for.
fn verify_index(segment: &Segment, starts: &[(u64, i64)], entries: usize) -> Result<(), Wrong> {
    let wrong = |position: usize, reason: &str| Wrong {
        kind: FileKind::Index,
        position: position as u64,
        reason: reason.to_owned(),
    };
    let file = segment.open_existing(FileKind::Index).map_err(|error| Wrong::read(&error))?;
    let Some(file) = file else { return Ok(()) };
    let len = file.len().map_err(|error| wrong(0, &error.to_string()))?;
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_at(&mut bytes, 0).map_err(|error| wrong(0, &error.to_string()))?;
    for (index, entry) in bytes.as_chunks::<INDEX_ENTRY_BYTES>().0.iter().take(entries).enumerate() {
        let entry = IndexEntry::decode(*entry);
        let offset = segment.base_offset + i64::from(entry.relative_offset);
        let expected = starts.binary_search_by_key(&u64::from(entry.position), |(position, _)| *position);
        if expected.ok().and_then(|found| starts.get(found)).is_none_or(|(_, last)| *last != offset) {
            return Err(wrong(index * INDEX_ENTRY_BYTES, "the entry stands for no batch"));
        }
    }
    Ok(())
}
