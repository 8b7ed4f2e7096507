//! Bringing a partition's files to where the replay begins, and tidying up after it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::plan::Plan;
use super::{Damage, Recovery};
use crate::apply::{self, Behind};
use crate::checkpoint::PartitionState;
use crate::disk::Disk;
use crate::end::LogEnd;
use crate::epoch::EpochCache;
use crate::error::LogError;
use crate::files::{FileCache, FileKind};
use crate::garbage::DELETED;
use crate::index::{INDEX_ENTRY_BYTES, TIME_ENTRY_BYTES};
use crate::partition::Partition;
use crate::rebuild;
use crate::retention::NewStart;
use crate::segment::{CLEANED, Segment, cleaned_path, file_name, parse_file_name};
use crate::staged::{cut_files, cut_indexes};
use crate::types::{LogConfig, PartitionId};

/// Bytes of the files in a partition's directory, by name.
type Listing = BTreeMap<String, u64>;

/// The partition as it is before the replay. If its files are not what the checkpoint promised, it is offline.
pub(super) fn prepare(
    files: &Arc<FileCache>,
    id: PartitionId,
    plan: &mut Plan,
    config: &LogConfig,
    recovery: &mut Recovery,
) -> Result<Partition, LogError> {
    let error = |error| LogError::io(format!("recovering partition {id}"), error);
    let Some(state) = plan.state.take() else {
        let mut partition = Partition::new(files, id, plan.generation, Arc::clone(&config.topic_defaults));
        // No checkpoint says what other replicas have of it, so nothing counts as committed.
        partition.high_watermark = Some(0);
        move_start(files, &mut partition, plan).map_err(error)?;
        cut_indexes_to_end(&partition).map_err(error)?;
        return Ok(partition);
    };
    let mut partition = at_checkpoint(files, state, config);
    partition.dirty.dir |= complete_swaps(&*files.disk, id, &plan.compacted).map_err(error)?;
    if partition.offline.is_some() {
        return Ok(partition);
    }
    let mut cut = plan.cut_below(partition.end.offset);
    if let Some(deepest) = cut.filter(|cut| cut.segment_base < plan.first_segment) {
        // What was left by the cut has been deleted since: nothing of the checkpoint's segments counts.
        partition.segments.retain(|segment| segment.base_offset <= deepest.segment_base);
        cut = None;
    }
    move_start(files, &mut partition, plan).map_err(error)?;
    let listing = list(&*files.disk, id).map_err(error)?;
    let (active_base, position) = cut
        .map_or((partition.end.segment_base, partition.end.position), |cut| (cut.segment_base, cut.position));
    if let Some(damage) = find_missing(&partition, &listing, active_base, position) {
        partition.offline = Some(damage.reason.clone());
        recovery.damage.push(damage);
        return Ok(partition);
    }
    let interval = config.index_interval_bytes;
    let prepared = match cut {
        Some(cut) => apply::cut(files, &mut partition, cut, interval, Behind::Extents),
        None if plan.touched => cut_indexes_to_end(&partition)
            .and_then(|()| repair_active_index(&mut partition, &listing, interval)),
        None => repair_active_index(&mut partition, &listing, interval),
    };
    // The deepest cut may be older than the latest start.
    partition.log_start = plan.log_start;
    let repaired = prepared.and_then(|()| repair_sealed_indexes(&mut partition, &listing, interval));
    match repaired {
        Err(error) if error.kind() == io::ErrorKind::InvalidData || error.kind() == io::ErrorKind::Other => {
            let reason = format!("its segments are damaged: {error}");
            let file = id.dir_name();
            recovery.damage.push(Damage { file, position: 0, partition: Some(id), reason: reason.clone() });
            partition.offline = Some(reason);
        }
        other => other.map_err(error)?,
    }
    Ok(partition)
}

/// Gives what was compacted its name, where a crash came in between. Without such a record, files of that name are nothing.
fn complete_swaps(disk: &dyn Disk, id: PartitionId, compacted: &[i64]) -> io::Result<bool> {
    if compacted.is_empty() {
        return Ok(false);
    }
    let listing = list(disk, id)?;
    for &base_offset in compacted {
        for kind in FileKind::ALL {
            let name = file_name(base_offset, kind);
            if listing.contains_key(&format!("{name}{CLEANED}")) {
                disk.rename(&cleaned_path(id, base_offset, kind), &Path::new(&id.dir_name()).join(name))?;
            }
        }
    }
    Ok(true)
}

fn at_checkpoint(files: &Arc<FileCache>, state: PartitionState, config: &LogConfig) -> Partition {
    let mut segments: Vec<Arc<Segment>> = Vec::with_capacity(state.sealed.len() + 1);
    for (base_offset, facts) in state.sealed {
        segments.push(Arc::new(Segment::new(files, state.id, base_offset, Some(facts))));
    }
    segments.push(Arc::new(Segment::new(files, state.id, state.end.segment_base, None)));
    let epochs = EpochCache::from_entries(state.epochs);
    let defaults = Arc::clone(&config.topic_defaults);
    let mut partition =
        Partition::of(state.id, state.generation, defaults, state.log_start, state.end, segments, epochs);
    partition.high_watermark = Some(state.high_watermark);
    partition.producers = state.producers;
    partition.offline = state.offline;
    partition.cleaned_offset = state.cleaned_offset;
    partition.gaps_below = state.gaps_below;
    partition
}

fn move_start(files: &Arc<FileCache>, partition: &mut Partition, plan: &Plan) -> io::Result<()> {
    let (log_start, first_segment) = (plan.log_start, plan.first_segment);
    let start = NewStart { log_start, first_segment, segments_deleted: 0 };
    // What is renamed here, `tidy` unlinks.
    apply::start(files, partition, start, &mut Vec::new())?;
    partition.log_start = log_start;
    Ok(())
}

/// What is behind the end may be of a file that was deleted, whose name came back: the replay must not mix with it. In
/// the log file it may be what an Extent stands for, and is overwritten, or cut off at last.
fn cut_indexes_to_end(partition: &Partition) -> io::Result<()> {
    partition.active().map_or(Ok(()), |active| cut_indexes(active, &partition.end))
}

fn list(disk: &dyn Disk, id: PartitionId) -> io::Result<Listing> {
    match disk.read_dir(id.dir_name().as_ref()) {
        Ok(entries) => Ok(entries.into_iter().map(|entry| (entry.name, entry.len)).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Listing::new()),
        Err(error) => Err(error),
    }
}

fn len_of(listing: &Listing, base_offset: i64, kind: FileKind) -> u64 {
    listing.get(&file_name(base_offset, kind)).copied().unwrap_or(0)
}

/// A segment that is shorter than the checkpoint, which was written after it was synced, says.
fn find_missing(partition: &Partition, listing: &Listing, active_base: i64, position: u64) -> Option<Damage> {
    for segment in partition.segments.iter().filter(|segment| segment.base_offset <= active_base) {
        let is_active = segment.base_offset == active_base;
        let needed = if is_active { position } else { segment.sealed.map_or(0, |sealed| sealed.size) };
        let found = len_of(listing, segment.base_offset, FileKind::Log);
        if found < needed {
            return Some(Damage {
                file: segment.path(FileKind::Log).display().to_string(),
                position: found,
                partition: Some(partition.id),
                reason: format!("{needed} bytes were synced, {found} are there: partition taken offline"),
            });
        }
    }
    None
}

fn repair_active_index(partition: &mut Partition, listing: &Listing, interval: u64) -> io::Result<()> {
    let end = partition.end;
    let complete = has_entries(listing, &end);
    let Some(active) = partition.active() else { return Ok(()) };
    if complete {
        return Ok(());
    }
    partition.end = rebuild::rebuild(active, end.position, end.offset, interval)?;
    partition.dirty.segments.insert(end.segment_base);
    partition.dirty.dir = true;
    Ok(())
}

fn has_entries(listing: &Listing, end: &LogEnd) -> bool {
    let enough = |kind, entries: u32, bytes: usize| {
        len_of(listing, end.segment_base, kind) >= u64::from(entries) * bytes as u64
    };
    enough(FileKind::Index, end.index_entries, INDEX_ENTRY_BYTES)
        && enough(FileKind::TimeIndex, end.time_entries, TIME_ENTRY_BYTES)
}

/// A sealed segment's index is only looked for, not read: a look-up that it misleads starts from the beginning.
fn repair_sealed_indexes(partition: &mut Partition, listing: &Listing, interval: u64) -> io::Result<()> {
    for segment in &partition.segments {
        let Some(sealed) = segment.sealed else { continue };
        let time_needed = sealed.max_timestamp >= 0;
        let index_missing = sealed.size > interval.saturating_mul(2)
            && !listing.contains_key(&file_name(segment.base_offset, FileKind::Index));
        let time_missing =
            time_needed && !listing.contains_key(&file_name(segment.base_offset, FileKind::TimeIndex));
        // One batch may be longer than two intervals: then there is no entry, and rebuilding is cheap.
        if index_missing || time_missing {
            rebuild::rebuild_sealed_indexes(segment, interval)?;
            partition.dirty.segments.insert(segment.base_offset);
            partition.dirty.dir = true;
        }
    }
    Ok(())
}

/// Cuts the active files to the log's end, and removes files that are no part of the log.
pub(super) fn tidy(
    disk: &dyn Disk,
    partition: &mut Partition,
    plans: &FxHashMap<PartitionId, Plan>,
) -> Result<(), LogError> {
    if partition.offline.is_some() {
        return Ok(());
    }
    let id = partition.id;
    let tidied = tidy_files(disk, partition, plans.get(&id).is_some_and(|plan| plan.touched));
    tidied.map_err(|error| LogError::io(format!("tidying partition {id}"), error))
}

fn tidy_files(disk: &dyn Disk, partition: &mut Partition, touched: bool) -> io::Result<()> {
    let dir = partition.id.dir_name();
    let listing = list(disk, partition.id)?;
    for name in listing.keys() {
        let ours = parse_file_name(name).map(|(base_offset, _)| partition.segment(base_offset).is_some());
        if ours == Some(false) || name.ends_with(DELETED) || name.ends_with(CLEANED) {
            disk.unlink(&Path::new(&dir).join(name))?;
            partition.dirty.dir = true;
        }
    }
    let end = partition.end;
    let lens = [
        (FileKind::Log, end.position),
        (FileKind::Index, u64::from(end.index_entries) * INDEX_ENTRY_BYTES as u64),
        (FileKind::TimeIndex, u64::from(end.time_entries) * TIME_ENTRY_BYTES as u64),
    ];
    let too_long = lens.iter().any(|(kind, len)| len_of(&listing, end.segment_base, *kind) > *len);
    if (too_long || touched)
        && let Some(active) = partition.active().cloned()
    {
        cut_files(&active, &end)?;
        partition.dirty.segments.insert(end.segment_base);
    }
    partition.refresh_view();
    Ok(())
}
