//! Appends of one group to one partition: an overlay over the partition's committed state, and the bytes to write.

use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::{BatchHeader, HEADER_LEN, RecordBatch};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::disk::{OpenMode, write_at};
use crate::end::{LogEnd, NewEntries};
use crate::epoch::EpochStart;
use crate::files::FileKind;
use crate::index::{INDEX_ENTRY_BYTES, TIME_ENTRY_BYTES};
use crate::producer::{self, ProducerEntry};
use crate::segment::{Sealed, Segment};

/// What the group's appends make of the partition.
#[derive(Debug)]
pub(crate) struct StagedAppends {
    /// The end after them.
    pub(crate) end: LogEnd,
    /// Bytes to write, by segment; the first one is the segment that was active before.
    pub(crate) runs: SmallVec<[SegmentRun; 1]>,
    /// Epochs that begin.
    pub(crate) epochs: SmallVec<[EpochStart; 1]>,
    /// Producers that wrote, as they are afterwards.
    pub(crate) producers: FxHashMap<i64, ProducerEntry>,
    /// Below, offsets are missing between batches, as they are in the leader's log; 0 if none are.
    pub(crate) gaps_below: i64,
    /// Bytes of batches.
    pub(crate) bytes: u64,
    /// The partition's segments before the runs were written; `None` until they are.
    pub(crate) written_over: Option<Vec<Arc<Segment>>>,
}

/// Neighbouring batches of one segment, written at once.
#[derive(Debug)]
pub(crate) struct SegmentRun {
    pub(crate) segment_base: i64,
    /// The segment's end before the run: where its files are cut to if the run fails.
    pub(crate) before: LogEnd,
    batches: Vec<([u8; HEADER_LEN], Bytes)>,
    index: Vec<u8>,
    time_index: Vec<u8>,
    /// Facts to seal the segment with after the run.
    pub(crate) sealed: Option<Sealed>,
}

impl SegmentRun {
    fn new(before: LogEnd) -> Self {
        Self {
            segment_base: before.segment_base,
            before,
            batches: Vec::new(),
            index: Vec::new(),
            time_index: Vec::new(),
            sealed: None,
        }
    }

    fn add_entries(&mut self, new: NewEntries) {
        if let Some(entry) = new.index {
            self.index.extend_from_slice(&entry.encode());
        }
        if let Some(entry) = new.time {
            self.time_index.extend_from_slice(&entry.encode());
        }
    }

    /// Writes the run into the page cache.
    pub(crate) fn write(&self, segment: &Segment) -> io::Result<()> {
        if !self.batches.is_empty() {
            let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(self.batches.len() * 2);
            for (header, body) in &self.batches {
                slices.push(IoSlice::new(header));
                slices.push(IoSlice::new(body));
            }
            segment.open(FileKind::Log, OpenMode::Create)?.write_all_at(&mut slices, self.before.position)?;
        }
        let index_at = u64::from(self.before.index_entries) * INDEX_ENTRY_BYTES as u64;
        write_entries(segment, FileKind::Index, &self.index, index_at)?;
        let time_at = u64::from(self.before.time_entries) * TIME_ENTRY_BYTES as u64;
        write_entries(segment, FileKind::TimeIndex, &self.time_index, time_at)
    }

    /// Whether batches wait to be written.
    pub(crate) fn has_batches(&self) -> bool {
        !self.batches.is_empty()
    }

    /// Whether the write may create files.
    pub(crate) fn creates_names(&self) -> bool {
        self.before.position == 0
            || self.before.index_entries == 0 && !self.index.is_empty()
            || self.before.time_entries == 0 && !self.time_index.is_empty()
    }

    /// Cuts the files back to what they were.
    pub(crate) fn undo(&self, segment: &Segment) -> io::Result<()> {
        cut_files(segment, &self.before)
    }
}

fn write_entries(segment: &Segment, kind: FileKind, bytes: &[u8], at: u64) -> io::Result<()> {
    if bytes.is_empty() { Ok(()) } else { write_at(&*segment.open(kind, OpenMode::Create)?, bytes, at) }
}

/// Cuts a segment's files to what `end` says. Files that are not there are as short as can be.
pub(crate) fn cut_files(segment: &Segment, end: &LogEnd) -> io::Result<()> {
    cut_log(segment, end.position)?;
    cut_indexes(segment, end)
}

/// Cuts a segment's log file.
pub(crate) fn cut_log(segment: &Segment, position: u64) -> io::Result<()> {
    cut(segment, FileKind::Log, position)
}

/// Cuts a segment's indexes to what `end` says.
pub(crate) fn cut_indexes(segment: &Segment, end: &LogEnd) -> io::Result<()> {
    cut(segment, FileKind::Index, u64::from(end.index_entries) * INDEX_ENTRY_BYTES as u64)?;
    cut(segment, FileKind::TimeIndex, u64::from(end.time_entries) * TIME_ENTRY_BYTES as u64)
}

fn cut(segment: &Segment, kind: FileKind, len: u64) -> io::Result<()> {
    match segment.open(kind, OpenMode::Existing) {
        Ok(file) if file.len()? > len => file.set_len(len),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl StagedAppends {
    pub(crate) fn new(end: LogEnd) -> Self {
        Self {
            end,
            runs: smallvec::smallvec![SegmentRun::new(end)],
            epochs: SmallVec::new(),
            producers: FxHashMap::default(),
            gaps_below: 0,
            bytes: 0,
            written_over: None,
        }
    }

    /// Goes on to a new segment, which begins at `base_offset`.
    pub(crate) fn roll(&mut self, base_offset: i64) {
        let mut old = self.end;
        if let Some(run) = self.runs.last_mut() {
            run.add_entries(NewEntries { index: None, time: old.closing_time_entry() });
            run.sealed = Some(old.sealed());
        }
        self.end = LogEnd::empty(base_offset);
        self.runs.push(SegmentRun::new(self.end));
    }

    /// The next batch follows this end of the log.
    pub(crate) fn note_gap(&mut self, follows: i64, base_offset: i64) {
        if base_offset > follows {
            self.gaps_below = base_offset;
        }
    }

    /// Adds a batch that has its offsets, at the end.
    pub(crate) fn append(&mut self, batch: RecordBatch, latest_epoch: i32, index_interval_bytes: u64) {
        self.append_stored(&batch.header, latest_epoch, index_interval_bytes);
        if let Some(run) = self.runs.last_mut() {
            run.batches.push((batch.header.encode(), batch.body));
        }
    }

    /// Like [`append`](Self::append), of a batch that is in the segment's file already. The two do not mix in a run.
    pub(crate) fn append_stored(
        &mut self,
        header: &BatchHeader,
        latest_epoch: i32,
        index_interval_bytes: u64,
    ) {
        let len = header.total_len() as u64;
        let epoch = header.partition_leader_epoch;
        if epoch > self.epochs.last().map_or(latest_epoch, |last| last.epoch) {
            self.epochs.push(EpochStart { epoch, start_offset: header.base_offset });
        }
        let new = self.end.append(header, len, index_interval_bytes);
        self.bytes += len;
        if let Some(run) = self.runs.last_mut() {
            run.add_entries(new);
        }
    }

    /// Notes what a batch makes of its producer, given what is committed of it.
    pub(crate) fn note_producer(
        &mut self,
        committed: Option<&ProducerEntry>,
        header: &BatchHeader,
        log_append_time_ms: i64,
        now_ms: i64,
    ) {
        if header.has_producer() {
            let before = self.producers.get(&header.producer_id).or(committed);
            let after = producer::after_append(before, header, log_append_time_ms, now_ms);
            self.producers.insert(header.producer_id, after);
        }
    }
}
