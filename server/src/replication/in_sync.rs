//! Who is in sync: a task has the metadata leader commit what leaders see.
//!
//! A follower that lags is taken out, one that has caught up is taken in; many partitions at a time, one change of a partition at a time. A change without an
//! answer is asked for again until there is one: it rests on a partition epoch, so it is made at most once.

use std::collections::BTreeMap;

use chronik_log::PartitionId;
use concurrency_models::epoch::Role;
use concurrency_models::isr::Change;
use concurrency_models::mailbox::Receiver;
use uuid::Uuid;

use super::in_sync_news::InSyncNews;
use crate::clock::Clock;
use crate::cluster::{Applied, ClusterState, Command, Controller, PartitionChange, ProposeError};
use crate::limits;
use crate::storage::Storage;
use crate::telemetry::{Metrics, Pulse};

/// A follower may have caught up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) id: PartitionId,
    pub(crate) leader_epoch: i32,
    pub(crate) node: i32,
    pub(crate) broker_epoch: i64,
}

/// The task.
pub(crate) struct InSync {
    pub(crate) node_id: i32,
    pub(crate) storage: Storage,
    pub(crate) controller: Controller,
    pub(crate) clock: Clock,
    /// `replica.lag.time.max.ms`
    pub(crate) max_lag_ms: i64,
    pub(crate) wishes: Receiver<Wish>,
    pub(crate) metrics: Metrics,
    /// What operators are not told yet.
    pub(crate) news: InSyncNews,
}

type Changes = BTreeMap<PartitionId, Change>;

impl InSync {
    /// Runs until nobody can wish any more.
    pub(crate) async fn run(mut self, pulse: Pulse) {
        let mut look_at = self.clock.uptime() + limits::STREAM_LOOK;
        loop {
            pulse.idle();
            let changes = tokio::select! {
                biased;
                () = self.clock.sleep(look_at.saturating_sub(self.clock.uptime())) => {
                    look_at = self.clock.uptime() + limits::STREAM_LOOK;
                    self.news.tell();
                    self.shrink()
                }
                wish = self.wishes.recv() => match wish {
                    Some(first) => self.expand(first),
                    None => return,
                },
            };
            pulse.beat();
            if !changes.is_empty() && !self.settle(changes).await {
                return;
            }
        }
    }

    /// What follows from this wish and those behind it.
    fn expand(&mut self, first: Wish) -> Changes {
        let mut changes = Changes::new();
        let mut next = Some(first);
        while let Some(Wish { id, leader_epoch, node, broker_epoch }) = next {
            if let Some(partition) = self.storage.partition(&id)
                && let Ok(change) = partition.isr().propose_expand(leader_epoch, node, broker_epoch)
            {
                changes.insert(id, change);
            }
            next = if changes.len() < limits::MAX_PARTITION_CHANGES { self.wishes.try_recv() } else { None };
        }
        changes
    }

    /// Takes out those who lag.
    fn shrink(&self) -> Changes {
        let now_ms = self.clock.now_ms();
        let mut changes = Changes::new();
        for (id, partition) in self.storage.partitions() {
            let leadership = partition.isr().leadership();
            if leadership.role == Role::Leader
                && changes.len() < limits::MAX_PARTITION_CHANGES
                && let Ok(change) = partition.isr().propose_shrink(leadership.epoch, now_ms, self.max_lag_ms)
            {
                changes.insert(id, change);
            }
        }
        changes
    }

    /// Has them committed. Returns whether the node goes on.
    async fn settle(&mut self, changes: Changes) -> bool {
        let before = self.controller.state();
        let Some(command) = self.command(&before, &changes) else {
            return self.withdraw(&changes);
        };
        loop {
            match self.controller.propose(command.clone()).await {
                Ok(Applied::PartitionsAltered { refused }) => {
                    self.note_made(&before, &changes, &refused);
                    let refused =
                        refused.into_iter().map(|(topic_id, partition)| PartitionId { topic_id, partition });
                    let refused = refused.filter_map(|id| Some((id, changes.get(&id)?.clone()))).collect();
                    return self.withdraw(&refused);
                }
                Ok(other) => unreachable!("a change of in-sync sets came to {other:?}"),
                Err(ProposeError::Closed) => return false,
                Err(ProposeError::Unknown(_) | ProposeError::Storage(_)) => {
                    self.clock.sleep(limits::PROPOSE_RETRY).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "in-sync sets were not changed; it will be tried again");
                    self.clock.sleep(limits::PROPOSE_RETRY).await;
                    return self.withdraw(&changes);
                }
            }
        }
    }

    fn note_made(&mut self, before: &ClusterState, changes: &Changes, refused: &[(Uuid, i32)]) {
        let made = changes.iter().filter(|(id, _)| !refused.contains(&(id.topic_id, id.partition)));
        for (id, change) in made {
            self.metrics.isr_changes.inc();
            if let Some(topic) = before.topic_by_id(&id.topic_id)
                && let Some(partition) = topic.partition(id.partition)
            {
                let (was, is) = (partition.in_sync_replicas.iter().copied(), change.in_sync.keys().copied());
                self.news.note(&topic.name, id.partition, &was.collect(), &is.collect());
            }
        }
    }

    /// They will not be made, for certain.
    fn withdraw(&self, changes: &Changes) -> bool {
        for (id, change) in changes {
            if let Some(partition) = self.storage.partition(id) {
                let _deposed = partition.isr().withdraw(change);
            }
        }
        true
    }

    /// `None` before this node is registered.
    fn command(&self, state: &ClusterState, changes: &Changes) -> Option<Command> {
        let broker_epoch = state.brokers.get(&self.node_id)?.broker_epoch;
        let change = |(id, change): (&PartitionId, &Change)| PartitionChange {
            topic_id: id.topic_id,
            partition: id.partition,
            leader_epoch: change.leader_epoch,
            partition_epoch: change.partition_epoch,
            in_sync: change.in_sync.clone(),
        };
        let changes = changes.iter().map(change).collect();
        Some(Command::AlterPartitions { node_id: self.node_id, broker_epoch, changes })
    }
}
