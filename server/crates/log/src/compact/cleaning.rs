//! The second half of a compaction: segments are filtered, group by group, each into one.

use std::ops::Range;
use std::sync::Arc;

use chronik_kafka::record_batch::RecordBatch;

use super::filter::{Left, Rules, Standing, filter};
use super::job::CompactionStep;
use super::pass::{Pass, control_type};
use super::read::BatchReader;
use super::swap::Cleaned;
use super::transactions::{Markers, Seen};
use super::write::{CleanedWriter, remove_cleaned};
use super::{CompactionError, plan};
use crate::limits;

#[derive(Debug)]
pub(crate) struct Cleaning {
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

impl Cleaning {
    /// `None` if the dirty part has come to nothing.
    pub(crate) fn new(pass: &Pass, markers: Markers) -> Option<Self> {
        if pass.end <= pass.first_dirty {
            return None;
        }
        let candidates: Vec<plan::Candidate> =
            pass.segments.iter().filter_map(|segment| Some((segment.base_offset, segment.sealed?))).collect();
        let groups = plan::groups(&candidates, pass.end, pass.config.segment_bytes).into_iter();
        Some(Self { markers, seen: Seen::default(), groups, current: None })
    }

    pub(crate) fn step(&mut self, pass: &mut Pass) -> Result<CompactionStep, CompactionError> {
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

    pub(crate) fn give_up(&mut self, pass: &Pass) {
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
