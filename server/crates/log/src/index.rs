//! Offset index and time index of a segment, in Kafka's format, searched in the file: big-endian entries
//! (relative offset `u32`, position `u32`) and (timestamp `i64`, relative offset `u32`), ascending.

use crate::disk::DiskFile;
use crate::error::ReadError;
use crate::view::ReadMode;

/// Bytes of an offset index entry.
pub(crate) const INDEX_ENTRY_BYTES: usize = 8;
/// Bytes of a time index entry.
pub(crate) const TIME_ENTRY_BYTES: usize = 12;
/// Entries read at once when a search is down to this many.
const SEARCH_BLOCK: u8 = 64;

/// A batch that begins at `position` and ends with `relative_offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) relative_offset: u32,
    pub(crate) position: u32,
}

/// No record up to `relative_offset` is later than `timestamp_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp_ms: i64,
    pub(crate) relative_offset: u32,
}

impl IndexEntry {
    pub(crate) fn encode(self) -> [u8; INDEX_ENTRY_BYTES] {
        let mut out = [0; INDEX_ENTRY_BYTES];
        out[..4].copy_from_slice(&self.relative_offset.to_be_bytes());
        out[4..].copy_from_slice(&self.position.to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: [u8; INDEX_ENTRY_BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h] = bytes;
        Self { relative_offset: u32::from_be_bytes([a, b, c, d]), position: u32::from_be_bytes([e, f, g, h]) }
    }
}

impl TimeEntry {
    pub(crate) fn encode(self) -> [u8; TIME_ENTRY_BYTES] {
        let mut out = [0; TIME_ENTRY_BYTES];
        out[..8].copy_from_slice(&self.timestamp_ms.to_be_bytes());
        out[8..].copy_from_slice(&self.relative_offset.to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: [u8; TIME_ENTRY_BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        let timestamp_ms = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
        Self { timestamp_ms, relative_offset: u32::from_be_bytes([i, j, k, l]) }
    }
}

/// The last entry with a relative offset of at most `relative_offset`.
pub(crate) fn find_offset(
    file: &dyn DiskFile,
    relative_offset: u32,
    mode: ReadMode,
) -> Result<Option<IndexEntry>, ReadError> {
    let entry = last_matching::<INDEX_ENTRY_BYTES>(file, mode, |bytes| {
        IndexEntry::decode(bytes).relative_offset <= relative_offset
    })?;
    Ok(entry.map(IndexEntry::decode))
}

/// The last time entry that matches; matching ones must come first.
pub(crate) fn find_time(
    file: &dyn DiskFile,
    mode: ReadMode,
    matches: impl Fn(TimeEntry) -> bool,
) -> Result<Option<TimeEntry>, ReadError> {
    let entry = last_matching::<TIME_ENTRY_BYTES>(file, mode, |bytes| matches(TimeEntry::decode(bytes)))?;
    Ok(entry.map(TimeEntry::decode))
}

/// Binary search for the last entry that matches, by positioned reads; the last step reads a block at once.
fn last_matching<const N: usize>(
    file: &dyn DiskFile,
    mode: ReadMode,
    matches: impl Fn([u8; N]) -> bool,
) -> Result<Option<[u8; N]>, ReadError> {
    let (mut low, mut high) = (0, file.len().map_err(ReadError::Io)? / N as u64);
    while high - low > SEARCH_BLOCK.into() {
        let middle = low + (high - low) / 2;
        let mut entry = [0; N];
        if !read_entries(file, &mut entry, middle * N as u64, mode)? {
            return Ok(None);
        }
        if matches(entry) { low = middle } else { high = middle }
    }
    let mut block = [0; SEARCH_BLOCK as usize * TIME_ENTRY_BYTES];
    let block = &mut block[..usize::try_from(high - low).unwrap_or(0) * N];
    if block.is_empty() || !read_entries(file, block, low * N as u64, mode)? {
        return Ok(None);
    }
    let (entries, _) = block.as_chunks::<N>();
    Ok(entries.iter().rev().find(|entry| matches(**entry)).copied())
}

/// Whether all of `buf` was read; if not, the file has been cut meanwhile.
fn read_entries(file: &dyn DiskFile, buf: &mut [u8], at: u64, mode: ReadMode) -> Result<bool, ReadError> {
    let read = read(file, buf, at, mode)?;
    if read < buf.len() && mode == ReadMode::Inline {
        return Err(ReadError::WouldBlock);
    }
    Ok(read == buf.len())
}

/// A read in the mode asked for.
pub(crate) fn read(file: &dyn DiskFile, buf: &mut [u8], at: u64, mode: ReadMode) -> Result<usize, ReadError> {
    let result = match mode {
        ReadMode::Inline => file.read_cached_at(buf, at),
        ReadMode::Blocking => file.read_at(buf, at),
    };
    result.map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => ReadError::WouldBlock,
        _ => ReadError::Io(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk as _, OpenMode, SimDisk, write_at};

    #[test]
    fn the_search_finds_what_a_scan_finds() {
        let disk = SimDisk::new(1);
        for count in [0u32, 1, 2, 63, 64, 65, 129, 1000] {
            let file = disk.open(count.to_string().as_ref(), OpenMode::Create).unwrap();
            let entries: Vec<_> =
                (0..count).map(|i| IndexEntry { relative_offset: i * 3 + 1, position: i * 100 }).collect();
            let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.encode()).collect();
            write_at(&*file, &bytes, 0).unwrap();
            for asked in (0..count * 3 + 3).step_by(if count > 100 { 7 } else { 1 }) {
                let expected = entries.iter().rev().find(|entry| entry.relative_offset <= asked).copied();
                let found = find_offset(&*file, asked, ReadMode::Inline).unwrap();
                assert_eq!(found, expected, "{asked} of {count}");
            }
        }
    }

    #[test]
    fn time_entries_survive_encoding() {
        let entry = TimeEntry { timestamp_ms: -5, relative_offset: 77 };
        assert_eq!(TimeEntry::decode(entry.encode()), entry);
    }
}
