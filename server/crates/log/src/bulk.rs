//! Bulk goes straight: large appends are written and synced in their segments, and leave an Extent per batch in the WAL
//! in place of their bodies, so that their bytes are written once.
//!
//! Order: segments (page cache), sync of each, then the WAL write with the Extents, and its sync. So an Extent that is
//! there claims bytes that are durable, and bytes without an Extent are behind the log's end: recovery cuts them off.

use crate::apply::{Behind, undo_runs, write_runs};
use crate::disk::{Disk, OpenMode};
use crate::error::{CommitError, is_storage_full};
use crate::files::FileKind;
use crate::limits;
use crate::log::Log;
use crate::partition::{Partition, StagedChange};
use crate::types::{FlushPolicy, PartitionId};
use crate::wal::fatal;

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
        for id in &straight {
            if let Some(partition) = self.partitions.get_mut(id) {
                sync_straight(&*self.files.disk, partition)
                    .map_err(|error| fatal("syncing a segment", &error))?;
            }
        }
        self.group.make_extents(&straight);
        Ok(())
    }

    fn staged_bytes(&self) -> Vec<(PartitionId, u64)> {
        let appended = |id: &PartitionId| match self.partitions.get(id)?.staged.as_deref()? {
            StagedChange::Appends(appends) => Some((*id, appends.bytes)),
            StagedChange::Alone => None,
        };
        self.staged.iter().filter_map(appended).collect()
    }

    fn write_straight(&mut self, id: PartitionId) -> std::io::Result<()> {
        let Some(partition) = self.partitions.get_mut(&id) else { return Ok(()) };
        self.root_dirty |= write_runs(&self.files, partition, Behind::Nothing)?;
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

/// Syncs the segments that were written to, and their names if they are new.
fn sync_straight(disk: &dyn Disk, partition: &mut Partition) -> std::io::Result<()> {
    let Some(StagedChange::Appends(appends)) = partition.staged.as_deref() else { return Ok(()) };
    for run in appends.runs.iter().filter(|run| run.has_batches()) {
        if let Some(segment) = partition.segment(run.segment_base) {
            segment.open(FileKind::Log, OpenMode::Existing)?.sync_data()?;
        }
    }
    if partition.names_unsynced {
        disk.sync_dir(partition.id.dir_name().as_ref())?;
        disk.sync_dir("".as_ref())?;
        partition.names_unsynced = false;
    }
    Ok(())
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
