//! What a leader knows about the replicas of its partition: plain values, and the decisions that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use crate::epoch::NodeId;

/// A partition as the metadata has it when a leader begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// All replicas, this node among them, each with the broker epoch in which it is registered.
    pub replicas: BTreeMap<NodeId, i64>,
    /// The committed in-sync set.
    pub in_sync: BTreeSet<NodeId>,
    /// Grows with each committed change of the in-sync set (KIP-497).
    pub partition_epoch: i32,
}

/// A replica says: everything below `offset` is on my disk, synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who says so.
    pub replica: NodeId,
    /// In which life: a restarted node is a new replica (KIP-903).
    pub broker_epoch: i64,
    /// The end of what is synced: the first offset that is not.
    pub offset: i64,
    /// When it was received, in milliseconds of the leader's clock.
    pub at_ms: i64,
}

/// A change of the in-sync set, on its way to the metadata leader, who commits it only if the partition epoch still is `partition_epoch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The epoch of the leader who proposes it.
    pub leader_epoch: i32,
    /// The partition epoch on which it rests.
    pub partition_epoch: i32,
    /// The proposed set, each with the broker epoch in which it was seen in sync (KIP-903).
    pub in_sync: BTreeMap<NodeId, i64>,
}

/// Why no change was proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotProposed {
    /// This node does not lead in this epoch.
    NotLeader,
    /// Another change is on its way.
    InFlight,
    /// It would change nothing, or remove the leader.
    NoChange,
    /// Not a replica of this partition, or another life of it.
    NotAReplica,
    /// It lacks records that are committed, or the start of this epoch.
    NotCaughtUp,
}

/// One replica, as its leader sees it.
#[derive(Clone, Copy, Debug)]
struct Replica {
    broker_epoch: i64,
    /// Everything below is synced there; 0 until it says something in this epoch. Never decreases in one life.
    acknowledged: i64,
    /// When it last had everything that the leader had.
    caught_up_at_ms: i64,
    /// The leader's end when this replica last spoke, and when that was.
    last_seen: (i64, i64),
}

/// The replicas of one partition, in one leader epoch.
#[derive(Clone, Debug, Default)]
pub(super) struct Replicas {
    me: NodeId,
    replicas: BTreeMap<NodeId, Replica>,
    /// Committed. The leader is in it.
    in_sync: BTreeSet<NodeId>,
    /// Of `in_sync`.
    partition_epoch: i32,
    /// Proposed, and neither committed nor refused yet: whether it holds already, nobody here knows.
    pending: Option<Change>,
    /// Where this epoch begins in the log.
    epoch_start: i64,
    /// Never decreases, whoever leads.
    high_watermark: i64,
}

impl Replicas {
    pub(super) fn new(me: NodeId, high_watermark: i64) -> Self {
        Self { me, high_watermark, ..Self::default() }
    }

    /// Begins an epoch in which this node leads: nothing is known of the others but who they are.
    pub(super) fn begin(&mut self, assignment: Assignment, epoch_start: i64, now_ms: i64) {
        let Assignment { replicas, in_sync, partition_epoch } = assignment;
        let replica = |broker_epoch| Replica {
            broker_epoch,
            acknowledged: 0,
            caught_up_at_ms: now_ms,
            last_seen: (epoch_start, now_ms),
        };
        let replicas = replicas.into_iter().map(|(node, broker_epoch)| (node, replica(broker_epoch)));
        *self = Self {
            me: self.me,
            replicas: replicas.collect(),
            in_sync,
            partition_epoch,
            pending: None,
            epoch_start,
            high_watermark: self.high_watermark,
        };
    }

    /// Ends it: what this node knew as a leader counts no more.
    pub(super) fn end(&mut self) {
        *self = Self::new(self.me, self.high_watermark);
    }

    pub(super) fn in_sync(&self) -> &BTreeSet<NodeId> {
        &self.in_sync
    }

    pub(super) fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// Whether everything before this epoch is committed.
    pub(super) fn is_established(&self) -> bool {
        self.high_watermark >= self.epoch_start
    }

    /// Notes an acknowledgement. Returns whether it counts: not from a stranger, nor from another life of a replica.
    pub(super) fn acknowledge(&mut self, said: Acknowledgement) -> bool {
        let leader_end = self.replicas.get(&self.me).map_or(0, |leader| leader.acknowledged);
        match self.replicas.get_mut(&said.replica) {
            Some(replica) if replica.broker_epoch == said.broker_epoch => {
                replica.acknowledge(said, leader_end);
                true
            }
            _ => false,
        }
    }

    /// The leader itself has synced its log up to `offset`.
    pub(super) fn synced(&mut self, offset: i64, at_ms: i64) -> bool {
        let me = self.replicas.get(&self.me).map(|leader| leader.broker_epoch);
        me.is_some_and(|broker_epoch| {
            self.acknowledge(Acknowledgement { replica: self.me, broker_epoch, offset, at_ms })
        })
    }

    /// A replica has restarted: what its former life had acknowledged may be gone. Returns whether that was news.
    pub(super) fn restart(&mut self, node: NodeId, broker_epoch: i64) -> bool {
        match self.replicas.get_mut(&node) {
            Some(replica) if replica.broker_epoch < broker_epoch => {
                *replica = Replica { broker_epoch, acknowledged: 0, ..*replica };
                true
            }
            _ => false,
        }
    }

    /// Moves the high watermark to the minimum over the maximal in-sync set, if that is higher. Returns where it is then.
    pub(super) fn advance(&mut self) -> i64 {
        let committed = self.maximal().filter_map(|node| self.replicas.get(&node)).map(|it| it.acknowledged);
        let committed = committed.min().unwrap_or(self.high_watermark);
        self.high_watermark = self.high_watermark.max(committed);
        self.high_watermark
    }

    /// A follower learns the high watermark of its leader.
    pub(super) fn learn(&mut self, high_watermark: i64) -> i64 {
        self.high_watermark = self.high_watermark.max(high_watermark);
        self.high_watermark
    }

    /// The *maximal* in-sync set: whoever may be in sync by what is committed, or by what is on its way (KIP-497, KIP-966). A removal that is
    /// on its way removes nobody yet; an addition that is on its way already counts, for it may be committed, and be elected from.
    fn maximal(&self) -> impl Iterator<Item = NodeId> {
        let proposed = self.pending.iter().flat_map(|change| change.in_sync.keys());
        self.in_sync.iter().chain(proposed).copied()
    }

    /// The followers that are in sync by the metadata and had not all of the leader's log for longer than `replica.lag.time.max.ms`.
    pub(super) fn lagging(&self, now_ms: i64, max_lag_ms: i64) -> BTreeSet<NodeId> {
        let leader_end = self.replicas.get(&self.me).map_or(0, |leader| leader.acknowledged);
        let lags = |node: &NodeId| {
            self.replicas.get(node).is_none_or(|replica| {
                replica.acknowledged < leader_end
                    && now_ms.saturating_sub(replica.caught_up_at_ms) > max_lag_ms
            })
        };
        self.in_sync.iter().copied().filter(|node| *node != self.me && lags(node)).collect()
    }

    pub(super) fn shrink(&mut self, epoch: i32, leaving: &BTreeSet<NodeId>) -> Result<Change, NotProposed> {
        let rest: BTreeSet<NodeId> = self.in_sync.difference(leaving).copied().collect();
        if !rest.contains(&self.me) {
            return Err(NotProposed::NoChange);
        }
        self.propose(epoch, rest)
    }

    pub(super) fn expand(
        &mut self,
        epoch: i32,
        node: NodeId,
        broker_epoch: i64,
    ) -> Result<Change, NotProposed> {
        let replica = self.replicas.get(&node).filter(|replica| replica.broker_epoch == broker_epoch);
        let replica = replica.ok_or(NotProposed::NotAReplica)?;
        if replica.acknowledged < self.high_watermark.max(self.epoch_start) {
            return Err(NotProposed::NotCaughtUp);
        }
        let more = self.in_sync.iter().copied().chain([node]).collect();
        self.propose(epoch, more)
    }

    /// Sends a change on its way: one at a time.
    fn propose(&mut self, leader_epoch: i32, in_sync: BTreeSet<NodeId>) -> Result<Change, NotProposed> {
        if self.pending.is_some() {
            return Err(NotProposed::InFlight);
        }
        if in_sync == self.in_sync {
            return Err(NotProposed::NoChange);
        }
        let with_broker_epoch = |node| Some((node, self.replicas.get(&node)?.broker_epoch));
        let in_sync = in_sync.into_iter().filter_map(with_broker_epoch).collect();
        let change = Change { leader_epoch, partition_epoch: self.partition_epoch, in_sync };
        self.pending = Some(change.clone());
        Ok(change)
    }

    /// The metadata has committed `in_sync`. Returns whether that is newer than what is known. Any change on its way rests on an older partition
    /// epoch than this, and cannot be committed any more.
    pub(super) fn apply(&mut self, in_sync: BTreeSet<NodeId>, partition_epoch: i32) -> bool {
        if partition_epoch <= self.partition_epoch {
            return false;
        }
        self.in_sync = in_sync;
        self.partition_epoch = partition_epoch;
        self.pending = None;
        true
    }

    /// The metadata leader has refused `change`, for good. Returns whether it was the one on its way.
    pub(super) fn withdraw(&mut self, change: &Change) -> bool {
        self.pending.take_if(|pending| pending == change).is_some()
    }
}

impl Replica {
    /// Caught up is who has what the leader has now, or what it had when he last spoke (Kafka's `lastCaughtUpTimeMs`).
    fn acknowledge(&mut self, said: Acknowledgement, leader_end: i64) {
        self.acknowledged = self.acknowledged.max(said.offset);
        let (end_before, at_ms_before) = self.last_seen;
        if self.acknowledged >= leader_end {
            self.caught_up_at_ms = self.caught_up_at_ms.max(said.at_ms);
        } else if self.acknowledged >= end_before {
            self.caught_up_at_ms = self.caught_up_at_ms.max(at_ms_before);
        }
        self.last_seen = (leader_end, said.at_ms);
    }
}
