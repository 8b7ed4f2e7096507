//! From what the log found to what the node starts with.

use std::collections::BTreeSet;

use chronik_log::{PartitionId, RecoveredPartition, Recovery};

use crate::cluster::raft::{RaftLog, UnreadableLog};

/// The Raft log, and the partitions that have a log.
pub(super) struct Recovered {
    /// `None` on the first start.
    pub(super) raft: Option<RaftLog>,
    /// The partitions.
    pub(super) partitions: Vec<RecoveredPartition>,
}

impl Recovered {
    /// Reads the Raft log.
    ///
    /// # Errors
    /// A record that this version does not understand.
    pub(super) fn of(recovery: Recovery) -> Result<Self, UnreadableLog> {
        let raft = RaftLog::read(recovery.metadata_snapshot.as_ref(), &recovery.metadata_records)?;
        Ok(Self { raft, partitions: recovery.partitions })
    }

    /// Which partitions have a log.
    pub(super) fn logs(&self) -> BTreeSet<PartitionId> {
        self.partitions.iter().map(|partition| partition.id).collect()
    }
}

/// Tells the operator what recovery did.
pub(super) fn report(recovery: &Recovery) {
    if !recovery.clean {
        tracing::info!(
            wal_records = recovery.wal_records,
            replayed_appends = recovery.replayed_appends,
            partitions = recovery.partitions.len(),
            "recovered after an unclean stop"
        );
    }
    for damage in &recovery.damage {
        tracing::warn!(file = %damage.file, position = damage.position, reason = %damage.reason, "found damage");
    }
    for partition in &recovery.partitions {
        if let Some(reason) = &partition.offline {
            tracing::error!(partition = %partition.id, %reason, "the partition is offline on this node");
        }
    }
    for stray in &recovery.stray_dirs {
        tracing::warn!(directory = %stray, "looks like a partition, but nothing knows it: left untouched");
    }
}
