//! The owner's part of a compaction: which log, and putting what was cleaned in the place of what was there.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::CompactionError;
use super::job::{CompactionJob, CompactionStats};
use super::map::OffsetMap;
use super::pass::{LastOfProducer, Pass};
use super::plan::{self, Bounds, Candidate, Dirty};
use super::write::remove_cleaned;
use crate::disk::{Disk, DiskFile};
use crate::error::OpError;
use crate::files::FileKind;
use crate::garbage::{DELETED, Garbage};
use crate::log::Log;
use crate::op::Outcome;
use crate::partition::Partition;
use crate::segment::{Sealed, Segment, cleaned_path, file_name};
use crate::stage::Pending;
use crate::types::{Lsn, PartitionId};
use crate::wal::record::WalRecord;

/// A segment that is ready to take the place of others, durable beside them.
#[derive(Debug, Clone)]
pub struct Cleaned {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) id: PartitionId,
    pub(crate) generation: Lsn,
    pub(crate) cut_lsn: Lsn,
    /// What it is made of; at least one.
    pub(crate) inputs: Vec<Arc<Segment>>,
    pub(crate) sealed: Sealed,
    /// Everything below has been compacted, once this is in its place; `None` before the last one of its pass.
    pub(crate) cleaned_offset: Option<i64>,
}

/// A swap that is staged.
#[derive(Debug)]
pub(crate) struct PendingSwap {
    pub(crate) cleaned: Box<Cleaned>,
    pub(crate) lsn: Lsn,
    /// The files that are to be replaced, open for those who still read them.
    open: Vec<(Arc<Segment>, Vec<(FileKind, Arc<dyn DiskFile>)>)>,
}

/// How much there is to compact.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CompactionOutlook {
    /// Largest share that has not been compacted of what could be, over all logs; 0 to 1.
    pub max_dirty_ratio: f64,
    /// Logs that cannot be compacted, until the next start.
    pub uncleanable_partitions: usize,
}

impl Cleaned {
    fn base_offset(&self) -> i64 {
        self.inputs.first().map_or(0, |segment| segment.base_offset)
    }

    /// Removes the files of one that was not used.
    pub fn discard(&self) {
        remove_cleaned(&*self.disk, self.id, self.base_offset());
    }

    /// Where the inputs are in a partition that still has them all as they were.
    fn place_in(&self, partition: &Partition) -> Option<usize> {
        let same_log = partition.generation == self.generation && partition.cut_lsn == self.cut_lsn;
        let first = self.inputs.first().filter(|_| same_log && partition.offline.is_none())?;
        let at = partition.segments.iter().position(|segment| Arc::ptr_eq(segment, first))?;
        let there = partition.segments.get(at..at + self.inputs.len())?;
        there.iter().zip(&self.inputs).all(|(there, input)| Arc::ptr_eq(there, input)).then_some(at)
    }
}

impl Log {
    /// Starts the compaction that is due most, if one is, with an offset map of at most `dedupe_buffer_bytes`. At most one at a time:
    /// `None` while another one is out.
    pub fn begin_compaction(&mut self, now_ms: i64, dedupe_buffer_bytes: usize) -> Option<CompactionJob> {
        if self.compaction_out || self.fatal.is_some() {
            return None;
        }
        let lsn = self.checkpointed_lsn;
        let due = self.partitions.values().filter_map(|partition| {
            let dirty = dirty_part(partition, lsn, now_ms)?;
            dirty
                .is_due(&partition.config, now_ms, first_timestamp(partition, &dirty))
                .then_some((partition, dirty))
        });
        // Equal ones in order of id, so that a run can be repeated.
        let (partition, dirty) = due.max_by(|(a, this), (b, that)| {
            let fruitless = b.fruitless_compactions.cmp(&a.fruitless_compactions);
            fruitless.then(this.ratio.total_cmp(&that.ratio)).then_with(|| b.id.cmp(&a.id))
        })?;
        let seed = self.dir_id.as_u128() ^ u128::from(self.last_lsn());
        let map = OffsetMap::new(dedupe_buffer_bytes, (dirty.end - dirty.first).cast_unsigned(), seed);
        let pass = Pass {
            disk: Arc::clone(&self.files.disk),
            id: partition.id,
            generation: partition.generation,
            cut_lsn: partition.cut_lsn,
            config: Arc::clone(&partition.config),
            index_interval_bytes: self.config.index_interval_bytes,
            view: Arc::clone(&partition.view),
            segments: partition.segments.iter().filter(|segment| segment.sealed.is_some()).cloned().collect(),
            producers: last_of_producers(partition),
            high_watermark: partition.bounded_high_watermark(),
            now_ms,
            first_dirty: dirty.first,
            end: dirty.end,
            map,
            stats: CompactionStats::default(),
            bytes: 0,
        };
        self.compaction_out = true;
        Some(CompactionJob::new(pass))
    }

    /// Takes note that a compaction is over. After an error that will not pass, the log is not tried again until the next start.
    pub fn finish_compaction(&mut self, id: PartitionId, result: &Result<CompactionStats, CompactionError>) {
        self.compaction_out = false;
        let Some(partition) = self.partitions.get_mut(&id) else { return };
        match result {
            Ok(stats) if stats.came_to_something() => partition.fruitless_compactions = 0,
            Ok(_) => partition.fruitless_compactions += 1,
            Err(error) => {
                partition.fruitless_compactions += 1;
                partition.uncleanable |= !error.passes();
            }
        }
    }

    /// How much there is to compact.
    #[must_use]
    pub fn compaction_outlook(&self, now_ms: i64) -> CompactionOutlook {
        let dirty = self
            .partitions
            .values()
            .filter_map(|partition| dirty_part(partition, self.checkpointed_lsn, now_ms));
        CompactionOutlook {
            max_dirty_ratio: dirty.map(|dirty| dirty.ratio).fold(0.0, f64::max),
            uncleanable_partitions: self
                .partitions
                .values()
                .filter(|partition| partition.uncleanable)
                .count(),
        }
    }

    /// Offset below which a log has been compacted; `None` if the partition is unknown.
    #[must_use]
    pub fn cleaned_offset(&self, id: PartitionId) -> Option<i64> {
        Some(self.partitions.get(&id)?.cleaned_offset)
    }

    /// Says in the WAL what is about to be replaced, if that is still there.
    pub(crate) fn stage_swap(&mut self, cleaned: Box<Cleaned>) -> Result<Pending, OpError> {
        let id = cleaned.id;
        let refused = Ok(Pending::Swap { id, swap: None });
        let Some(partition) = self.partitions.get(&id) else { return refused };
        if cleaned.place_in(partition).is_none() {
            return refused;
        }
        let open = open_all(&cleaned.inputs)
            .map_err(|error| OpError::Offline(format!("opening a segment: {error}")))?;
        let record = WalRecord::Compacted {
            id,
            generation: cleaned.generation,
            segment_base: cleaned.base_offset(),
            sealed: cleaned.sealed,
            cleaned_offset: cleaned.cleaned_offset.unwrap_or(partition.cleaned_offset),
        };
        let lsn = self.push_record(&record, Bytes::new());
        self.stage_alone(id);
        Ok(Pending::Swap { id, swap: Some(PendingSwap { cleaned, lsn, open }) })
    }

    /// The record is durable: renames the files. Returns the outcome and whether the view changed.
    pub(crate) fn apply_swap(
        &mut self,
        id: PartitionId,
        swap: Option<PendingSwap>,
    ) -> io::Result<(Outcome, bool)> {
        let (Some(swap), Some(partition)) = (swap, self.partitions.get_mut(&id)) else {
            return Ok((Outcome::Swapped { swapped: false }, false));
        };
        let PendingSwap { cleaned, lsn, open } = swap;
        let at = cleaned.place_in(partition).expect("the partition has been staged alone");
        for (segment, files) in open {
            // From now on its paths lead to other files.
            segment.detach(files);
        }
        let base_offset = cleaned.base_offset();
        for kind in FileKind::ALL {
            let to = PathBuf::from(id.dir_name()).join(file_name(base_offset, kind));
            self.files.disk.rename(&cleaned_path(id, base_offset, kind), &to)?;
        }
        for merged in &cleaned.inputs[1..] {
            partition.dirty.segments.remove(&merged.base_offset);
            set_aside(&*self.files.disk, merged, &mut self.garbage)?;
        }
        let segment = Segment::new(&self.files, id, base_offset, Some(cleaned.sealed));
        partition.segments.splice(at..at + cleaned.inputs.len(), [Arc::new(segment)]);
        partition.dirty.dir = true;
        partition.swap_lsn = lsn;
        partition.note_compacted(cleaned.sealed.end_offset, cleaned.cleaned_offset);
        partition.refresh_view();
        Ok((Outcome::Swapped { swapped: true }, true))
    }
}

/// Gives a segment's files names that no segment has.
pub(crate) fn set_aside(disk: &dyn Disk, segment: &Segment, garbage: &mut Vec<Garbage>) -> io::Result<()> {
    for kind in FileKind::ALL {
        let from = segment.path(kind);
        let to = PathBuf::from(segment.id.dir_name())
            .join(format!("{}{DELETED}", file_name(segment.base_offset, kind)));
        match disk.rename(&from, &to) {
            Ok(()) => garbage.push(Garbage::File(to)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn open_all(
    segments: &[Arc<Segment>],
) -> io::Result<Vec<(Arc<Segment>, Vec<(FileKind, Arc<dyn DiskFile>)>)>> {
    let open = |segment: &Arc<Segment>| {
        let mut files = Vec::with_capacity(FileKind::ALL.len());
        for kind in FileKind::ALL {
            match segment.open(kind, crate::disk::OpenMode::Existing) {
                Ok(file) => files.push((kind, file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok((Arc::clone(segment), files))
    };
    segments.iter().map(open).collect()
}

/// What of a partition has not been compacted and could be, given what the last checkpoint at `checkpointed_lsn` knows.
fn dirty_part(partition: &Partition, checkpointed_lsn: Lsn, now_ms: i64) -> Option<Dirty> {
    let changed_since = partition.cut_lsn.max(partition.swap_lsn) > checkpointed_lsn;
    let out = partition.offline.is_some() || partition.uncleanable || changed_since;
    if out || !partition.config.cleanup_policy.compact {
        return None;
    }
    let candidates: Vec<Candidate> = partition
        .segments
        .iter()
        .filter_map(|segment| Some((segment.base_offset, segment.sealed?)))
        .collect();
    let bounds = Bounds {
        log_start: partition.log_start,
        cleaned: partition.cleaned_offset,
        high_watermark: partition.bounded_high_watermark(),
        recovery: partition.recovery_offset,
    };
    plan::dirty(&candidates, &bounds, &partition.config, now_ms)
}

/// Time of the first batch of the first dirty segment, if it is asked for and known.
fn first_timestamp(partition: &Partition, dirty: &Dirty) -> Option<i64> {
    if partition.config.max_compaction_lag_ms == i64::MAX {
        return None;
    }
    let is_dirty =
        |segment: &&Arc<Segment>| segment.sealed.is_some_and(|sealed| sealed.end_offset > dirty.first);
    partition.segments.iter().find(is_dirty)?.first_timestamp()
}

fn last_of_producers(partition: &Partition) -> rustc_hash::FxHashMap<i64, LastOfProducer> {
    let last = |(id, entry): (&i64, &crate::producer::ProducerEntry)| {
        let last_offset = entry.batches.last().map(|meta| meta.last_offset);
        (*id, LastOfProducer { last_offset, epoch: entry.epoch })
    };
    partition.producers.0.iter().map(last).collect()
}
