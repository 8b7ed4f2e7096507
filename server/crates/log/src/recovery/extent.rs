//! Whether an Extent is there: its segment holds, at its place, the batch that the WAL claims.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use chronik_kafka::record_batch::{HEADER_LEN, RecordBatch};
use rustc_hash::FxHashMap;

use super::Damage;
use super::plan::{self, Plan};
use super::replay::Claim;
use crate::checkpoint::PartitionState;
use crate::disk::{Disk, OpenMode};
use crate::error::LogError;
use crate::files::FileKind;
use crate::segment::file_name;
use crate::types::{Lsn, PartitionId};
use crate::wal::record::{Placed, WalRecord};
use crate::wal::scan::{Located, Visitor, list, scan};

/// The file that an Extent is in.
pub(super) fn path(claim: &Claim<'_>) -> String {
    segment_path(claim).display().to_string()
}

fn segment_path(claim: &Claim<'_>) -> PathBuf {
    PathBuf::from(claim.placed.id.dir_name()).join(file_name(claim.placed.segment_base, FileKind::Log))
}

/// Reads the batch: its header must be the claimed one, byte for byte, and its body must have the CRC that this claims.
pub(super) fn verify(disk: &dyn Disk, claim: &Claim<'_>) -> Result<(), (u64, String)> {
    let header = &claim.placed.header;
    let wrong = |reason: String| (u64::from(claim.placed.position), reason);
    let bytes = read(disk, claim).map_err(|error| wrong(format!("a batch cannot be read: {error}")))?;
    if bytes.len() < header.total_len() {
        return Err(wrong("the file ends inside a batch".to_owned()));
    }
    if bytes[..HEADER_LEN] != header.encode() {
        return Err(wrong("another batch is in its place".to_owned()));
    }
    RecordBatch { header: header.clone(), body: bytes.slice(HEADER_LEN..) }
        .check_stored()
        .map_err(|error| wrong(format!("a batch is damaged: {error}")))
}

fn read(disk: &dyn Disk, claim: &Claim<'_>) -> io::Result<Bytes> {
    let file = disk.open(&segment_path(claim), OpenMode::Existing)?;
    // A file that is too short must not cost the memory of what it lacks.
    let position = u64::from(claim.placed.position);
    let there = file.len()?.saturating_sub(position);
    let len = usize::try_from(there).unwrap_or(usize::MAX).min(claim.placed.header.total_len());
    let mut bytes = vec![0; len];
    let read = file.read_at(&mut bytes, position)?;
    bytes.truncate(read);
    Ok(bytes.into())
}

/// What there is above a checkpoint.
pub(crate) struct Checked {
    /// What records above the checkpoint make of its partitions.
    pub(crate) plans: FxHashMap<PartitionId, Plan>,
    /// Live Extents, and what is wrong with them.
    pub(crate) live: u64,
    pub(crate) damage: Vec<Damage>,
}

/// Verifies every live Extent above the checkpoint, which is at `lsn`.
pub(crate) fn check(disk: &dyn Disk, lsn: Lsn, states: Vec<PartitionState>) -> Result<Checked, LogError> {
    let plans = states.into_iter().map(|state| (state.id, Plan::at_checkpoint(state))).collect();
    let mut extents = Extents { plans, found: Vec::new() };
    scan(disk, &list(disk)?.segments, lsn + 1, &mut extents)?;
    let (mut live, mut damage) = (0, Vec::new());
    for (lsn, placed) in &extents.found {
        let plan = extents.plans.get(&placed.id);
        if !plan.is_some_and(|plan| plan.is_live(*lsn, placed)) {
            continue;
        }
        live += 1;
        let claim = Claim { lsn: *lsn, placed };
        if let Err((position, reason)) = verify(disk, &claim) {
            damage.push(Damage { file: path(&claim), position, partition: Some(placed.id), reason });
        }
    }
    Ok(Checked { plans: extents.plans, live, damage })
}

/// Collects Extents, and what kills them.
struct Extents {
    plans: FxHashMap<PartitionId, Plan>,
    found: Vec<(Lsn, Placed)>,
}

impl Visitor for Extents {
    fn record(&mut self, located: &Located<'_>) -> Result<(), LogError> {
        let (lsn, record) = (located.frame.lsn, located.record);
        if let Some(id) = record.partition() {
            plan::observe(&mut self.plans, id, lsn, record);
        }
        if let WalRecord::Extent(placed) = record {
            self.found.push((lsn, placed.clone()));
        }
        Ok(())
    }

    fn segment_done(&mut self, _bytes: u64) -> Result<(), LogError> {
        Ok(())
    }
}
