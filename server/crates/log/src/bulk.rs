//! Bulk goes straight: large appends are written and synced in their segments, and leave an Extent per batch in the WAL
//! in place of their bodies, so that their bytes are written once.
//!
//! Order: segments (page cache), sync of each, then the WAL write with the Extents, and its sync. So an Extent that is
//! there claims bytes that are durable, and bytes without an Extent are behind the log's end: recovery cuts them off.
//!
//! A group that is nothing but bulk can be left to a [`BulkJob`], which syncs it on another thread while the owner of
//! the log copies the next group into the page cache.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::apply::{Behind, undo_runs, write_runs};
use crate::disk::{Disk, DiskFile, OpenMode};
use crate::error::{CommitError, is_storage_full};
use crate::files::FileKind;
use crate::limits;
use crate::log::Log;
use crate::op::Committed;
use crate::partition::{Partition, StagedChange};
use crate::stage::Pending;
use crate::types::{FlushPolicy, PartitionId};
use crate::wal::{Reserved, fatal};

/// What makes a bulk group durable. It is run on any thread, beside others: a group whose predecessor is not in the WAL does not count.
#[derive(Debug)]
pub struct BulkJob {
    disk: Arc<dyn Disk>,
    unsynced: Unsynced,
    wal: Reserved,
    committed: Committed,
}

/// A bulk group that is durable, or is not.
#[derive(Debug)]
pub struct BulkDone {
    wal: Reserved,
    committed: Committed,
    result: Result<(), CommitError>,
}

/// What was written to, and is not durable yet.
#[derive(Debug, Default)]
struct Unsynced {
    files: Vec<Arc<dyn DiskFile>>,
    /// Directories with new names in them, in the order in which they are synced.
    dirs: Vec<PathBuf>,
}

impl BulkJob {
    /// Syncs the segments, then writes their Extents to the WAL and syncs it.
    #[must_use]
    pub fn run(self) -> BulkDone {
        let Self { disk, unsynced, wal, committed } = self;
        let result = unsynced
            .sync(&*disk)
            .map_err(|error| fatal("syncing a segment", &error))
            .and_then(|()| wal.write_and_sync());
        BulkDone { wal, committed, result }
    }
}

impl Unsynced {
    fn sync(&self, disk: &dyn Disk) -> io::Result<()> {
        self.files.iter().try_for_each(|file| file.sync_data())?;
        self.dirs.iter().try_for_each(|dir| disk.sync_dir(dir))
    }

    /// Adds the segments that were written to, and the directories of their names if they are new.
    fn add(&mut self, partition: &mut Partition) -> io::Result<()> {
        let Some(StagedChange::Appends(appends)) = partition.staged.as_deref() else { return Ok(()) };
        for run in appends.runs.iter().filter(|run| run.has_batches()) {
            if let Some(segment) = partition.segment(run.segment_base) {
                self.files.push(segment.open(FileKind::Log, OpenMode::Existing)?);
            }
        }
        if std::mem::take(&mut partition.names_unsynced) {
            self.dirs.extend([partition.id.dir_name().into(), PathBuf::new()]);
        }
        Ok(())
    }
}

/// Which partitions go straight, given the bytes staged for each: the largest ones from `bulk_bytes` on, a few.
fn choose(mut staged: Vec<(PartitionId, u64)>, bulk_bytes: u64) -> Vec<PartitionId> {
    staged.retain(|(_, bytes)| *bytes >= bulk_bytes);
    staged.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    staged.truncate(limits::MAX_BULK_PARTITIONS);
    staged.into_iter().map(|(id, _)| id).collect()
}

impl Log {
    /// Writes and syncs what goes straight, and turns its WAL records into Extents. A partition whose segment cannot
    /// be written because the disk is full is left as it was: it takes the way of all others, which knows how to
    /// refuse.
    pub(crate) fn write_bulk(&mut self) -> Result<(), CommitError> {
        if self.config.flush != FlushPolicy::Commit {
            return Ok(());
        }
        let mut straight = choose(self.staged_bytes(), self.config.bulk_bytes);
        let mut failed = None;
        straight.retain(|id| match self.write_straight(*id) {
            Ok(()) => true,
            Err(error) => {
                failed = failed.take().or(Some(error).filter(|error| !is_storage_full(error)));
                false
            }
        });
        if let Some(error) = failed {
            return Err(fatal("writing a segment", &error));
        }
        // All are written before the first is waited for.
        self.unsynced(&straight)
            .and_then(|unsynced| unsynced.sync(&*self.files.disk))
            .map_err(|error| fatal("syncing a segment", &error))?;
        self.group.make_extents(&straight);
        Ok(())
    }

    /// Writes the staged group into the page cache and returns what makes it durable; later groups may be staged and begun meanwhile. `None`
    /// if it is not bulk through and through, or the WAL has no segment ready: then nothing has happened, and it takes [`commit`](Self::commit), once
    /// all jobs are finished.
    ///
    /// # Errors
    /// The disk has failed; a full one is for `commit` to find.
    pub fn begin_bulk(&mut self) -> Result<Option<BulkJob>, CommitError> {
        self.check_fatal()?;
        let begun = self.try_begin_bulk();
        self.note_fatal(begun)
    }

    /// Takes note of a job that has been run, in the order in which they were begun. Every outcome that is `Ok` is durable.
    ///
    /// # Errors
    /// It is not durable: fatal.
    pub fn finish_bulk(&mut self, done: BulkDone) -> Result<Committed, CommitError> {
        self.bulk_jobs_out -= 1;
        self.note_fatal(done.result)?;
        self.wal.note_synced(&done.wal);
        Ok(done.committed)
    }

    fn try_begin_bulk(&mut self) -> Result<Option<BulkJob>, CommitError> {
        if !self.is_all_bulk() || !self.wal.is_ready_for(self.group.bytes_as_extents()) {
            return Ok(None);
        }
        let staged = self.staged.clone();
        for id in &staged {
            match self.write_straight(*id) {
                Ok(()) => {}
                Err(error) if is_storage_full(&error) => {
                    self.take_back_bulk()?;
                    return Ok(None);
                }
                Err(error) => return Err(fatal("writing a segment", &error)),
            }
        }
        let unsynced = self.unsynced(&staged).map_err(|error| fatal("opening a segment", &error))?;
        self.group.make_extents(&staged);
        let wal = self.wal.reserve(std::mem::take(&mut self.group));
        let committed = self.apply_group()?;
        self.bulk_jobs_out += 1;
        Ok(Some(BulkJob { disk: Arc::clone(&self.files.disk), unsynced, wal, committed }))
    }

    /// Whether everything staged goes straight.
    fn is_all_bulk(&self) -> bool {
        self.config.flush == FlushPolicy::Commit
            && !self.staged.is_empty()
            && self.pending.iter().all(|pending| matches!(pending, Pending::Append { .. }))
            && choose(self.staged_bytes(), self.config.bulk_bytes).len() == self.staged.len()
    }

    fn unsynced(&mut self, ids: &[PartitionId]) -> io::Result<Unsynced> {
        let mut unsynced = Unsynced::default();
        for id in ids {
            if let Some(partition) = self.partitions.get_mut(id) {
                unsynced.add(partition)?;
            }
        }
        Ok(unsynced)
    }

    fn staged_bytes(&self) -> Vec<(PartitionId, u64)> {
        let appended = |id: &PartitionId| match self.partitions.get(id)?.staged.as_deref()? {
            StagedChange::Appends(appends) => Some((*id, appends.bytes)),
            StagedChange::Alone => None,
        };
        self.staged.iter().filter_map(appended).collect()
    }

    fn write_straight(&mut self, id: PartitionId) -> io::Result<()> {
        let Some(partition) = self.partitions.get_mut(&id) else { return Ok(()) };
        self.root_dirty |= write_runs(&self.files, partition, Behind::Nothing)?;
        partition.make_room();
        Ok(())
    }

    /// There is no room in the WAL for the Extents: the segments become what they were.
    pub(crate) fn take_back_bulk(&mut self) -> Result<(), CommitError> {
        for id in &self.staged {
            let Some(partition) = self.partitions.get_mut(id) else { continue };
            let Some(mut change) = partition.staged.take() else { continue };
            if let StagedChange::Appends(appends) = &mut *change
                && let Some(before) = appends.written_over.take()
            {
                undo_runs(&self.files, partition, before, appends)
                    .map_err(|error| fatal("taking back a segment write", &error))?;
            }
            partition.staged = Some(change);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_largest_few_go_straight() {
        let id = |partition| PartitionId { topic_id: Uuid::nil(), partition };
        let staged = |bytes: &[u64]| (0..).map(id).zip(bytes.iter().copied()).collect::<Vec<_>>();
        for (bytes, expected) in [
            (&[][..], &[][..]),
            (&[99, 10], &[]),
            (&[99, 100, 10, 300], &[3, 1]),
            (&[100, 101, 102, 103, 104, 5], &[4, 3, 2, 1]),
        ] {
            let chosen: Vec<_> = choose(staged(bytes), 100).iter().map(|id| id.partition).collect();
            assert_eq!(chosen, expected, "{bytes:?}");
        }
    }
}
