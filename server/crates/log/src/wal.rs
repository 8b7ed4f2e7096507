//! The write-ahead log: preallocated segment files, one vectored write and one sync per group.
//!
//! A file's name says nothing but its number: which segment it holds is in its header. So a file is recycled by
//! writing a new header together with the first group, and no directory changes on the hot path.

pub(crate) mod group;
pub(crate) mod header;
pub(crate) mod prepare;
pub(crate) mod record;
pub(crate) mod scan;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::disk::{Disk, DiskFile, OpenMode, write_at};
use crate::error::{CommitError, is_storage_full};
use crate::types::Lsn;
use group::Group;
use header::SegmentHeader;

/// Directory of the WAL files.
pub(crate) const DIR: &str = "wal";
/// Bytes zeroed over the front of a group that could not be written whole.
const ERASED_BYTES: usize = 512;

pub(crate) fn file_path(number: u64) -> PathBuf {
    Path::new(DIR).join(format!("{number:08}.wal"))
}

/// Number of a WAL file, by its name.
pub(crate) fn parse_file_name(name: &str) -> Option<u64> {
    name.strip_suffix(".wal")?.parse().ok()
}

/// A WAL file.
#[derive(Debug, Clone)]
pub(crate) struct WalFile {
    pub(crate) number: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Bytes that are there to be overwritten.
    pub(crate) bytes: u64,
}

impl WalFile {
    /// Cuts off what a failed write has left behind the segment's end. If that fails, the room is wasted, and nothing else.
    fn give_back_excess(&self) {
        if self.file.len().is_ok_and(|len| len > self.bytes)
            && let Err(error) = self.file.set_len(self.bytes)
        {
            tracing::debug!(%error, number = self.number, "a WAL segment stays longer than it should be");
        }
    }
}

/// The segment that is written to.
#[derive(Debug)]
struct Current {
    file: WalFile,
    header: SegmentHeader,
    /// Where the next group goes. The header is written with the first group.
    position: u64,
    header_written: bool,
    /// The file was created here and now, and its name must be made durable with the first group.
    new_name: bool,
}

/// A full segment.
#[derive(Debug)]
struct Full {
    file: WalFile,
    last_lsn: Lsn,
}

/// Who owns the WAL files.
#[derive(Debug)]
pub(crate) struct Wal {
    disk: Arc<dyn Disk>,
    dir_id: Uuid,
    run: u64,
    segment_bytes: u64,
    max_spares: usize,
    current: Option<Current>,
    full: VecDeque<Full>,
    spares: VecDeque<WalFile>,
    next_seq: u64,
    next_file: u64,
    next_lsn: Lsn,
    synced_lsn: Lsn,
    attempt: u32,
    written_bytes: u64,
}

/// A group and its place in the WAL.
#[derive(Debug)]
pub(crate) struct Reserved {
    file: Arc<dyn DiskFile>,
    position: u64,
    group: Group,
    last_lsn: Lsn,
}

impl Reserved {
    /// Writes it where it belongs, and syncs it.
    pub(crate) fn write_and_sync(&self) -> Result<(), CommitError> {
        let mut slices = Vec::new();
        self.group.slices(&mut slices);
        self.file
            .write_all_at(&mut slices, self.position)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| fatal("writing the WAL", &error))
    }
}

/// What a new [`Wal`] goes on from.
#[derive(Debug)]
pub(crate) struct WalStart {
    pub(crate) dir_id: Uuid,
    pub(crate) run: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) max_spares: usize,
    pub(crate) next_seq: u64,
    pub(crate) next_file: u64,
    pub(crate) next_lsn: Lsn,
    pub(crate) spares: VecDeque<WalFile>,
}

impl Wal {
    pub(crate) fn new(disk: Arc<dyn Disk>, start: WalStart) -> Self {
        Self {
            disk,
            dir_id: start.dir_id,
            run: start.run,
            segment_bytes: start.segment_bytes,
            max_spares: start.max_spares,
            current: None,
            full: VecDeque::new(),
            spares: start.spares,
            next_seq: start.next_seq,
            next_file: start.next_file,
            next_lsn: start.next_lsn,
            synced_lsn: start.next_lsn - 1,
            attempt: 0,
            written_bytes: 0,
        }
    }

    /// LSN that the next group begins with.
    pub(crate) fn next_lsn(&self) -> Lsn {
        self.next_lsn
    }

    /// Bytes of groups written so far, and of what they refer to: what a recovery has to read.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Writes a group, without a sync. If the disk is full, the WAL is as before.
    pub(crate) fn write(&mut self, group: &mut Group) -> Result<(), CommitError> {
        if group.records() == 0 {
            return Ok(());
        }
        self.ensure_room(group.bytes())?;
        let (synced_lsn, attempt) = (self.synced_lsn, self.attempt + 1);
        self.attempt = attempt;
        let Some(current) = &mut self.current else {
            return Err(fatal("no WAL segment", &io::ErrorKind::NotFound.into()));
        };
        group.seal(current.header.salt(), synced_lsn, attempt);
        let header = (!current.header_written).then(|| current.header.encode());
        let at = if header.is_some() { 0 } else { current.position };
        let mut slices: Vec<IoSlice<'_>> = header.iter().map(|header| IoSlice::new(header)).collect();
        group.slices(&mut slices);
        match current.file.file.write_all_at(&mut slices, at) {
            Ok(()) => {}
            Err(error) if is_storage_full(&error) => {
                // Whatever part of it is there must not come back to life: later attempts outnumber it, and its
                // front is erased if the disk allows that much.
                let erased = write_at(&*current.file.file, &[0; ERASED_BYTES], current.position);
                current.file.give_back_excess();
                if group.extent_bytes() > 0 {
                    // An Extent claims bytes that are about to be taken back: it must be gone for good.
                    erased
                        .and_then(|()| current.file.file.sync_data())
                        .map_err(|error| fatal("erasing a group from the WAL", &error))?;
                }
                return Err(CommitError::StorageFull);
            }
            Err(error) => return Err(fatal("writing the WAL", &error)),
        }
        current.header_written = true;
        current.position += group.bytes();
        // One that was made longer is not used again: its room is wanted back.
        current.file.bytes = current.file.bytes.max(current.position);
        self.next_lsn += group.records();
        self.written_bytes += group.bytes() + group.extent_bytes();
        Ok(())
    }

    /// Whether so many bytes can be written over what is there: no header, no new name, no new block.
    pub(crate) fn is_ready_for(&self, bytes: u64) -> bool {
        self.current.as_ref().is_some_and(|current| {
            current.header_written && !current.new_name && current.position + bytes <= current.file.bytes
        })
    }

    /// Gives a group its place, to be written by whoever gets it. The WAL must be ready for it.
    pub(crate) fn reserve(&mut self, mut group: Group) -> Reserved {
        let current = self.current.as_mut().expect("a WAL that is ready has a segment");
        self.attempt += 1;
        group.seal(current.header.salt(), self.synced_lsn, self.attempt);
        let (file, position) = (Arc::clone(&current.file.file), current.position);
        current.position += group.bytes();
        self.next_lsn += group.records();
        self.written_bytes += group.bytes() + group.extent_bytes();
        Reserved { file, position, group, last_lsn: self.next_lsn - 1 }
    }

    /// A reserved group is durable, and so is everything before it.
    pub(crate) fn note_synced(&mut self, reserved: &Reserved) {
        self.synced_lsn = reserved.last_lsn;
    }

    /// Makes everything written durable.
    pub(crate) fn sync(&mut self) -> Result<(), CommitError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        if self.synced_lsn + 1 == self.next_lsn {
            return Ok(());
        }
        current.file.file.sync_data().map_err(|error| fatal("syncing the WAL", &error))?;
        if current.new_name {
            self.disk.sync_dir(DIR.as_ref()).map_err(|error| fatal("syncing the WAL directory", &error))?;
            current.new_name = false;
        }
        self.synced_lsn = self.next_lsn - 1;
        Ok(())
    }

    /// Goes on to another segment if the group does not fit into what is left of this one.
    fn ensure_room(&mut self, bytes: u64) -> Result<(), CommitError> {
        if let Some(current) = &self.current {
            let fits = current.position + bytes <= current.file.bytes;
            // A group longer than a segment gets one for itself, and extends it.
            if fits || current.position == SegmentHeader::BYTES {
                return Ok(());
            }
        }
        // The next header claims that everything before it is synced.
        self.sync()?;
        let (file, new_name) = self.next_file()?;
        let header = SegmentHeader {
            dir_id: self.dir_id,
            run: self.run,
            seq: self.next_seq,
            start_lsn: self.next_lsn,
        };
        self.next_seq += 1;
        self.attempt = 0;
        let position = SegmentHeader::BYTES;
        let next = Current { file, header, position, header_written: false, new_name };
        if let Some(old) = self.current.replace(next) {
            self.full.push_back(Full { file: old.file, last_lsn: self.next_lsn - 1 });
        }
        Ok(())
    }

    fn next_file(&mut self) -> Result<(WalFile, bool), CommitError> {
        if let Some(spare) = self.spares.pop_front() {
            return Ok((spare, false));
        }
        let number = self.next_file;
        self.next_file += 1;
        tracing::warn!(number, "no WAL segment is ready: the next syncs are slower");
        match self.disk.open(&file_path(number), OpenMode::Create) {
            Ok(file) => Ok((WalFile { number, file, bytes: self.segment_bytes }, true)),
            Err(error) if is_storage_full(&error) => Err(CommitError::StorageFull),
            Err(error) => Err(fatal("creating a WAL segment", &error)),
        }
    }

    /// After a durable checkpoint at `lsn`: segments with nothing above it are used again. Returns files to unlink.
    pub(crate) fn recycle(&mut self, lsn: Lsn) -> Vec<PathBuf> {
        let mut unlink = Vec::new();
        while self.full.front().is_some_and(|full| full.last_lsn <= lsn) {
            let Some(full) = self.full.pop_front() else { break };
            let standard = full.file.bytes == self.segment_bytes;
            if standard && self.spares.len() < self.max_spares {
                self.spares.push_back(full.file);
            } else {
                unlink.push(file_path(full.file.number));
            }
        }
        unlink
    }

    /// A job that prepares one more segment, if none is ready and one will be needed: half a segment's room is left.
    pub(crate) fn prepare_job(&mut self) -> Option<prepare::WalPrepareJob> {
        let room =
            self.current.as_ref().map_or(0, |current| current.file.bytes.saturating_sub(current.position));
        if !self.spares.is_empty() || self.max_spares == 0 || room > self.segment_bytes / 2 {
            return None;
        }
        self.prepare_first(self.segment_bytes)
    }

    /// A job that prepares a segment of this size.
    pub(crate) fn prepare_first(&mut self, bytes: u64) -> Option<prepare::WalPrepareJob> {
        let number = self.next_file;
        self.next_file += 1;
        Some(prepare::WalPrepareJob::new(Arc::clone(&self.disk), number, bytes))
    }

    pub(crate) fn add_spare(&mut self, file: WalFile) {
        self.spares.push_back(file);
    }
}

pub(crate) fn fatal(what: &str, error: &io::Error) -> CommitError {
    CommitError::Fatal(format!("{what}: {error}"))
}
