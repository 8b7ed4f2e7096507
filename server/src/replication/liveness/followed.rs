//! Which partitions this node follows, by who leads them. Shared by clones as far as it does not change.

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_log::PartitionId;
use concurrency_models::watermark::Watermark;

use super::frame::NodeHeartbeat;
use crate::cluster::ClusterState;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Followed {
    /// By node id.
    leaders: BTreeMap<i32, Leader>,
    /// Broker epochs of all that are registered.
    brokers: Arc<BTreeMap<i32, i64>>,
    /// Version of the metadata whose roles are taken up.
    version: i64,
}

/// A node that leads something that this one follows.
#[derive(Clone, Debug)]
struct Leader {
    partitions: Arc<BTreeMap<PartitionId, Led>>,
    /// When it was last heard of, or followed anew, in milliseconds of uptime.
    last_heard_ms: Arc<Watermark>,
    /// Since when it is followed.
    since_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Led {
    leader_epoch: i32,
    /// Version of the metadata in which this node has seen it: whoever has taken up its roles of that version knows that it leads.
    since: i64,
}

/// How it stands about a node that leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// How many partitions it leads that this node follows.
    pub(super) partitions: usize,
    /// For how long nothing was heard of it.
    pub(super) silence_ms: i64,
    /// Whether it was heard at all since it is followed. If not, one of the two may have just started, and the connection is being made.
    pub(super) was_heard: bool,
}

impl Followed {
    /// Returns whether that is news.
    pub(super) fn follow(
        &mut self,
        id: PartitionId,
        leader: i32,
        leader_epoch: i32,
        version: i64,
        now_ms: i64,
    ) -> bool {
        let known = self.leaders.get(&leader).and_then(|known| known.partitions.get(&id));
        if known.is_some_and(|known| known.leader_epoch == leader_epoch) {
            return false;
        }
        self.unfollow(&id);
        let leader = self.leaders.entry(leader).or_insert_with(|| Leader {
            partitions: Arc::default(),
            last_heard_ms: Arc::new(Watermark::new(now_ms)),
            since_ms: now_ms,
        });
        Arc::make_mut(&mut leader.partitions).insert(id, Led { leader_epoch, since: version });
        true
    }

    /// Returns whether it was followed.
    pub(super) fn unfollow(&mut self, id: &PartitionId) -> bool {
        let leads = |leader: &Leader| leader.partitions.contains_key(id);
        let Some(node_id) = self.leaders.iter().find(|(_, leader)| leads(leader)).map(|(id, _)| *id) else {
            return false;
        };
        if let Some(leader) = self.leaders.get_mut(&node_id) {
            Arc::make_mut(&mut leader.partitions).remove(id);
            if leader.partitions.is_empty() {
                self.leaders.remove(&node_id);
            }
        }
        true
    }

    /// What else there is to know of the metadata whose roles are taken up.
    pub(super) fn learn(&mut self, state: &ClusterState) {
        self.version = state.version;
        let same =
            |(a, b): (&i32, &i64)| state.brokers.get(a).is_some_and(|broker| broker.broker_epoch == *b);
        if self.brokers.len() != state.brokers.len() || !self.brokers.iter().all(same) {
            let epochs = state.brokers.values().map(|broker| (broker.node_id, broker.broker_epoch));
            self.brokers = Arc::new(epochs.collect());
        }
    }

    /// The partitions of which this heartbeat shows that their leader is there, with their leader epochs: it is of the life in which it leads them, and
    /// knows that it does.
    pub(super) fn shown_by(
        &self,
        from: i32,
        heartbeat: NodeHeartbeat,
        now_ms: i64,
    ) -> impl Iterator<Item = (PartitionId, i32)> + '_ {
        let is_this_life = self.brokers.get(&from) == Some(&heartbeat.broker_epoch);
        let leader = self.leaders.get(&from).filter(|_| is_this_life);
        if let Some(leader) = leader {
            leader.last_heard_ms.advance(now_ms);
        }
        let known = move |led: &Led| led.since <= heartbeat.version;
        let led = leader.into_iter().flat_map(|leader| leader.partitions.iter());
        led.filter(move |(_, led)| known(led)).map(|(id, led)| (*id, led.leader_epoch))
    }

    /// What this node says of itself, once it is registered.
    pub(super) fn heartbeat_of(&self, node_id: i32) -> Option<NodeHeartbeat> {
        let broker_epoch = *self.brokers.get(&node_id)?;
        Some(NodeHeartbeat { broker_epoch, version: self.version })
    }

    /// The registered brokers beside this one.
    pub(super) fn others(&self, node_id: i32) -> impl Iterator<Item = i32> + '_ {
        self.brokers.keys().copied().filter(move |other| *other != node_id)
    }

    /// Each leader that is followed.
    pub(super) fn leaders(&self, now_ms: i64) -> BTreeMap<i32, Standing> {
        let standing = |leader: &Leader| Standing {
            partitions: leader.partitions.len(),
            silence_ms: (now_ms - leader.last_heard_ms.get()).max(0),
            was_heard: leader.last_heard_ms.get() > leader.since_ms,
        };
        self.leaders.iter().map(|(node_id, leader)| (*node_id, standing(leader))).collect()
    }

    /// For how long nothing was heard of the leader that was silent for longest; 0 if nobody is followed.
    pub(super) fn oldest_ms(&self, now_ms: i64) -> i64 {
        let ages = self.leaders.values().map(|leader| now_ms - leader.last_heard_ms.get());
        ages.max().unwrap_or_default().max(0)
    }
}
