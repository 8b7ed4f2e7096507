//! Committing a group: first the WAL (before it, what goes straight: `bulk.rs`), then the segments. The two
//! halves are separate so that they can be pipelined.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::apply::{Behind, write_runs};
use crate::error::{CommitError, OpError, is_storage_full};
use crate::log::Log;
use crate::op::{Committed, Outcome, Touched};
use crate::partition::{Partition, StagedChange};
use crate::stage::{Cut, Pending, truncate_record};
use crate::types::{FlushPolicy, PartitionId};
use crate::wal::fatal;

/// Partitions that the group changed; `true` if the view changed.
type Changed = BTreeMap<PartitionId, bool>;

impl Log {
    /// First half: bulk, then the WAL. After an error nothing of the group is there.
    pub(crate) fn write_group(&mut self) -> Result<(), CommitError> {
        self.write_bulk()?;
        if let Err(error) = self.wal.write(&mut self.group) {
            // After any other error the Extents may be in the WAL, and what they claim must stay.
            if matches!(error, CommitError::StorageFull) {
                self.take_back_bulk()?;
            }
            return Err(error);
        }
        if self.config.flush == FlushPolicy::Commit || self.sync_group {
            self.wal.sync()?;
        }
        Ok(())
    }

    /// Second half: partitions and their segments. A partition whose segment cannot be written because the disk is
    /// full is as before; its operations are refused, and the WAL says so before anybody hears of it.
    pub(crate) fn apply_group(&mut self) -> Result<Committed, CommitError> {
        let pending = std::mem::take(&mut self.pending);
        let mut changed = Changed::new();
        let mut refused: Vec<Cut> = Vec::new();
        let mut refused_ids: Vec<PartitionId> = Vec::new();
        for id in std::mem::take(&mut self.staged) {
            match self.apply_appends(id) {
                Ok(None) => self.unstage(id),
                Ok(Some(view)) => {
                    changed.insert(id, view);
                }
                Err(error) if is_storage_full(&error) => {
                    refused.push(self.undone(id));
                    refused_ids.push(id);
                }
                Err(error) => return Err(fatal("writing a segment", &error)),
            }
        }
        self.group.clear();
        self.sync_group = false;
        self.write_refusals(&refused_ids, &refused)?;
        let mut outcomes = Vec::with_capacity(pending.len());
        for pending in pending {
            outcomes.push(self.apply_pending(pending, &refused_ids, &mut changed)?);
        }
        let touched = changed.into_iter().map(|(id, view)| self.touched(id, view)).collect();
        Ok(Committed { outcomes, touched, lsn: self.last_lsn() })
    }

    /// Writes a partition's staged appends, unless they went straight. `None` if it has none, else whether its view changed.
    pub(crate) fn apply_appends(&mut self, id: PartitionId) -> io::Result<Option<bool>> {
        let Some(partition) = self.partitions.get_mut(&id) else { return Ok(None) };
        let Some(StagedChange::Appends(appends)) = partition.staged.as_deref() else { return Ok(None) };
        if appends.written_over.is_none() {
            self.root_dirty |= write_runs(&self.files, partition, Behind::Nothing)?;
        }
        Ok(Some(crate::apply::install(partition)))
    }

    fn unstage(&mut self, id: PartitionId) {
        if let Some(partition) = self.partitions.get_mut(&id) {
            partition.staged = None;
        }
    }

    fn undone(&mut self, id: PartitionId) -> Cut {
        self.unstage(id);
        if let Some(partition) = self.partitions.get_mut(&id) {
            partition.refused = true;
        }
        self.partitions.get(&id).map(|partition| partition.end).map_or(
            Cut { to: 0, segment_base: 0, position: 0 },
            |end| Cut { to: end.offset, segment_base: end.segment_base, position: end.position },
        )
    }

    /// The refused appends are durable in the WAL: without these records the next start would bring them back.
    fn write_refusals(&mut self, ids: &[PartitionId], cuts: &[Cut]) -> Result<(), CommitError> {
        if ids.is_empty() {
            return Ok(());
        }
        for (id, cut) in ids.iter().zip(cuts) {
            let Some(partition) = self.partitions.get(id) else { continue };
            let record = truncate_record(*id, partition.generation, *cut, partition.epochs.latest());
            let lsn = self.wal.next_lsn() + self.group.records();
            self.group.push(lsn, &record, Bytes::new());
        }
        let written = self.wal.write(&mut self.group).and_then(|()| self.wal.sync());
        self.group.clear();
        written.map_err(|error| CommitError::Fatal(format!("taking back a refused append: {error}")))
    }

    fn apply_pending(
        &mut self,
        pending: Pending,
        refused: &[PartitionId],
        changed: &mut Changed,
    ) -> Result<Result<Outcome, OpError>, CommitError> {
        let outcome = match pending {
            Pending::Append { id, .. } if refused.contains(&id) => return Ok(Err(OpError::StorageFull)),
            Pending::Append { appended, .. } => Outcome::Appended(appended),
            Pending::Metadata(record) => {
                self.metadata.append(record);
                Outcome::Metadata
            }
            Pending::MetadataSnapshot(snapshot) => {
                self.metadata.replace(snapshot);
                Outcome::Metadata
            }
            Pending::Create { id, lsn, config } => {
                self.set_aside_stray(id, lsn).map_err(|error| fatal("moving a stray directory", &error))?;
                self.partitions.insert(id, Partition::new(&self.files, id, lsn, config));
                changed.insert(id, true);
                Outcome::Created
            }
            Pending::Drop { id, lsn } => {
                self.drop_partition(id, lsn).map_err(|error| fatal("deleting a partition", &error))?;
                changed.insert(id, true);
                Outcome::Dropped
            }
            Pending::Truncate { id, cut } => {
                if let Some(cut) = cut {
                    self.cut_partition(id, cut).map_err(|error| fatal("cutting a log", &error))?;
                    changed.insert(id, true);
                }
                Outcome::Truncated { log_end_offset: self.log_end_offset(id).unwrap_or(0) }
            }
            Pending::DeleteRecords { id, start } => {
                if let Some(start) = start {
                    self.start_partition(id, start).map_err(|error| fatal("deleting segments", &error))?;
                    changed.insert(id, true);
                }
                Outcome::RecordsDeleted { log_start_offset: self.log_start_offset(id).unwrap_or(0) }
            }
            Pending::StartAt { id, offset } => {
                self.empty_partition(id, offset).map_err(|error| fatal("deleting segments", &error))?;
                changed.insert(id, true);
                Outcome::StartedAt { offset }
            }
            Pending::Swap { id, swap } => {
                let applied = self.apply_swap(id, swap).map_err(|error| fatal("replacing segments", &error));
                let (outcome, view_changed) = applied?;
                if view_changed {
                    changed.insert(id, true);
                }
                outcome
            }
            Pending::Retention { starts, segments_deleted, more } => {
                for (id, start) in starts {
                    self.start_partition(id, start).map_err(|error| fatal("deleting segments", &error))?;
                    changed.insert(id, true);
                }
                Outcome::Retained { segments_deleted, more }
            }
        };
        Ok(Ok(outcome))
    }

    fn touched(&self, id: PartitionId, view: bool) -> Touched {
        let Some(partition) = self.partitions.get(&id) else {
            return Touched { id, log_end_offset: 0, log_start_offset: 0, view: None, dropped: true };
        };
        Touched {
            id,
            log_end_offset: partition.end.offset,
            log_start_offset: partition.log_start,
            view: view.then(|| Arc::clone(&partition.view)),
            dropped: false,
        }
    }
}
