//! From the metadata to what this node is in each of its partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use chronik_log::{Log, PartitionId};
use concurrency_models::epoch::{Leadership, Role};
use concurrency_models::image::Image;
use concurrency_models::isr::Assignment;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::ends::Ends;
use super::liveness::Liveness;
use super::tasks::Streams;
use crate::clock::Clock;
use crate::cluster::{self, ClusterState, Replicas};
use crate::storage::{Partition, Storage, StorageError};

/// In a leader epoch without a leader.
const NOBODY: i32 = -1;

/// Gives this node its part in each partition, and what other nodes say to whom it concerns.
pub struct Roles {
    pub(super) node_id: i32,
    pub(super) storage: Storage,
    pub(super) clock: Clock,
    /// By node id: those that belong to the cluster, or have something to say.
    pub(super) others: Image<BTreeMap<i32, Arc<Ends>>>,
    /// What it takes to have streams to one more, once there are other nodes.
    pub(super) streams: Image<Option<Arc<Streams>>>,
    /// In which life this node is.
    pub(super) broker_epoch: Arc<Image<i64>>,
    /// Who hears whether leaders are there, once there are other nodes.
    pub(super) liveness: Image<Option<Liveness>>,
}

/// A partition that this node is to lead, or goes on leading.
struct Lead {
    id: PartitionId,
    epoch: i32,
    assignment: Assignment,
}

/// What is different.
#[derive(Default)]
struct News {
    /// Partitions that this node leads in a new epoch.
    lead: Vec<Lead>,
    /// Partitions that it leads as before, maybe with another in-sync set.
    go_on: Vec<Lead>,
    /// Partitions that are followed from now on, by their leader.
    follow: BTreeMap<i32, Vec<(PartitionId, i32)>>,
    /// Partitions that are not followed any more, by who led them.
    unfollow: BTreeMap<i32, Vec<PartitionId>>,
}

impl Roles {
    async fn take_up(&self, next: &ClusterState, concerned: &[PartitionId]) -> Result<(), StorageError> {
        if let Some(this) = next.brokers.get(&self.node_id)
            && *self.broker_epoch.load() != this.broker_epoch
        {
            self.broker_epoch.replace(this.broker_epoch);
        }
        self.meet(next).await;
        let mut news = News::default();
        for id in concerned {
            if let Some(partition) = self.storage.partition(id) {
                self.change(next, *id, &partition, &mut news);
            }
        }
        let News { follow, unfollow, lead, go_on } = news;
        self.tell(follow, unfollow).await;
        if !lead.is_empty() {
            self.lead(lead).await?;
        }
        if let Some(liveness) = &*self.liveness.load() {
            liveness.publish(next, concerned.iter().copied());
        }
        // Last: a smaller in-sync set lets produces be answered, and whoever has asked behind one who leads now is told by the image that comes next.
        for Lead { id, epoch, assignment } in go_on {
            if let Some(partition) = self.storage.partition(&id) {
                let _deposed = partition.isr().apply(epoch, assignment.in_sync, assignment.partition_epoch);
            }
        }
        Ok(())
    }

    /// Follows, or notes what it is to lead.
    fn change(&self, next: &ClusterState, id: PartitionId, partition: &Partition, news: &mut News) {
        let was = partition.isr().leadership();
        let known = next.topic_by_id(&id.topic_id).and_then(|topic| topic.partition(id.partition));
        let Some(known) = known else { return news.unfollow(was, id) };
        if !known.replicas.contains(&self.node_id) {
            // Who waits here is told of the new leader before the log is dropped: for an idempotent producer it is not the same that a partition is elsewhere, and that
            // there is none.
            let _deposed = partition.isr().follow(known.leader_epoch, known.leader.unwrap_or(NOBODY));
            return news.unfollow(was, id);
        }
        let epoch = known.leader_epoch;
        match known.leader {
            Some(leader) if leader == self.node_id => {
                let assignment = self.assignment(next, known);
                if epoch > was.epoch {
                    news.unfollow(was, id);
                    return news.lead.push(Lead { id, epoch, assignment });
                }
                for (node, broker_epoch) in &assignment.replicas {
                    let _deposed = partition.isr().restarted(epoch, *node, *broker_epoch);
                }
                news.go_on.push(Lead { id, epoch, assignment });
            }
            leader => {
                let leader = leader.unwrap_or(NOBODY);
                if partition.isr().follow(epoch, leader).is_ok() {
                    news.unfollow(was, id);
                    if leader != NOBODY {
                        tracing::debug!(partition = %id, leader, epoch, "follows");
                        news.follow.entry(leader).or_default().push((id, epoch));
                    }
                }
            }
        }
    }

    fn assignment(&self, next: &ClusterState, known: &cluster::Partition) -> Assignment {
        let broker_epoch = |node: &i32| next.brokers.get(node).map_or(0, |broker| broker.broker_epoch);
        Assignment {
            replicas: known.replicas.iter().map(|node| (*node, broker_epoch(node))).collect(),
            in_sync: known.in_sync_replicas.iter().copied().collect(),
            partition_epoch: known.partition_epoch,
        }
    }

    /// Leads from where the logs end when all that is queued for them is done. It runs on the thread that owns the log, between two groups: what a follower has
    /// queued comes before it, or not at all.
    async fn lead(&self, partitions: Vec<Lead>) -> Result<(), StorageError> {
        let (storage, now_ms) = (self.storage.clone(), self.clock.now_ms());
        let begin = move |log: &mut Log| {
            for Lead { id, epoch, assignment } in partitions {
                let (Some(partition), Some(end)) = (storage.partition(&id), log.log_end_offset(id)) else {
                    continue; // it is being deleted
                };
                if partition.isr().lead(epoch, assignment, end, now_ms).is_ok() {
                    tracing::debug!(partition = %id, epoch, from = end, "leads");
                    let high_watermark = partition.isr().synced(end, now_ms);
                    log.set_high_watermark(id, high_watermark);
                }
            }
        };
        self.storage.with_log(begin).await
    }

    /// Has the receivers follow.
    async fn tell(
        &self,
        follow: BTreeMap<i32, Vec<(PartitionId, i32)>>,
        unfollow: BTreeMap<i32, Vec<PartitionId>>,
    ) {
        for (leader, partitions) in unfollow {
            if let Some(ends) = self.others.load().get(&leader) {
                ends.unfollow(partitions).await;
            }
        }
        for (leader, partitions) in follow {
            if let Some(ends) = self.ends(leader) {
                ends.follow(partitions).await;
            }
        }
    }
}

impl News {
    /// Whoever was followed is followed no longer.
    fn unfollow(&mut self, was: Leadership, id: PartitionId) {
        if let Role::Follower { leader } = was.role {
            self.unfollow.entry(leader).or_default().push(id);
        }
    }
}

impl Replicas for Roles {
    fn take_up<'a>(
        &'a self,
        next: &'a ClusterState,
        concerned: &'a BTreeSet<PartitionId>,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        async move {
            let concerned: Vec<PartitionId> = concerned.iter().copied().collect();
            Roles::take_up(self, next, &concerned).await
        }
        .boxed()
    }

    fn heartbeat(&self, from: i32, bytes: Bytes) {
        if let Some(liveness) = &*self.liveness.load() {
            liveness.heard(from, &bytes);
        }
    }

    fn data(&self, from: i32, bytes: Bytes) {
        if let Some(ends) = self.ends(from) {
            ends.hear(from, bytes);
        }
    }

    fn connected(&self, node: i32) {
        if let Some(ends) = self.others.load().get(&node) {
            ends.connected();
        }
    }

    fn lost(&self, node: i32) {
        if let Some(ends) = self.others.load().get(&node) {
            ends.lost();
        }
    }
}

#[cfg(test)]
mod tests;
