//! Files that are deleted in the log's eyes, and only have to be unlinked.

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::Disk;

/// Suffix of what is deleted and still there. `open` removes it.
pub(crate) const DELETED: &str = ".deleted";

#[derive(Debug)]
pub(crate) enum Garbage {
    File(PathBuf),
    /// A directory and the files in it.
    Directory(PathBuf),
}

/// Files to be unlinked, on any thread.
#[derive(Debug)]
pub struct GarbageJob {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) garbage: Vec<Garbage>,
}

impl GarbageJob {
    /// Unlinks them. What fails is found again by the next `open`.
    pub fn run(self) {
        for garbage in &self.garbage {
            if let Err(error) = remove(&*self.disk, garbage) {
                tracing::warn!(?garbage, %error, "could not be deleted");
            }
        }
    }
}

pub(crate) fn remove(disk: &dyn Disk, garbage: &Garbage) -> std::io::Result<()> {
    match garbage {
        Garbage::File(path) => disk.unlink(path),
        Garbage::Directory(path) => {
            for entry in disk.read_dir(path)? {
                disk.unlink(&path.join(entry.name))?;
            }
            disk.remove_dir(path)
        }
    }
}
