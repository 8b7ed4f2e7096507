//! One segment of a partition: names of its files, and walking over its batches.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::{BatchHeader, HEADER_LEN};

use crate::disk::{DiskFile, OpenMode};
use crate::error::ReadError;
use crate::files::{FileCache, FileKind, FileUid};
use crate::types::PartitionId;
use crate::view::{ReadMode, Region};
use crate::{index, limits};

/// A segment. Immutable: when it is sealed, a new value with the same files takes its place.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: PartitionId,
    /// Offset that the segment begins at, and the name of its files.
    pub(crate) base_offset: i64,
    /// Facts of a segment that no append will change; `None` for the active one.
    pub(crate) sealed: Option<Sealed>,
    /// Behind the names of its files: nothing, or [`CLEANED`].
    suffix: &'static str,
    files: Arc<Files>,
}

/// A segment's files in the cache: closed when its last value, in whatever view, is gone.
#[derive(Debug)]
struct Files {
    uid: FileUid,
    cache: Arc<FileCache>,
}

impl Drop for Files {
    fn drop(&mut self) {
        self.cache.forget(self.uid);
    }
}

/// Facts of a closed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Bytes of its log file.
    pub(crate) size: u64,
    /// Offset after its last.
    pub(crate) end_offset: i64,
    /// Highest timestamp in it, milliseconds since the epoch; -1 if it is empty.
    pub(crate) max_timestamp: i64,
}

/// Name of a segment's file in its partition's directory.
pub(crate) fn file_name(base_offset: i64, kind: FileKind) -> String {
    format!("{base_offset:020}.{}", kind.extension())
}

/// What compaction writes, before it is put in the place of a segment, has this after its name. `open` completes or removes it.
pub(crate) const CLEANED: &str = ".cleaned";

/// Path of a file that compaction writes.
pub(crate) fn cleaned_path(id: PartitionId, base_offset: i64, kind: FileKind) -> PathBuf {
    PathBuf::from(id.dir_name()).join(file_name(base_offset, kind) + CLEANED)
}

/// Base offset and kind, by file name.
pub(crate) fn parse_file_name(name: &str) -> Option<(i64, FileKind)> {
    let (base, extension) = name.split_once('.')?;
    let kind = FileKind::ALL.into_iter().find(|kind| kind.extension() == extension)?;
    (base.len() == 20).then(|| base.parse().ok())?.map(|base| (base, kind))
}

impl Segment {
    pub(crate) fn new(
        files: &Arc<FileCache>,
        id: PartitionId,
        base_offset: i64,
        sealed: Option<Sealed>,
    ) -> Self {
        let files = Files { uid: files.new_uid(), cache: Arc::clone(files) };
        Self { id, base_offset, sealed, suffix: "", files: Arc::new(files) }
    }

    /// What compaction has written and not put in its place.
    pub(crate) fn cleaned(files: &Arc<FileCache>, id: PartitionId, base_offset: i64) -> Self {
        Self { suffix: CLEANED, ..Self::new(files, id, base_offset, None) }
    }

    pub(crate) fn with_sealed(&self, sealed: Option<Sealed>) -> Self {
        Self {
            id: self.id,
            base_offset: self.base_offset,
            sealed,
            suffix: self.suffix,
            files: Arc::clone(&self.files),
        }
    }

    pub(crate) fn path(&self, kind: FileKind) -> PathBuf {
        PathBuf::from(self.id.dir_name()).join(file_name(self.base_offset, kind) + self.suffix)
    }

    pub(crate) fn open(&self, kind: FileKind, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        self.files.cache.get(self.files.uid, kind, mode, || self.path(kind))
    }

    /// Closes its files as soon as no reader uses them.
    pub(crate) fn forget_files(&self) {
        self.files.cache.forget(self.files.uid);
    }

    /// Its paths are about to lead to other files: who still has it goes on in these.
    pub(crate) fn detach(&self, files: Vec<(FileKind, Arc<dyn DiskFile>)>) {
        self.files.cache.detach(self.files.uid, files);
    }

    /// Highest timestamp of its first batch, milliseconds since the epoch; `None` if there is none or it cannot be read.
    pub(crate) fn first_timestamp(&self) -> Option<i64> {
        let file = self.open_existing(FileKind::Log).ok()??;
        let mut walk = Walk::new(&*file, 0, ReadMode::Blocking, HEADER_LEN);
        walk.next(self).ok()?.map(|(_, header)| header.max_timestamp)
    }

    /// For readers: a file that is not there is `None` (nothing was appended yet, or the segment is deleted).
    pub(crate) fn open_existing(&self, kind: FileKind) -> Result<Option<Arc<dyn DiskFile>>, ReadError> {
        match self.open(kind, OpenMode::Existing) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ReadError::Io(error)),
        }
    }

    pub(crate) fn corrupt(&self, position: u64, reason: &'static str) -> ReadError {
        ReadError::Corrupt { partition: self.id, base_offset: self.base_offset, position, reason }
    }

    /// Bytes of the log file.
    pub(crate) fn size(&self) -> Result<u64, ReadError> {
        match (self.sealed, self.open_existing(FileKind::Log)?) {
            (Some(sealed), _) => Ok(sealed.size),
            (None, Some(file)) => file.len().map_err(ReadError::Io),
            (None, None) => Ok(0),
        }
    }

    /// Where the batch that contains `offset` (or the first one after it) begins; `None` if it is not below
    /// `up_to_offset` or not in this segment.
    pub(crate) fn locate(
        &self,
        file: &dyn DiskFile,
        offset: i64,
        up_to_offset: i64,
        mode: ReadMode,
    ) -> Result<Option<(u64, BatchHeader)>, ReadError> {
        let hint = self.index_position(offset, mode)?;
        let mut walk = Walk::new(file, hint, mode, limits::LOCATE_CHUNK_BYTES);
        match self.walk_to(&mut walk, offset, up_to_offset) {
            // The index is a hint only: if it led astray, the walk starts at the beginning.
            Err(ReadError::Corrupt { .. }) if hint > 0 => {}
            Ok(Some((position, header))) if hint > 0 && position == hint && header.base_offset > offset => {}
            other => return other,
        }
        self.walk_to(&mut Walk::new(file, 0, mode, limits::SCAN_CHUNK_BYTES), offset, up_to_offset)
    }

    fn walk_to(
        &self,
        walk: &mut Walk<'_>,
        offset: i64,
        up_to_offset: i64,
    ) -> Result<Option<(u64, BatchHeader)>, ReadError> {
        while let Some((position, header)) = walk.next(self)? {
            if header.last_offset() >= up_to_offset {
                return Ok(None);
            }
            if header.last_offset() >= offset {
                return Ok(Some((position, header)));
            }
            if header.next_offset() >= up_to_offset {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Position by the offset index, 0 if it says nothing.
    fn index_position(&self, offset: i64, mode: ReadMode) -> Result<u64, ReadError> {
        // Behind a gap, a segment begins above what is asked for.
        let relative = u32::try_from(offset.saturating_sub(self.base_offset).max(0)).unwrap_or(u32::MAX);
        let Some(file) = self.open_existing(FileKind::Index)? else { return Ok(0) };
        Ok(index::find_offset(&*file, relative, mode)?.map_or(0, |entry| entry.position.into()))
    }

    /// Whole batches from the one that contains `offset`; see [`LogView::read`](crate::LogView::read). `None` if
    /// there are none in this segment.
    pub(crate) fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        up_to_offset: i64,
        mode: ReadMode,
    ) -> Result<Option<Bytes>, ReadError> {
        let Some(file) = self.open_existing(FileKind::Log)? else {
            // An active segment may have no file yet; a sealed one has.
            return if self.sealed.is_some() { Err(ReadError::Stale) } else { Ok(None) };
        };
        let Some((position, first)) = self.locate(&*file, offset, up_to_offset, mode)? else {
            return Ok(None);
        };
        let first_len = first.total_len();
        let end = self.sealed.map_or_else(|| file.len(), |sealed| Ok(sealed.size)).map_err(ReadError::Io)?;
        let available = end.saturating_sub(position);
        let wanted = usize::try_from(available).unwrap_or(usize::MAX).min(max_bytes.max(first_len));
        let mut buf = vec![0; wanted];
        let read = index::read(&*file, &mut buf, position, mode)?;
        if read < first_len {
            let partly_cached = mode == ReadMode::Inline && wanted >= first_len;
            let error = self.corrupt(position, "the file ends inside a batch below the high watermark");
            return Err(if partly_cached { ReadError::WouldBlock } else { error });
        }
        buf.truncate(read);
        buf.truncate(whole_batches(&buf, up_to_offset));
        Ok(Some(Bytes::from(buf)))
    }
}

impl Segment {
    /// See [`LogView::find_region`](crate::LogView::find_region).
    pub(crate) fn find_region(
        &self,
        offset: i64,
        max_bytes: usize,
        up_to_offset: i64,
    ) -> Result<Option<Region>, ReadError> {
        let Some(file) = self.open_existing(FileKind::Log)? else { return Ok(None) };
        if file.descriptor().is_none() {
            return Ok(None);
        }
        let Some((position, first)) = self.locate(&*file, offset, up_to_offset, ReadMode::Inline)? else {
            return Ok(None);
        };
        let first_len = first.total_len();
        if first_len < limits::REGION_BATCH_BYTES {
            return Ok(None); // to look at many small batches costs more than to copy them
        }
        let most = max_bytes.max(first_len) as u64;
        let mut walk = Walk::new(&*file, position + first_len as u64, ReadMode::Inline, HEADER_LEN);
        for _ in 1..limits::REGION_BATCHES {
            let end = walk.position();
            // What is behind the high watermark may be half written.
            let next = walk.next(self).ok().flatten();
            let fits = next.is_some_and(|(_, header)| header.last_offset() < up_to_offset);
            if !fits || walk.position() - position > most {
                walk.go_back(end);
                break;
            }
        }
        let end = walk.position();
        let len = usize::try_from(end - position).unwrap_or(usize::MAX);
        let warm = is_warm(&*file, position, end)?;
        Ok(warm.then_some(Region { file, position, len }))
    }
}

/// Whether a look every now and then, and at the last byte, finds the page cache.
fn is_warm(file: &dyn DiskFile, position: u64, end: u64) -> Result<bool, ReadError> {
    let looks = (position..end).step_by(limits::REGION_LOOK_BYTES).chain([end - 1]);
    for at in looks {
        if index::read(file, &mut [0], at, ReadMode::Inline)? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Bytes at the front of `buf` that are whole batches below `up_to_offset`.
fn whole_batches(buf: &[u8], up_to_offset: i64) -> usize {
    let mut end = 0;
    while let Ok(header) = BatchHeader::parse(&buf[end..]) {
        let next = end.saturating_add(header.total_len());
        if next > buf.len() || header.last_offset() >= up_to_offset {
            break;
        }
        end = next;
        if header.next_offset() >= up_to_offset {
            break;
        }
    }
    end
}

/// Steps from batch header to batch header.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    file: &'a dyn DiskFile,
    mode: ReadMode,
    chunk: usize,
    position: u64,
    buf: Vec<u8>,
    buf_at: u64,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(file: &'a dyn DiskFile, position: u64, mode: ReadMode, chunk: usize) -> Self {
        Self { file, mode, chunk, position, buf: Vec::new(), buf_at: 0 }
    }

    /// Where the next batch would be.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Makes the batch at `position` the next one.
    fn go_back(&mut self, position: u64) {
        self.position = position;
    }

    /// Position and header of the next batch; `None` where the file ends (maybe inside a header).
    pub(crate) fn next(&mut self, segment: &Segment) -> Result<Option<(u64, BatchHeader)>, ReadError> {
        let position = self.position;
        if !self.buffered(HEADER_LEN) {
            self.fill()?;
        }
        if !self.buffered(HEADER_LEN) {
            return Ok(None);
        }
        let at = usize::try_from(position - self.buf_at).unwrap_or(usize::MAX);
        let header = BatchHeader::parse(&self.buf[at..])
            .map_err(|_| segment.corrupt(position, "this is not a batch header"))?;
        if header.base_offset < segment.base_offset || header.last_offset_delta < 0 {
            return Err(segment.corrupt(position, "the batch's offsets do not belong into this segment"));
        }
        self.position += header.total_len() as u64;
        Ok(Some((position, header)))
    }

    fn buffered(&self, len: usize) -> bool {
        self.position >= self.buf_at && self.position + len as u64 <= self.buf_at + self.buf.len() as u64
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        self.buf.resize(self.chunk, 0);
        self.buf_at = self.position;
        let read = index::read(self.file, &mut self.buf, self.position, self.mode)?;
        self.buf.truncate(read);
        if read < HEADER_LEN
            && self.mode == ReadMode::Inline
            && self.file.len().map_err(ReadError::Io)? > self.position + read as u64
        {
            return Err(ReadError::WouldBlock);
        }
        Ok(())
    }
}
