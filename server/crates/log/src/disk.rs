//! The disk seam: everything this crate asks of a file system. Paths are relative to the data directory.

pub mod real;
pub mod sim;

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

pub use real::RealDisk;
pub use sim::SimDisk;

/// A data directory.
///
/// Durability, as POSIX has it: written bytes survive a power cut after [`DiskFile::sync_data`]; created, renamed and
/// removed names survive after [`Disk::sync_dir`] of the directory they are in.
pub trait Disk: Debug + Send + Sync {
    /// Opens a file for reading and writing.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;
    /// Creates a directory; its parent exists. Fine if it is there already.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Renames a file or directory; replaces a file.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable. The empty path is the data directory itself.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no order.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>>;
    /// Locks the data directory against other processes, until the value is dropped.
    fn lock(&self) -> io::Result<Box<dyn DirLock>>;
    /// How much room there is.
    fn space(&self) -> io::Result<Space>;
}

/// An open file. Usable from many threads: it has no position of its own.
pub trait DiskFile: Debug + Send + Sync {
    /// Writes all of `bufs`, in order, at `offset`. After an error any part of it may have been written.
    fn write_all_at(&self, bufs: &mut [IoSlice<'_>], offset: u64) -> io::Result<()>;
    /// Reads until `buf` is full or the file ends; returns the bytes read.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Like [`read_at`](Self::read_at), from the page cache only: `WouldBlock` if the first byte is not in it, and
    /// possibly fewer bytes than there are.
    fn read_cached_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// `fdatasync`. After an error the written bytes must be taken as lost, and the call must not be repeated.
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts or extends (with zeros).
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Sets blocks aside for bytes to come; what the file holds, and its length, stay as they are. Without it, a write finds its blocks itself.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        let _ = (offset, len);
        Ok(())
    }
    /// The file itself, for the kernel to send bytes from it; `None` if there is no such file.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;
    /// Whether there are none.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// Held while the data directory is locked.
pub trait DirLock: Debug + Send + Sync {}

/// The room of the volume that a data directory is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes of the volume.
    pub total_bytes: u64,
    /// Bytes of it that this process may still write.
    pub usable_bytes: u64,
}

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// It must exist.
    Existing,
    /// It must exist; it is not written to.
    ReadOnly,
    /// Created if it does not exist.
    Create,
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// File name, without the directory. Names that are not UTF-8 are not ours and are left out.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Bytes, for a file.
    pub len: u64,
}

/// Writes `bytes` at `offset`.
pub(crate) fn write_at(file: &dyn DiskFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(&mut [IoSlice::new(bytes)], offset)
}
