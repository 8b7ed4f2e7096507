//! Writing a checkpoint, on any thread: sync first, then say so, then replace the old one.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use super::Encoded;
use crate::disk::{Disk, OpenMode, write_at};
use crate::error::{CommitError, is_storage_full};
use crate::files::FileKind;
use crate::limits;
use crate::partition::Dirty;
use crate::segment::Segment;
use crate::types::{Lsn, PartitionId};
use crate::wal::fatal;

/// Dirty files by partition, with the segments to open them by.
pub(crate) type DirtyFiles = HashMap<PartitionId, (Dirty, Vec<Arc<Segment>>), FxBuildHasher>;

/// A checkpoint to be written, on any thread.
#[derive(Debug)]
pub struct CheckpointJob(pub(crate) JobParts);

#[derive(Debug)]
pub(crate) struct JobParts {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) lsn: Lsn,
    pub(crate) encoded: Encoded,
    pub(crate) dirty: DirtyFiles,
    /// Names in the data directory changed.
    pub(crate) root_dirty: bool,
    /// WAL bytes written when the state was taken.
    pub(crate) written_bytes: u64,
}

/// A checkpoint that was written, or failed.
#[derive(Debug)]
pub struct CheckpointDone {
    pub(crate) lsn: Lsn,
    pub(crate) written_bytes: u64,
    pub(crate) dirty: DirtyFiles,
    pub(crate) root_dirty: bool,
    pub(crate) result: Result<(), CommitError>,
}

impl CheckpointJob {
    /// Syncs segment files and their directories, then writes the checkpoint, and makes room for the next one.
    #[must_use]
    pub fn run(self) -> CheckpointDone {
        let parts = self.0;
        let result = parts.sync_files().and_then(|()| parts.write());
        if result.is_ok()
            && let Err(error) = parts.keep_room()
        {
            tracing::debug!(%error, "no room could be kept for the next checkpoint");
        }
        let JobParts { lsn, dirty, root_dirty, written_bytes, .. } = parts;
        CheckpointDone { lsn, written_bytes, dirty, root_dirty, result }
    }
}

impl JobParts {
    fn sync_files(&self) -> Result<(), CommitError> {
        for (id, (dirty, segments)) in &self.dirty {
            for segment in segments {
                for kind in FileKind::ALL {
                    // Deleted meanwhile: then a record above our LSN says so.
                    gone_is_fine(sync_file(segment, kind))
                        .map_err(|error| fatal("syncing a segment", &error))?;
                }
            }
            if dirty.dir {
                let synced = self.disk.sync_dir(id.dir_name().as_ref());
                gone_is_fine(synced).map_err(|error| fatal("syncing a partition directory", &error))?;
            }
        }
        if self.root_dirty {
            self.disk.sync_dir("".as_ref()).map_err(|error| fatal("syncing the data directory", &error))?;
        }
        Ok(())
    }

    fn write(&self) -> Result<(), CommitError> {
        let classify = |what: &'static str| {
            move |error: io::Error| {
                if is_storage_full(&error) { CommitError::StorageFull } else { fatal(what, &error) }
            }
        };
        let temporary = super::TEMPORARY_FILE.as_ref();
        let file =
            self.disk.open(temporary, OpenMode::Create).map_err(classify("creating the checkpoint"))?;
        // Over the room that was kept: a start on a full disk needs it.
        let prefix = self.encoded.prefix();
        file.write_all_at(&mut self.encoded.slices(&prefix), 0)
            .map_err(classify("writing the checkpoint"))?;
        file.set_len(self.encoded.len()).map_err(classify("cutting the checkpoint"))?;
        file.sync_data().map_err(|error| fatal("syncing the checkpoint", &error))?;
        self.disk.rename(temporary, super::FILE.as_ref()).map_err(classify("renaming the checkpoint"))?;
        self.disk.sync_dir("".as_ref()).map_err(|error| fatal("syncing the data directory", &error))
    }

    /// Fills the temporary file with twice what this checkpoint took, from the room that the one before it has left.
    fn keep_room(&self) -> io::Result<()> {
        let kept = (self.encoded.len() * 2).next_multiple_of(limits::BLOCK_BYTES);
        let file = self.disk.open(super::TEMPORARY_FILE.as_ref(), OpenMode::Create)?;
        let zeros = vec![0; usize::try_from(kept).map_err(io::Error::other)?];
        write_at(&*file, &zeros, 0)?;
        file.sync_data()
    }
}

fn sync_file(segment: &Segment, kind: FileKind) -> io::Result<()> {
    segment.open(kind, OpenMode::Existing)?.sync_data()
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
