//! A deterministic disk in memory, on which power cuts, full disks and broken sectors can be had at will.
//!
//! What is not synced may be lost, kept or torn at a [`SimDisk::crash`]: per sector for file contents, per change for
//! directory entries. Every operation that changes something is counted, so that a test can cut the power after each.

#![expect(
    clippy::disallowed_types,
    reason = "a simulated disk: its lock stands for the kernel's, and is never measured"
)]

mod inode;

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{DirEntry, DirLock, Disk, DiskFile, OpenMode, Space};
use inode::{Directory, FileData, Inode, Rng};

/// What a disk without a capacity says that it has.
const UNBOUNDED_BYTES: u64 = 1 << 40;

/// What a power cut does to what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// All of it is lost.
    Lost,
    /// All of it is kept, as after the end of the process alone.
    Kept,
    /// Each sector and each directory entry by itself is lost or kept, as this seed has it.
    Torn(u64),
}

/// Kinds of operations, for faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpKind {
    /// `write_all_at`
    Write,
    /// `read_at`, `read_cached_at`
    Read,
    /// `sync_data`
    Sync,
    /// `sync_dir`
    SyncDir,
    /// `set_len`
    SetLen,
    /// `open` that creates, `create_dir`
    Create,
    /// `rename`
    Rename,
    /// `unlink`, `remove_dir`
    Unlink,
}

/// An error to be injected.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which operations fail.
    pub kind: OpKind,
    /// Only on paths that contain this.
    pub path_contains: String,
    /// Matching operations that still succeed before.
    pub after: u32,
    /// Matching operations that fail then.
    pub times: u32,
    /// With this error.
    pub error: io::ErrorKind,
}

#[derive(Debug)]
struct State {
    inodes: Vec<Inode>,
    ops: u64,
    crash_after: Option<u64>,
    locked: bool,
    cached: bool,
    capacity: Option<u64>,
    faults: Vec<Fault>,
    rng: Rng,
}

/// The root directory's inode.
const ROOT: usize = 0;

/// A disk in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::of(vec![Inode::Directory(Directory::default())], Rng(seed))
    }

    fn of(inodes: Vec<Inode>, rng: Rng) -> Self {
        let state = State {
            inodes,
            ops: 0,
            crash_after: None,
            locked: false,
            cached: true,
            capacity: None,
            faults: Vec::new(),
            rng,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Cuts the power when `ops` changing operations (counted from now) have succeeded: everything after fails.
    pub fn crash_after(&self, ops: u64) {
        let mut state = self.state();
        state.crash_after = Some(state.ops + ops);
    }

    /// Changing operations so far.
    #[must_use]
    pub fn ops(&self) -> u64 {
        self.state().ops
    }

    /// The disk as the next start finds it. This one is left as it is.
    #[must_use]
    pub fn crash(&self, crash: Crash) -> Self {
        let state = self.state();
        let mut rng = Rng(match crash {
            Crash::Torn(seed) => seed,
            Crash::Lost | Crash::Kept => 0,
        });
        let mut inodes: Vec<Inode> =
            state.inodes.iter().map(|inode| inode.after_crash(crash, &mut rng)).collect();
        inode::free_unnamed(&mut inodes);
        Self::of(inodes, rng)
    }

    /// Injects an error.
    pub fn fail(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Whether some injected error has not happened yet.
    #[must_use]
    pub fn has_faults_to_come(&self) -> bool {
        self.state().faults.iter().any(|fault| fault.times > 0)
    }

    /// Ends all injected errors.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Bounds the bytes of all files; a write that passes it is cut somewhere and fails. `None` lifts the bound.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Bytes of all files.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.state().used_bytes()
    }

    /// Whether files count as being in the page cache; if not, cached reads fail with `WouldBlock`.
    pub fn set_cached(&self, cached: bool) {
        self.state().cached = cached;
    }

    /// Flips one bit, on disk and in the page cache.
    pub fn corrupt(&self, path: &Path, position: u64) -> io::Result<()> {
        let mut state = self.state();
        let ino = state.find(path)?;
        state.file(ino)?.corrupt(position)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Every operation passes here: power cut, counting, injected errors.
    fn enter(&mut self, kind: OpKind, path: &str) -> io::Result<()> {
        if self.crash_after.is_some_and(|limit| self.ops >= limit) {
            return Err(io::Error::other("simulated power cut"));
        }
        if kind != OpKind::Read {
            self.ops += 1;
        }
        for fault in &mut self.faults {
            if fault.kind != kind || !path.contains(&fault.path_contains) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
            } else if fault.times > 0 {
                fault.times -= 1;
                return Err(fault.error.into());
            }
        }
        Ok(())
    }

    fn used_bytes(&self) -> u64 {
        self.inodes.iter().map(Inode::bytes).sum()
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut ino = ROOT;
        for component in path.components() {
            let Component::Normal(name) = component else { return Err(io::ErrorKind::InvalidInput.into()) };
            let Inode::Directory(directory) = &self.inodes[ino] else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            let name = name.to_str().ok_or(io::ErrorKind::InvalidInput)?;
            ino = *directory.entries.get(name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(ino)
    }

    fn parent(&mut self, path: &Path) -> io::Result<(&mut Directory, String, usize)> {
        let parent = self.find(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        let name = path.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
        match &mut self.inodes[parent] {
            Inode::Directory(directory) => Ok((directory, name.to_owned(), parent)),
            Inode::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn file(&mut self, ino: usize) -> io::Result<&mut FileData> {
        match &mut self.inodes[ino] {
            Inode::File(file) => Ok(file),
            Inode::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn add(&mut self, path: &Path, inode: Inode) -> io::Result<usize> {
        let ino = self.inodes.len();
        let (directory, name, _) = self.parent(path)?;
        directory.change(vec![(name, Some(ino))]);
        self.inodes.push(inode);
        Ok(ino)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        let ino = self.find(path)?;
        let (directory, name, _) = self.parent(path)?;
        directory.change(vec![(name, None)]);
        if let Inode::File(file) = &mut self.inodes[ino] {
            file.unlinked = true;
        }
        Ok(())
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let name = path.to_string_lossy().into_owned();
        let ino = match state.find(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && mode == OpenMode::Create => {
                state.enter(OpKind::Create, &name)?;
                state.add(path, Inode::File(FileData::default()))?
            }
            found => {
                state.enter(OpKind::Read, &name)?;
                found?
            }
        };
        state.file(ino)?;
        Ok(Arc::new(SimFile { disk: self.clone(), ino, name }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.find(path).is_ok() {
            return Ok(());
        }
        state.enter(OpKind::Create, &path.to_string_lossy())?;
        state.add(path, Inode::Directory(Directory::default())).map(|_| ())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.enter(OpKind::Rename, &from.to_string_lossy())?;
        let ino = state.find(from)?;
        let (_, from_name, from_dir) = state.parent(from)?;
        let (_, to_name, to_dir) = state.parent(to)?;
        if let Ok(replaced) = state.find(to) {
            state.file(replaced)?.unlinked = true;
        }
        let (remove, add) = ((from_name, None), (to_name, Some(ino)));
        let changes = if from_dir == to_dir {
            vec![(to_dir, vec![remove, add])]
        } else {
            vec![(from_dir, vec![remove]), (to_dir, vec![add])]
        };
        for (dir, change) in changes {
            if let Inode::Directory(directory) = &mut state.inodes[dir] {
                directory.change(change);
            }
        }
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.enter(OpKind::Unlink, &path.to_string_lossy())?;
        let ino = state.find(path)?;
        state.file(ino)?;
        state.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.enter(OpKind::Unlink, &path.to_string_lossy())?;
        let ino = state.find(path)?;
        match &state.inodes[ino] {
            Inode::Directory(directory) if directory.entries.is_empty() => state.remove(path),
            Inode::Directory(_) => Err(io::ErrorKind::DirectoryNotEmpty.into()),
            Inode::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.enter(OpKind::SyncDir, &path.to_string_lossy())?;
        let ino = state.find(path)?;
        match &mut state.inodes[ino] {
            Inode::Directory(directory) => directory.sync(),
            Inode::File(_) => return Err(io::ErrorKind::NotADirectory.into()),
        }
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut state = self.state();
        state.enter(OpKind::Read, &path.to_string_lossy())?;
        let ino = state.find(path)?;
        let entries: BTreeMap<String, usize> = match &state.inodes[ino] {
            Inode::Directory(directory) => directory.entries.clone(),
            Inode::File(_) => return Err(io::ErrorKind::NotADirectory.into()),
        };
        let entry = |(name, ino): (String, usize)| {
            let inode = &state.inodes[ino];
            DirEntry { name, is_dir: matches!(inode, Inode::Directory(_)), len: inode.bytes() }
        };
        Ok(entries.into_iter().map(entry).collect())
    }

    fn space(&self) -> io::Result<Space> {
        let state = self.state();
        let total_bytes = state.capacity.unwrap_or(UNBOUNDED_BYTES);
        Ok(Space { total_bytes, usable_bytes: total_bytes.saturating_sub(state.used_bytes()) })
    }

    fn lock(&self) -> io::Result<Box<dyn DirLock>> {
        let mut state = self.state();
        if state.locked {
            return Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "the simulated disk is in use: drop the other log",
            ));
        }
        state.locked = true;
        Ok(Box::new(SimLock { disk: self.clone() }))
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
}

impl DirLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().locked = false;
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    ino: usize,
    name: String,
}

impl DiskFile for SimFile {
    fn write_all_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let entered = state.enter(OpKind::Write, &self.name);
        let mut bytes: Vec<u8> = bufs.iter().flat_map(|slice| slice.iter().copied()).collect();
        let wanted = bytes.len();
        if let Err(error) = &entered {
            if error.kind() != io::ErrorKind::StorageFull {
                return entered;
            }
            // A full disk: some of it may have been written.
            bytes.truncate(state.rng.below(wanted + 1));
        } else if let Some(capacity) = state.capacity {
            let free = capacity.saturating_sub(state.used_bytes());
            let end = state.file(self.ino)?.len() + free;
            bytes.truncate(usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX));
        }
        let full = bytes.len() < wanted || entered.is_err();
        state.file(self.ino)?.write(&bytes, offset);
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.enter(OpKind::Read, &self.name)?;
        Ok(state.file(self.ino)?.read(buf, offset))
    }

    fn read_cached_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if !self.disk.state().cached {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.read_at(buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.enter(OpKind::Sync, &self.name)?;
        state.file(self.ino)?.sync();
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.enter(OpKind::SetLen, &self.name)?;
        state.file(self.ino)?.set_len(len);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().file(self.ino)?.len())
    }
}
