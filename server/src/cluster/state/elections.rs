//! What leaders and operators ask for: other in-sync sets, other leaders.

use std::sync::Arc;

use uuid::Uuid;

use super::super::command::{Applied, Election, ElectionKind, PartitionChange, Refusal};
use super::brokers::Electorate;
use super::{ClusterState, Partition};

impl ClusterState {
    pub(super) fn alter_partitions(
        &mut self,
        node_id: i32,
        broker_epoch: i64,
        changes: &[PartitionChange],
    ) -> Result<Applied, Refusal> {
        self.registered(node_id, broker_epoch)?;
        let mut refused = Vec::new();
        for change in changes {
            if !self.alter_partition(node_id, change) {
                refused.push((change.topic_id, change.partition));
            }
        }
        Ok(Applied::PartitionsAltered { refused })
    }

    /// Returns whether the change was made.
    fn alter_partition(&mut self, node_id: i32, change: &PartitionChange) -> bool {
        let next = |electorate: &Electorate<'_>, partition: &Partition| {
            may_alter(electorate, partition, node_id, change)
                .then(|| partition.with_in_sync(|replica| change.in_sync.contains_key(&replica)))
        };
        self.change_partition(change.topic_id, change.partition, next) == Some(true)
    }

    pub(super) fn elect_leaders(
        &mut self,
        kind: ElectionKind,
        partitions: Option<&[(Uuid, i32)]>,
    ) -> Applied {
        let elections = match partitions {
            Some(named) => {
                named.iter().map(|(id, index)| (*id, *index, self.elect(kind, *id, *index))).collect()
            }
            None => {
                let all: Vec<(Uuid, i32)> = self
                    .topics()
                    .flat_map(|topic| topic.partition_ids())
                    .map(|id| (id.topic_id, id.partition))
                    .collect();
                let held = all.into_iter().map(|(id, index)| (id, index, self.elect(kind, id, index)));
                held.filter(|(_, _, election)| *election != Election::NotNeeded).collect()
            }
        };
        Applied::LeadersElected { kind, elections }
    }

    /// As Kafka decides (`ReplicationControlManager.electLeader`).
    fn elect(&mut self, kind: ElectionKind, id: Uuid, index: i32) -> Election {
        let Some(partition) = self.topic_by_id(&id).and_then(|topic| topic.partition(index)) else {
            return Election::UnknownPartition;
        };
        let (is_needed, otherwise) = match kind {
            ElectionKind::Preferred => {
                (partition.leader != partition.preferred(), Election::PreferredNotAvailable)
            }
            ElectionKind::Unclean => (partition.leader.is_none(), Election::NobodyEligible),
        };
        if !is_needed {
            return Election::NotNeeded;
        }
        let next = |electorate: &Electorate<'_>, partition: &Partition| match kind {
            ElectionKind::Preferred => partition.led_by_preferred(electorate),
            ElectionKind::Unclean => partition.filled(&electorate.with_unclean()),
        };
        match self.change_partition(id, index, next) {
            Some(true) => Election::Elected,
            _ => otherwise,
        }
    }

    /// Changes one partition if `change` has another version; returns whether it has, if there is the partition.
    pub(super) fn change_partition(
        &mut self,
        id: Uuid,
        index: i32,
        change: impl FnOnce(&Electorate<'_>, &Partition) -> Option<Partition>,
    ) -> Option<bool> {
        let topic = self.topics.get_mut(&id)?;
        let electorate = Electorate::of(&self.brokers, &topic.configs);
        let before = topic.partition(index)?;
        let next = change(&electorate, before).map(|next| next.and_completed(before, &electorate));
        let is_changed = next.is_some();
        if let Some(next) = next {
            Arc::make_mut(topic).partitions[usize::try_from(index).ok()?] = next;
        }
        Some(is_changed)
    }
}

/// Whether what a change rests on is so. A replica comes in only in the life in which the leader has seen it in sync, and while it may lead (KIP-903, KIP-841).
fn may_alter(
    electorate: &Electorate<'_>,
    partition: &Partition,
    node_id: i32,
    change: &PartitionChange,
) -> bool {
    let PartitionChange { leader_epoch, partition_epoch, in_sync, .. } = change;
    let rests_on_what_is = partition.leader == Some(node_id)
        && partition.leader_epoch == *leader_epoch
        && partition.partition_epoch == *partition_epoch;
    let may_be_in_sync = |(replica, broker_epoch): (&i32, &i64)| {
        partition.in_sync_replicas.contains(replica)
            || partition.replicas.contains(replica) && electorate.is_unfenced_in(*replica, *broker_epoch)
    };
    rests_on_what_is && in_sync.contains_key(&node_id) && in_sync.iter().all(may_be_in_sync)
}
