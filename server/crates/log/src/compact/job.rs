//! A compaction of one log, step by step, on any thread.

use super::CompactionError;
use super::cleaning::Cleaning;
use super::pass::Pass;
use super::read::BatchReader;
use super::swap::Cleaned;
use super::transactions::Markers;
use crate::types::PartitionId;

/// A compaction under way. Dropped at any time, it leaves the log as it was.
#[derive(Debug)]
pub struct CompactionJob {
    pass: Pass,
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

impl CompactionStats {
    /// Whether more is compacted than before.
    #[must_use]
    pub fn came_to_something(&self) -> bool {
        self.end_offset > self.first_dirty_offset
    }
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
