//! Files and directories of the simulated disk, each with what is durable and what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::Crash;

/// Bytes of a sector, the unit that a disk writes whole.
const SECTOR_BYTES: usize = 512;
/// Sectors of a page, the unit that an operating system writes.
const SECTORS_PER_PAGE: usize = 8;

/// SplitMix64.
#[derive(Debug, Clone)]
pub(super) struct Rng(pub(super) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }
}

#[derive(Debug, Clone)]
pub(super) enum Inode {
    File(FileData),
    Directory(Directory),
}

impl Inode {
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::File(file) if !file.unlinked => file.len(),
            Self::File(_) | Self::Directory(_) => 0,
        }
    }

    pub(super) fn after_crash(&self, crash: Crash, rng: &mut Rng) -> Self {
        match self {
            Self::File(file) => Self::File(file.after_crash(crash, rng)),
            Self::Directory(directory) => Self::Directory(directory.after_crash(crash, rng)),
        }
    }
}

/// What no directory names takes no room.
pub(super) fn free_unnamed(inodes: &mut [Inode]) {
    let directories = inodes.iter().filter_map(|inode| match inode {
        Inode::Directory(directory) => Some(directory),
        Inode::File(_) => None,
    });
    let named: BTreeSet<usize> = directories.flat_map(|it| it.entries.values().copied()).collect();
    for (ino, inode) in inodes.iter_mut().enumerate() {
        if let Inode::File(file) = inode {
            file.unlinked = !named.contains(&ino);
        }
    }
}

/// Names that change together or not at all: `None` removes.
type Change = Vec<(String, Option<usize>)>;

#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    pub(super) entries: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    unsynced: Vec<Change>,
}

impl Directory {
    pub(super) fn change(&mut self, change: Change) {
        apply(&mut self.entries, &change);
        self.unsynced.push(change);
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.entries);
        self.unsynced.clear();
    }

    fn after_crash(&self, crash: Crash, rng: &mut Rng) -> Self {
        let mut entries = self.durable.clone();
        // A journal keeps a prefix; not every file system has one.
        let prefix = rng.coin().then(|| rng.below(self.unsynced.len() + 1));
        for (index, change) in self.unsynced.iter().enumerate() {
            let keep = match (crash, prefix) {
                (Crash::Lost, _) => false,
                (Crash::Kept, _) => true,
                (Crash::Torn(_), Some(prefix)) => index < prefix,
                (Crash::Torn(_), None) => rng.coin(),
            };
            if keep {
                apply(&mut entries, change);
            }
        }
        Self { durable: entries.clone(), entries, unsynced: Vec::new() }
    }
}

fn apply(entries: &mut BTreeMap<String, usize>, change: &Change) {
    for (name, ino) in change {
        match ino {
            Some(ino) => entries.insert(name.clone(), *ino),
            None => entries.remove(name),
        };
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct FileData {
    data: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    pub(super) unlinked: bool,
}

impl FileData {
    pub(super) fn len(&self) -> u64 {
        self.data.len() as u64
    }

    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let Some(data) = usize::try_from(offset).ok().and_then(|offset| self.data.get(offset..)) else {
            return 0;
        };
        let read = data.len().min(buf.len());
        buf[..read].copy_from_slice(&data[..read]);
        read
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        if bytes.is_empty() {
            return;
        }
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let to = from.saturating_add(bytes.len());
        if self.data.len() < to {
            self.set_len(to as u64);
        }
        self.data[from..to].copy_from_slice(bytes);
        self.dirty.extend(from / SECTOR_BYTES..=(to - 1) / SECTOR_BYTES);
    }

    pub(super) fn set_len(&mut self, len: u64) {
        let (old, new) = (self.data.len(), usize::try_from(len).unwrap_or(usize::MAX));
        self.data.resize(new, 0);
        let (low, high) = (old.min(new), old.max(new));
        if low < high {
            self.dirty.extend(low / SECTOR_BYTES..=(high - 1) / SECTOR_BYTES);
        }
    }

    pub(super) fn sync(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        self.durable.resize(self.data.len(), 0);
        for sector in dirty {
            copy_sector(&self.data, &mut self.durable, sector);
        }
    }

    pub(super) fn corrupt(&mut self, position: u64) -> io::Result<()> {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        *self.data.get_mut(position).ok_or(io::ErrorKind::UnexpectedEof)? ^= 0x10;
        if let Some(byte) = self.durable.get_mut(position) {
            *byte ^= 0x10;
        }
        Ok(())
    }

    fn after_crash(&self, crash: Crash, rng: &mut Rng) -> Self {
        let data = match crash {
            Crash::Lost => self.durable.clone(),
            Crash::Kept => self.data.clone(),
            Crash::Torn(_) => self.torn(rng),
        };
        Self { durable: data.clone(), data, dirty: BTreeSet::new(), unlinked: false }
    }

    fn torn(&self, rng: &mut Rng) -> Vec<u8> {
        let mut torn = self.durable.clone();
        let unit = if rng.coin() { 1 } else { SECTORS_PER_PAGE };
        if rng.coin() {
            torn.resize(self.data.len(), 0);
        }
        let mut last = None;
        let mut keep = false;
        for &sector in &self.dirty {
            if last != Some(sector / unit) {
                last = Some(sector / unit);
                keep = rng.coin();
            }
            if keep {
                copy_sector(&self.data, &mut torn, sector);
            }
        }
        torn
    }
}

/// Copies what both have of a sector.
fn copy_sector(from: &[u8], to: &mut [u8], sector: usize) {
    let start = sector * SECTOR_BYTES;
    let end = (start + SECTOR_BYTES).min(from.len()).min(to.len());
    if start < end {
        to[start..end].copy_from_slice(&from[start..end]);
    }
}
