//! A bounded cache of open partition files, shared by the owner and all readers.

#![expect(
    clippy::disallowed_types,
    reason = "a library's own cache: held for a map look-up, never across I/O, a call-back or another lock"
)]

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::disk::{Disk, DiskFile, OpenMode};

/// Which of a segment's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FileKind {
    Log,
    Index,
    TimeIndex,
}

impl FileKind {
    pub(crate) const ALL: [Self; 3] = [Self::Log, Self::Index, Self::TimeIndex];

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Index => "index",
            Self::TimeIndex => "timeindex",
        }
    }
}

/// A segment's identity in this process: a new one each time a segment file is created or found, so that a file
/// deleted and created again under the same name is not mistaken for the old one.
pub(crate) type FileUid = u64;

/// Open files, least recently used ones closed first.
#[derive(Debug)]
pub(crate) struct FileCache {
    pub(crate) disk: Arc<dyn Disk>,
    capacity: usize,
    /// Guards which files are open, not what is in them. The only lock of this crate.
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    files: FxHashMap<(FileUid, FileKind), Entry>,
    /// Their paths lead to other files now: only what is open of them is theirs, and stays open.
    detached: FxHashSet<FileUid>,
    uses: u64,
    last_uid: FileUid,
}

#[derive(Debug)]
struct Entry {
    file: Arc<dyn DiskFile>,
    /// `u64::MAX` for that of a detached segment: it is not closed to make room.
    last_use: u64,
}

impl FileCache {
    pub(crate) fn new(disk: Arc<dyn Disk>, capacity: usize) -> Self {
        Self { disk, capacity: capacity.max(4), open: Mutex::default() }
    }

    pub(crate) fn new_uid(&self) -> FileUid {
        let mut open = self.open();
        open.last_uid += 1;
        open.last_uid
    }

    /// The file, opened if it is not open. `path` is asked only then. Of a segment that is [detached](Self::detach): `NotFound` if
    /// it was not open.
    pub(crate) fn get(
        &self,
        uid: FileUid,
        kind: FileKind,
        mode: OpenMode,
        path: impl FnOnce() -> PathBuf,
    ) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = self.open().find(uid, kind) {
            return file.ok_or_else(|| io::ErrorKind::NotFound.into());
        }
        let file = self.disk.open(&path(), mode)?;
        let mut open = self.open();
        // Detached meanwhile: what was opened may be another segment's.
        if let Some(found) = open.find(uid, kind) {
            return found.ok_or_else(|| io::ErrorKind::NotFound.into());
        }
        open.insert(uid, kind, &file, self.capacity);
        Ok(file)
    }

    /// Ties a segment to these files, which it has open, until it is [forgotten](Self::forget): its paths are about to lead to others.
    pub(crate) fn detach(&self, uid: FileUid, files: Vec<(FileKind, Arc<dyn DiskFile>)>) {
        let mut open = self.open();
        for (kind, file) in files {
            open.files.insert((uid, kind), Entry { file, last_use: u64::MAX });
        }
        open.detached.insert(uid);
    }

    /// Closes a segment's files as soon as nobody uses them.
    pub(crate) fn forget(&self, uid: FileUid) {
        let mut open = self.open();
        open.detached.remove(&uid);
        for kind in FileKind::ALL {
            open.files.remove(&(uid, kind));
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// `Some(None)`: it is not there, and not to be opened.
    fn find(&mut self, uid: FileUid, kind: FileKind) -> Option<Option<Arc<dyn DiskFile>>> {
        let detached = self.detached.contains(&uid);
        self.uses += 1;
        match self.files.get_mut(&(uid, kind)) {
            None => detached.then_some(None),
            Some(entry) => {
                entry.last_use = if detached { u64::MAX } else { self.uses };
                Some(Some(Arc::clone(&entry.file)))
            }
        }
    }

    fn insert(&mut self, uid: FileUid, kind: FileKind, file: &Arc<dyn DiskFile>, capacity: usize) {
        if self.files.len() >= capacity {
            self.evict(capacity - capacity / 4);
        }
        self.uses += 1;
        self.files.insert((uid, kind), Entry { file: Arc::clone(file), last_use: self.uses });
    }

    /// Closes the least recently used files, a quarter at once, so that this stays rare.
    fn evict(&mut self, keep: usize) {
        let mut uses: Vec<u64> = self.files.values().map(|entry| entry.last_use).collect();
        let drop = uses.len().saturating_sub(keep);
        if drop > 0 && drop < uses.len() {
            let (_, &mut threshold, _) = uses.select_nth_unstable(drop);
            self.files.retain(|_, entry| entry.last_use >= threshold);
        }
    }
}
