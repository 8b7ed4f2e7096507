//! A compaction of one log, step by step, on any thread.

use std::ops::Range;
use std::sync::Arc;

use chronik_kafka::record_batch::{ControlType, HEADER_LEN, RecordBatch, Records};
use rustc_hash::FxHashMap;

use super::filter::{Left, Rules, Standing, filter};
use super::map::OffsetMap;
use super::read::BatchReader;
use super::swap::Cleaned;
use super::transactions::{Markers, Seen};
use super::write::{CleanedWriter, remove_cleaned};
use super::{CompactionError, plan};
use crate::disk::Disk;
use crate::files::FileKind;
use crate::limits;
use crate::segment::{Segment, Walk};
use crate::types::{Lsn, PartitionId, TopicLogConfig};
use crate::view::{LogView, ReadMode};

/// A compaction under way. Dropped at any time, it leaves the log as it was.
#[derive(Debug)]
pub struct CompactionJob {
    pub(crate) pass: Pass,
    phase: Phase,
}

/// What came of a step.
#[derive(Debug)]
pub enum CompactionStep {
    /// There is more to do.
    Working,
    /// Segments are ready to be replaced: [`Op::Swap`](crate::Op::Swap), then there is more to do.
    Cleaned(Cleaned),
    /// All is done.
    Finished,
}

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactionStats {
    /// First offset that had not been compacted before.
    pub first_dirty_offset: i64,
    /// Offset after the last that is compacted now.
    pub end_offset: i64,
    /// Different keys in between.
    pub keys: u64,
    /// Bytes of batches read in the second pass.
    pub bytes_before: u64,
    /// Bytes of batches that are left.
    pub bytes_after: u64,
    /// Whether it ended early because the offset map was full.
    pub map_full: bool,
}

/// What all steps work with.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) id: PartitionId,
    pub(crate) generation: Lsn,
    /// The log has not been cut since, or the job is void.
    pub(crate) cut_lsn: Lsn,
    pub(crate) config: Arc<TopicLogConfig>,
    pub(crate) index_interval_bytes: u64,
    /// For transaction markers above the range.
    pub(crate) view: Arc<LogView>,
    /// Sealed segments, ascending: they go into the second pass as far as they begin below `end`.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Last batch of each producer.
    pub(crate) producers: FxHashMap<i64, LastOfProducer>,
    pub(crate) high_watermark: i64,
    pub(crate) now_ms: i64,
    /// Where the dirty part begins and ends. The end comes down if the map is full, or at an open transaction.
    pub(crate) first_dirty: i64,
    pub(crate) end: i64,
    pub(crate) map: OffsetMap,
    pub(crate) stats: CompactionStats,
    pub(crate) bytes: u64,
}

/// What a producer wrote last: its sequence must stay in the log (Kafka: `LastRecord`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastOfProducer {
    /// Last offset of its last batch; `None` if only markers are known.
    pub(crate) last_offset: Option<i64>,
    pub(crate) epoch: i16,
}

#[derive(Debug)]
enum Phase {
    /// Collecting keys: the segment that comes next, and the one being read.
    Mapping {
        next: usize,
        reader: Option<BatchReader>,
        markers: Option<Markers>,
    },
    Cleaning(Box<Cleaning>),
}

#[derive(Debug)]
struct Cleaning {
    markers: Markers,
    seen: Seen,
    /// Ranges of `segments`, each to become one.
    groups: std::vec::IntoIter<Range<usize>>,
    current: Option<Group>,
}

#[derive(Debug)]
struct Group {
    all: Range<usize>,
    /// The segment that comes next.
    next: usize,
    reader: Option<BatchReader>,
    writer: CleanedWriter,
}

impl CompactionJob {
    pub(crate) fn new(pass: Pass) -> Self {
        let next = pass.segments.partition_point(|segment| {
            segment.sealed.is_some_and(|sealed| sealed.end_offset <= pass.first_dirty)
        });
        Self { pass, phase: Phase::Mapping { next, reader: None, markers: None } }
    }

    /// Which log.
    #[must_use]
    pub fn id(&self) -> PartitionId {
        self.pass.id
    }

    /// What it did so far.
    #[must_use]
    pub fn stats(&self) -> CompactionStats {
        let Pass { first_dirty, end, stats, map, .. } = &self.pass;
        CompactionStats {
            first_dirty_offset: *first_dirty,
            end_offset: *end,
            keys: map.len() as u64,
            ..*stats
        }
    }

    /// Bytes read and written since the last call: for who bounds the rate.
    pub fn take_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.pass.bytes)
    }

    /// Reads about [`limits::COMPACTION_STEP_BYTES`] and goes on with them.
    ///
    /// # Errors
    /// The log cannot be compacted: the job is over.
    pub fn step(&mut self) -> Result<CompactionStep, CompactionError> {
        match &mut self.phase {
            Phase::Mapping { next, reader, markers } => {
                if self.pass.map_keys(next, reader, markers)? {
                    let markers = markers.take().unwrap_or_default();
                    match Cleaning::new(&self.pass, markers) {
                        Some(cleaning) => self.phase = Phase::Cleaning(Box::new(cleaning)),
                        None => return Ok(CompactionStep::Finished),
                    }
                }
                Ok(CompactionStep::Working)
            }
            Phase::Cleaning(cleaning) => {
                let step = cleaning.step(&mut self.pass);
                if step.is_err() {
                    cleaning.give_up(&self.pass);
                }
                step
            }
        }
    }
}

impl Pass {
    /// Puts keys into the map; `true` when that is done.
    fn map_keys(
        &mut self,
        next: &mut usize,
        reader: &mut Option<BatchReader>,
        markers: &mut Option<Markers>,
    ) -> Result<bool, CompactionError> {
        let mut left = limits::COMPACTION_STEP_BYTES;
        loop {
            let Some(current) = reader else {
                match self.segments.get(*next).filter(|segment| segment.base_offset < self.end) {
                    Some(segment) => *reader = Some(BatchReader::new(segment)?),
                    None => return Ok(true),
                }
                *next += 1;
                continue;
            };
            let batch = current.next()?;
            let read = current.take_bytes_read();
            self.bytes += read;
            match batch {
                None => *reader = None,
                Some(batch) if !self.map_batch(&batch, markers)? => return Ok(true),
                Some(_) => {}
            }
            left = left.saturating_sub(read);
            if left == 0 {
                return Ok(false);
            }
        }
    }

    /// Puts a batch's keys into the map; `false` if the range ends before it.
    fn map_batch(
        &mut self,
        batch: &RecordBatch,
        markers: &mut Option<Markers>,
    ) -> Result<bool, CompactionError> {
        let header = &batch.header;
        if header.last_offset() < self.first_dirty {
            return Ok(true);
        }
        if header.is_transactional() && markers.is_none() {
            *markers = Some(self.find_markers(header.base_offset)?);
        }
        if header.last_offset() >= self.end {
            self.end = self.end.min(header.base_offset);
            return Ok(false);
        }
        let aborted = markers.as_ref().is_some_and(|markers| markers.is_aborted(header));
        if header.is_control() || aborted || header.record_count <= 0 {
            return Ok(true);
        }
        let records = usize::try_from(header.record_count).unwrap_or(usize::MAX);
        if records > self.map.room() {
            if self.map.len() == 0 {
                let (offset, records, room) = (header.base_offset, header.record_count, self.map.room());
                return Err(CompactionError::TooManyKeys { offset, records, room });
            }
            self.end = header.base_offset;
            self.stats.map_full = true;
            return Ok(false);
        }
        self.put_keys(batch)
            .map_err(|source| CompactionError::Batch { offset: header.base_offset, source })?;
        Ok(true)
    }

    fn put_keys(&mut self, batch: &RecordBatch) -> Result<(), chronik_kafka::record_batch::BatchError> {
        let body = batch.plain_body(limits::MAX_DECOMPRESSED_BYTES)?;
        for record in Records::new(&body, batch.header.record_count) {
            let record = record?;
            let offset = batch.header.base_offset + i64::from(record.offset_delta);
            if let Some(key) = record.key
                && offset >= self.first_dirty
            {
                self.map.put(key, offset);
            }
        }
        Ok(())
    }

    /// Markers from `from` on, up to the high watermark. The range ends before the first transaction that is open there.
    fn find_markers(&mut self, from: i64) -> Result<Markers, CompactionError> {
        let mut markers = Markers::from(from);
        'segments: for segment in &self.view.segments {
            if segment.sealed.is_some_and(|sealed| sealed.end_offset <= from) {
                continue;
            }
            let Some(file) = segment.open_existing(FileKind::Log)? else { break };
            let mut walk = Walk::new(&*file, 0, ReadMode::Blocking, limits::SCAN_CHUNK_BYTES);
            while let Some((position, header)) = walk.next(segment)? {
                if header.last_offset() >= self.high_watermark {
                    break 'segments;
                }
                if markers.len() >= limits::MAX_COMPACTION_MARKERS {
                    self.end = self.end.min(header.base_offset);
                    break 'segments;
                }
                self.bytes += header.total_len() as u64;
                let mut control = None;
                if header.is_control() {
                    let mut body =
                        vec![0; (header.total_len() - HEADER_LEN).min(limits::BLOCK_BYTES as usize)];
                    let read = file.read_at(&mut body, position + HEADER_LEN as u64)?;
                    control = control_type(&RecordBatch { header: header.clone(), body: body.into() });
                    debug_assert!(read > 0 || header.record_count == 0);
                }
                markers.observe(&header, control);
            }
        }
        self.end = self.end.min(markers.first_open().unwrap_or(i64::MAX));
        Ok(markers)
    }

    fn is_last_of_producer(&self, batch: &RecordBatch) -> bool {
        let header = &batch.header;
        header.has_producer()
            && self.producers.get(&header.producer_id).is_some_and(|last| match last.last_offset {
                Some(offset) => offset == header.last_offset(),
                None => header.is_control() && header.producer_epoch == last.epoch,
            })
    }
}

fn control_type(batch: &RecordBatch) -> Option<ControlType> {
    let record = batch.records().ok()?.next()?.ok()?;
    record.control().map(|control| control.kind)
}

impl Cleaning {
    /// `None` if the dirty part has come to nothing.
    fn new(pass: &Pass, markers: Markers) -> Option<Self> {
        if pass.end <= pass.first_dirty {
            return None;
        }
        let candidates: Vec<plan::Candidate> =
            pass.segments.iter().filter_map(|segment| Some((segment.base_offset, segment.sealed?))).collect();
        let groups = plan::groups(&candidates, pass.end, pass.config.segment_bytes).into_iter();
        Some(Self { markers, seen: Seen::default(), groups, current: None })
    }

    fn step(&mut self, pass: &mut Pass) -> Result<CompactionStep, CompactionError> {
        let mut left = limits::COMPACTION_STEP_BYTES;
        while left > 0 {
            let Some(group) = &mut self.current else {
                let Some(all) = self.groups.next() else { return Ok(CompactionStep::Finished) };
                self.current = Some(Group::new(pass, all)?);
                continue;
            };
            let Some(reader) = &mut group.reader else {
                if group.next < group.all.end {
                    group.reader = Some(BatchReader::new(&pass.segments[group.next])?);
                    group.next += 1;
                    continue;
                }
                let is_last = self.groups.as_slice().is_empty();
                return match self.current.take() {
                    Some(group) => group.finish(pass, is_last).map(CompactionStep::Cleaned),
                    None => Ok(CompactionStep::Working),
                };
            };
            let batch = reader.next()?;
            let read = reader.take_bytes_read();
            pass.bytes += read;
            left = left.saturating_sub(read);
            match batch {
                None => group.reader = None,
                Some(batch) => clean(pass, &self.markers, &mut self.seen, &batch, &mut group.writer)?,
            }
        }
        Ok(CompactionStep::Working)
    }

    fn give_up(&mut self, pass: &Pass) {
        if let Some(group) = self.current.take() {
            let base_offset = pass.segments[group.all.start].base_offset;
            remove_cleaned(&*pass.disk, pass.id, base_offset);
        }
    }
}

/// Copies what is left of a batch.
fn clean(
    pass: &mut Pass,
    markers: &Markers,
    seen: &mut Seen,
    batch: &RecordBatch,
    writer: &mut CleanedWriter,
) -> Result<(), CompactionError> {
    let header = &batch.header;
    let mut standing = Standing {
        keep_empty: pass.is_last_of_producer(batch) || header.next_offset() == pass.end,
        ..Standing::default()
    };
    if header.is_control() {
        standing.idle_marker = seen.marker(header, control_type(batch));
    } else {
        standing.aborted = markers.is_aborted(header);
        seen.batch(header);
    }
    let rules = Rules {
        last_offset_of: |key: &[u8]| pass.map.get(key),
        end: pass.end,
        now_ms: pass.now_ms,
        delete_retention_ms: pass.config.delete_retention_ms,
    };
    let left = filter(batch, standing, &rules)
        .map_err(|source| CompactionError::Batch { offset: header.base_offset, source })?;
    pass.stats.bytes_before += batch.total_len() as u64;
    let left = match &left {
        Left::Whole => batch,
        Left::Part(part) => part,
        Left::Nothing => return Ok(()),
    };
    pass.stats.bytes_after += left.total_len() as u64;
    pass.bytes += left.total_len() as u64;
    writer.append(left)
}

impl Group {
    fn new(pass: &Pass, all: Range<usize>) -> Result<Self, CompactionError> {
        let base_offset = pass.segments[all.start].base_offset;
        let writer = CleanedWriter::create(&pass.disk, pass.id, base_offset, pass.index_interval_bytes)?;
        Ok(Self { next: all.start, all, reader: None, writer })
    }

    fn finish(self, pass: &Pass, is_last: bool) -> Result<Cleaned, CompactionError> {
        let inputs = pass.segments[self.all].to_vec();
        let end_offset =
            inputs.last().and_then(|segment| segment.sealed).map_or(0, |sealed| sealed.end_offset);
        let base_offset = inputs.first().map_or(0, |segment| segment.base_offset);
        let sealed = match self.writer.finish(end_offset) {
            Ok(sealed) => sealed,
            Err(error) => {
                remove_cleaned(&*pass.disk, pass.id, base_offset);
                return Err(error.into());
            }
        };
        Ok(Cleaned {
            disk: Arc::clone(&pass.disk),
            id: pass.id,
            generation: pass.generation,
            cut_lsn: pass.cut_lsn,
            inputs,
            sealed,
            cleaned_offset: is_last.then_some(pass.end),
        })
    }
}
