//! Reading the WAL back. Decides where it ends, and whether what ends it is a torn tail or damage.

use bytes::Bytes;

use super::header::SegmentHeader;
use super::record::{ALIGN, BadRecord, Frame, WalRecord, decode};
use super::{DIR, file_path, parse_file_name};
use crate::disk::{Disk, OpenMode};
use crate::error::LogError;
use crate::limits;
use crate::types::{Lsn, PartitionId};

/// A segment file with a sound header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    pub(crate) header: SegmentHeader,
}

/// The WAL files of a data directory.
#[derive(Debug, Default)]
pub(crate) struct WalFiles {
    /// With a sound header, by `seq`.
    pub(crate) segments: Vec<Found>,
    /// The others: zeroed, or torn before anything in them was acknowledged.
    pub(crate) unused: Vec<(u64, u64)>,
    /// Above every number in use.
    pub(crate) next_file: u64,
    /// Above every `seq` in use.
    pub(crate) next_seq: u64,
}

/// Lists the WAL files and reads their headers.
pub(crate) fn list(disk: &dyn Disk) -> Result<WalFiles, LogError> {
    let mut files = WalFiles { next_file: 1, next_seq: 1, ..WalFiles::default() };
    for entry in disk.read_dir(DIR.as_ref()).map_err(|error| LogError::io("listing the WAL", error))? {
        let Some(number) = parse_file_name(&entry.name) else { continue };
        files.next_file = files.next_file.max(number + 1);
        let block = read_file(disk, number, SegmentHeader::BYTES)?;
        match SegmentHeader::decode(&entry.name, &block)? {
            Some(header) => {
                files.next_seq = files.next_seq.max(header.seq + 1);
                files.segments.push(Found { number, bytes: entry.len, header });
            }
            None => files.unused.push((number, entry.len)),
        }
    }
    files.segments.sort_by_key(|found| found.header.seq);
    files.unused.sort_unstable();
    Ok(files)
}

fn read_file(disk: &dyn Disk, number: u64, max_bytes: u64) -> Result<Bytes, LogError> {
    let path = file_path(number);
    let read = || {
        let file = disk.open(&path, OpenMode::ReadOnly)?;
        let len = file.len()?.min(max_bytes);
        let mut buf = vec![0; usize::try_from(len).map_err(|_| std::io::ErrorKind::FileTooLarge)?];
        let read = file.read_at(&mut buf, 0)?;
        buf.truncate(read);
        Ok(Bytes::from(buf))
    };
    read().map_err(|error| LogError::io(format!("reading {}", path.display()), error))
}

/// A stretch of the WAL that was synced and is not readable any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WalDamage {
    /// The first LSN lost, and the one after the last.
    pub(crate) lsns: std::ops::Range<Lsn>,
    /// File number, and byte in it.
    pub(crate) file: u64,
    pub(crate) position: u64,
    /// Which partition the first lost record is about, if its header is readable.
    pub(crate) partition: Option<PartitionId>,
}

/// What a scan saw.
#[derive(Debug, Default)]
pub(crate) struct ScanEnd {
    /// LSN after the last record.
    pub(crate) next_lsn: Lsn,
    /// Records visited.
    pub(crate) records: u64,
    pub(crate) damage: Vec<WalDamage>,
}

/// A record in its place.
#[derive(Debug)]
pub(crate) struct Located<'a> {
    pub(crate) frame: Frame,
    pub(crate) record: &'a WalRecord,
    pub(crate) body: &'a Bytes,
    /// Where it is: file number and position.
    pub(crate) at: (u64, u64),
}

/// What a scan tells.
pub(crate) trait Visitor {
    /// A record at or above the LSN that was asked for.
    fn record(&mut self, located: &Located<'_>) -> Result<(), LogError>;
    /// A segment was read to its end.
    fn segment_done(&mut self, bytes: u64) -> Result<(), LogError>;
}

/// Visits every record from `from_lsn` on, in order.
pub(crate) fn scan(
    disk: &dyn Disk,
    segments: &[Found],
    from_lsn: Lsn,
    visitor: &mut dyn Visitor,
) -> Result<ScanEnd, LogError> {
    let first = segments.partition_point(|found| found.header.start_lsn <= from_lsn).saturating_sub(1);
    let mut end = ScanEnd { next_lsn: from_lsn, ..ScanEnd::default() };
    let segments = &segments[first..];
    for (index, found) in segments.iter().enumerate() {
        let next = segments.get(index + 1);
        let limit = next.map(|next| next.header.start_lsn);
        if limit.is_some_and(|limit| limit <= from_lsn) {
            visitor.segment_done(found.bytes)?;
            continue;
        }
        if found.header.start_lsn > end.next_lsn {
            let lsns = end.next_lsn..found.header.start_lsn;
            end.damage.push(WalDamage { lsns, file: found.number, position: 0, partition: None });
        }
        let bytes = read_file(disk, found.number, u64::MAX)?;
        let mut reader = SegmentReader::new(found, bytes, limit);
        reader.read(from_lsn, &mut end, visitor)?;
        visitor.segment_done(found.bytes)?;
    }
    Ok(end)
}

struct SegmentReader {
    number: u64,
    salt: u32,
    bytes: Bytes,
    /// LSN of the next segment's first record: everything below it was synced.
    limit: Option<Lsn>,
    position: usize,
    expected: Lsn,
    attempt: u32,
}

impl SegmentReader {
    fn new(found: &Found, bytes: Bytes, limit: Option<Lsn>) -> Self {
        let position = usize::try_from(SegmentHeader::BYTES).unwrap_or(usize::MAX);
        let (number, salt) = (found.number, found.header.salt());
        Self { number, salt, bytes, limit, position, expected: found.header.start_lsn, attempt: 0 }
    }

    fn read(&mut self, from: Lsn, end: &mut ScanEnd, visitor: &mut dyn Visitor) -> Result<(), LogError> {
        while self.limit.is_none_or(|limit| self.expected < limit) {
            match self.at(self.position) {
                Ok((frame, record, body)) if self.follows(&frame) => {
                    if frame.lsn >= from {
                        let at = (self.number, self.position as u64);
                        visitor.record(&Located { frame, record: &record, body: &body, at })?;
                        end.records += 1;
                    }
                    self.advance(&frame);
                }
                other => {
                    let partition = match other {
                        Err(BadRecord::Body(_, partition)) => partition,
                        _ => None,
                    };
                    if !self.resynchronise(from, partition, end) {
                        break;
                    }
                }
            }
        }
        end.next_lsn = end.next_lsn.max(self.expected);
        Ok(())
    }

    fn at(&self, position: usize) -> Result<(Frame, WalRecord, Bytes), BadRecord> {
        let input = self.bytes.slice(position.min(self.bytes.len())..);
        decode(&input, self.salt)
    }

    /// A record of a failed attempt, whose place was written again in part, has an older attempt.
    fn follows(&self, frame: &Frame) -> bool {
        frame.lsn == self.expected && frame.attempt >= self.attempt
    }

    fn advance(&mut self, frame: &Frame) {
        self.expected = frame.lsn + 1;
        self.attempt = frame.attempt;
        self.position = self.position.saturating_add(frame.total_len());
    }

    /// There is no sound record where one is expected. If a later one, or the next segment, proves that it had been
    /// synced, that is damage, and reading goes on there; if not, it is the torn tail. Returns whether to go on.
    fn resynchronise(&mut self, from: Lsn, partition: Option<PartitionId>, end: &mut ScanEnd) -> bool {
        let later = self.find_later();
        let resumed_at = match (&later, self.limit) {
            (Some((_, frame)), _) => frame.lsn,
            (None, Some(limit)) => limit,
            (None, None) => return false,
        };
        if resumed_at > from && end.damage.len() < limits::MAX_REPORTED_DAMAGE {
            let lsns = self.expected.max(from)..resumed_at;
            let position = self.position as u64;
            end.damage.push(WalDamage { lsns, file: self.number, position, partition });
        }
        self.expected = resumed_at;
        if let Some((position, _)) = later {
            self.position = position;
        }
        true
    }

    fn find_later(&self) -> Option<(usize, Frame)> {
        let last = self.expected.saturating_add(limits::MAX_DAMAGED_LSNS).min(self.limit.unwrap_or(Lsn::MAX));
        let mut position = self.position.saturating_add(ALIGN);
        while position < self.bytes.len() {
            if let Ok((frame, ..)) = self.quick_at(position) {
                let proves = self.limit.is_some() || frame.synced_lsn >= self.expected;
                if frame.lsn > self.expected && frame.lsn < last && frame.attempt >= self.attempt && proves {
                    return Some((position, frame));
                }
            }
            position += ALIGN;
        }
        None
    }

    /// Like [`at`](Self::at), but looks at zeros no further.
    fn quick_at(&self, position: usize) -> Result<(Frame, WalRecord, Bytes), BadRecord> {
        match self.bytes.get(position..position + ALIGN) {
            Some(front) if front != [0; ALIGN] => self.at(position),
            _ => Err(BadRecord::Header),
        }
    }
}
