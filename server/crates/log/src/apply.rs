//! Carrying out what is durable in the WAL: segment writes, cuts, deletions. Recovery uses the same functions.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::compact::swap::set_aside;
use crate::disk::Disk;
use crate::epoch::EpochCache;
use crate::files::{FileCache, FileKind};
use crate::garbage::{DELETED, Garbage};
use crate::log::Log;
use crate::partition::{Partition, StagedChange};
use crate::producer::ProducerTable;
use crate::rebuild;
use crate::retention::NewStart;
use crate::room::Room;
use crate::segment::Segment;
use crate::stage::Cut;
use crate::staged::{SegmentRun, StagedAppends, cut_files, cut_indexes, cut_log};
use crate::types::{Lsn, PartitionId};

/// What may be behind the end in a partition's log files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Nothing that counts: it is cut off when a file is begun or goes on from a cut.
    Nothing,
    /// Recovery: what Extents stand for, which have not been reached yet. It is cut off only at the end.
    Extents,
}

/// Writes a partition's staged appends into the page cache; all of them or none. Segments that they begin are added
/// to the partition. Returns whether names in the data directory changed.
pub(crate) fn write_runs(
    files: &Arc<FileCache>,
    partition: &mut Partition,
    behind: Behind,
) -> io::Result<bool> {
    let Some(mut change) = partition.staged.take() else { return Ok(false) };
    let written = match &mut *change {
        StagedChange::Appends(appends) => write_all_runs(files, partition, appends, behind),
        StagedChange::Alone => Ok(false),
    };
    // Also after a failure: what is staged may be tried again, or refused.
    partition.staged = Some(change);
    written
}

fn write_all_runs(
    files: &Arc<FileCache>,
    partition: &mut Partition,
    appends: &mut StagedAppends,
    behind: Behind,
) -> io::Result<bool> {
    let mut root_dirty = false;
    let before = partition.segments.clone();
    if let Err(error) = write_each_run(files, partition, appends, behind, &mut root_dirty) {
        undo_runs(files, partition, before, appends)?;
        return Err(error);
    }
    appends.written_over = Some(before);
    Ok(root_dirty)
}

fn write_each_run(
    files: &Arc<FileCache>,
    partition: &mut Partition,
    appends: &StagedAppends,
    behind: Behind,
    root_dirty: &mut bool,
) -> io::Result<()> {
    for (index, run) in appends.runs.iter().enumerate() {
        if index > 0 {
            partition.segments.push(Arc::new(Segment::new(files, partition.id, run.segment_base, None)));
        }
        let Some(segment) = partition.segments.last().cloned() else { break };
        if run.creates_names() {
            // Before the write: what is created and then fails is a name, too.
            partition.dirty.dir = true;
        }
        if run.creates_log() {
            files.disk.create_dir(partition.id.dir_name().as_ref())?;
            *root_dirty = true;
            partition.names_unsynced = true;
            // After a crash, a deleted file of that name may have come back.
            match behind {
                Behind::Nothing => cut_files(&segment, &run.before)?,
                Behind::Extents => cut_indexes(&segment, &run.before)?,
            }
        }
        partition.dirty.segments.insert(run.segment_base);
        run.write(&segment)?;
        if let Some(sealed) = run.sealed {
            if behind == Behind::Extents {
                cut_log(&segment, sealed.size)?;
            }
            partition.give_back_room(&segment, sealed.size)?;
            partition.segments.pop();
            partition.segments.push(Arc::new(segment.with_sealed(Some(sealed))));
        }
    }
    Ok(())
}

/// The files are as before afterwards; new ones are gone.
pub(crate) fn undo_runs(
    files: &Arc<FileCache>,
    partition: &mut Partition,
    before: Vec<Arc<Segment>>,
    appends: &StagedAppends,
) -> io::Result<()> {
    for segment in &partition.segments[before.len()..] {
        unlink_segment(&*files.disk, segment)?;
    }
    partition.segments = before;
    match (partition.segments.last(), appends.runs.first()) {
        (Some(segment), Some(run)) => run.undo(segment),
        _ => Ok(()),
    }
}

/// Makes written appends the committed state. Returns whether the view changed.
pub(crate) fn install(partition: &mut Partition) -> bool {
    let Some(change) = partition.staged.take() else { return false };
    let StagedChange::Appends(appends) = *change else { return false };
    let rolled = appends.runs.len() > 1;
    let new_epochs = !appends.epochs.is_empty();
    partition.refused = false;
    partition.end = appends.end;
    partition.gaps_below = partition.gaps_below.max(appends.gaps_below);
    for entry in appends.epochs {
        partition.epochs.assign(entry.epoch, entry.start_offset);
    }
    partition.producers.0.extend(appends.producers);
    let changed = rolled || new_epochs;
    if changed {
        partition.refresh_view();
    }
    changed
}

impl SegmentRun {
    fn creates_log(&self) -> bool {
        self.before.position == 0
    }
}

impl Log {
    pub(crate) fn cut_partition(&mut self, id: PartitionId, cut: Cut) -> io::Result<()> {
        let (interval, lsn) = (self.config.index_interval_bytes, self.last_lsn());
        let Some(partition) = self.partitions.get_mut(&id) else { return Ok(()) };
        partition.cut_lsn = lsn;
        self::cut(&self.files, partition, cut, interval, Behind::Nothing)
    }

    pub(crate) fn start_partition(&mut self, id: PartitionId, start: NewStart) -> io::Result<()> {
        match self.partitions.get_mut(&id) {
            Some(partition) => self::start(&self.files, partition, start, &mut self.garbage),
            None => Ok(()),
        }
    }

    pub(crate) fn empty_partition(&mut self, id: PartitionId, offset: i64) -> io::Result<()> {
        let lsn = self.last_lsn();
        let Some(partition) = self.partitions.get_mut(&id) else { return Ok(()) };
        partition.cut_lsn = lsn;
        self::start_at(&self.files, partition, offset, &mut self.garbage)
    }

    /// The directory gets a name that no partition has; its files are unlinked elsewhere.
    pub(crate) fn drop_partition(&mut self, id: PartitionId, lsn: Lsn) -> io::Result<()> {
        let Some(partition) = self.partitions.remove(&id) else { return Ok(()) };
        for segment in &partition.segments {
            segment.forget_files();
        }
        let (from, to) = (PathBuf::from(id.dir_name()), PathBuf::from(format!("{id}.{lsn}{DELETED}")));
        self.root_dirty = true;
        match self.files.disk.rename(&from, &to) {
            Ok(()) => self.garbage.push(Garbage::Directory(to)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// A directory that was there before its partition is not ours to delete, nor to append to.
    pub(crate) fn set_aside_stray(&mut self, id: PartitionId, lsn: Lsn) -> io::Result<()> {
        let name = id.dir_name();
        if self.strays.remove(&name) {
            let aside = format!("{name}.{lsn}.stray");
            self.files.disk.rename(name.as_ref(), aside.as_ref())?;
            self.root_dirty = true;
        }
        Ok(())
    }
}

/// Cuts a log: later segments go, the one that is cut becomes active again, producers and epochs forget.
pub(crate) fn cut(
    files: &Arc<FileCache>,
    partition: &mut Partition,
    cut: Cut,
    index_interval_bytes: u64,
    behind: Behind,
) -> io::Result<()> {
    let keep = partition.segments.partition_point(|segment| segment.base_offset <= cut.segment_base);
    for segment in partition.segments.split_off(keep) {
        match behind {
            Behind::Nothing => unlink_segment(&*files.disk, &segment)?,
            // The name may have come back since, with Extents in it.
            Behind::Extents => segment.forget_files(),
        }
        partition.dirty.segments.remove(&segment.base_offset);
    }
    partition.dirty.dir = true;
    let Some(last) = partition.segments.pop().filter(|last| last.base_offset == cut.segment_base) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the segment to be cut is not there"));
    };
    let active = last.with_sealed(None);
    partition.end = rebuild::rebuild(&active, cut.position, cut.to, index_interval_bytes)?;
    if behind == Behind::Nothing {
        cut_log(&active, cut.position)?;
    }
    partition.dirty.segments.insert(cut.segment_base);
    partition.room = Room::default();
    partition.segments.push(Arc::new(active));
    // If the log started inside the batch that went.
    partition.log_start = partition.log_start.min(cut.to);
    partition.cleaned_offset = partition.cleaned_offset.min(cut.to);
    partition.epochs.truncate_from_end(cut.to);
    forget_truncated(partition, cut.to);
    partition.refresh_view();
    Ok(())
}

/// Producers forget what was cut off; of those that lost all they had, the log below is asked.
fn forget_truncated(partition: &mut Partition, to: i64) {
    let lost = partition.producers.truncate_from_end(to);
    if !lost.is_empty() {
        let ProducerTable(found) = rebuild::find_producers(&partition.segments, &lost, &partition.end);
        partition.producers.0.extend(found);
    }
}

/// Moves a log's start. Deleted segments get a name that no segment has, and are unlinked elsewhere.
pub(crate) fn start(
    files: &Arc<FileCache>,
    partition: &mut Partition,
    start: NewStart,
    garbage: &mut Vec<Garbage>,
) -> io::Result<()> {
    let delete = partition.segments.partition_point(|segment| segment.base_offset < start.first_segment);
    for segment in partition.segments.drain(..delete) {
        segment.forget_files();
        partition.dirty.segments.remove(&segment.base_offset);
        partition.dirty.dir = true;
        set_aside(&*files.disk, &segment, garbage)?;
    }
    if partition.segments.is_empty() {
        partition.end = crate::end::LogEnd::empty(start.first_segment);
        partition.segments.push(Arc::new(Segment::new(files, partition.id, start.first_segment, None)));
    }
    partition.log_start = partition.log_start.max(start.log_start);
    partition.epochs.truncate_from_start(partition.log_start);
    partition.refresh_view();
    Ok(())
}

/// Empties a log, which goes on at `offset`. No segment begins above its end, and one that begins there is empty.
fn start_at(
    files: &Arc<FileCache>,
    partition: &mut Partition,
    offset: i64,
    garbage: &mut Vec<Garbage>,
) -> io::Result<()> {
    partition.epochs = EpochCache::default();
    partition.producers = ProducerTable::default();
    (partition.cleaned_offset, partition.gaps_below) = (0, 0);
    partition.room = Room::default();
    let start =
        NewStart { log_start: offset, first_segment: offset, segments_deleted: partition.segments.len() };
    self::start(files, partition, start, garbage)
}

fn unlink_segment(disk: &dyn Disk, segment: &Segment) -> io::Result<()> {
    segment.forget_files();
    for kind in FileKind::ALL {
        match disk.unlink(&segment.path(kind)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
