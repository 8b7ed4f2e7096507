//! From what the log found to what the node starts with.

use std::collections::BTreeSet;
use std::sync::Arc;

use chronik_log::{PartitionId, RecoveredPartition, Recovery};

use super::StartError;
use crate::cluster::{ClusterState, Command, NodeSettings, SinceSnapshot};
use crate::storage::{Storage, StorageError};

/// The metadata as it was, and the partitions that have a log.
pub(super) struct Recovered {
    /// The metadata, folded.
    pub(super) state: ClusterState,
    /// The records among what it was folded from.
    pub(super) since_snapshot: SinceSnapshot,
    /// The partitions.
    pub(super) partitions: Vec<RecoveredPartition>,
}

impl Recovered {
    /// Folds the metadata.
    ///
    /// # Errors
    /// A record that this version does not understand.
    pub(super) fn fold(recovery: Recovery) -> Result<Self, StartError> {
        let unreadable = |error: serde_json::Error| StartError::Metadata(error.to_string());
        let mut state: ClusterState = match &recovery.metadata_snapshot {
            Some(snapshot) => serde_json::from_slice(snapshot).map_err(unreadable)?,
            None => ClusterState::default(),
        };
        let mut since_snapshot = SinceSnapshot::default();
        for record in &recovery.metadata_records {
            since_snapshot.add(record.len());
            let command: Command = serde_json::from_slice(record).map_err(unreadable)?;
            // What was refused was never written, so nothing can be refused now.
            state.apply(&command).map_err(|refusal| StartError::Metadata(refusal.to_string()))?;
        }
        Ok(Self { state, since_snapshot, partitions: recovery.partitions })
    }

    /// Creates what the metadata has and the log has not; drops what no topic owns: a crash came between the two.
    pub(super) async fn reconcile(
        &self,
        storage: &Storage,
        state: &ClusterState,
        settings: &NodeSettings,
    ) -> Result<(), StorageError> {
        let present: BTreeSet<PartitionId> = self.partitions.iter().map(|partition| partition.id).collect();
        let mut owned = BTreeSet::new();
        for topic in state.topics() {
            let ids: BTreeSet<PartitionId> = topic.partition_ids().collect();
            if !ids.is_subset(&present) {
                let config = Arc::new(settings.log_config(state, topic));
                storage.create_partitions(ids.iter().copied(), &config).await?;
            }
            owned.extend(ids);
        }
        for orphan in present.difference(&owned) {
            tracing::info!(partition = %orphan, "dropping a partition whose topic has been deleted");
            storage.drop_partition(*orphan).await?;
        }
        Ok(())
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
