//! What the metadata says to a heartbeat or a suspicion: functions of values.

use std::time::Duration;

use super::super::state::ClusterState;
use super::leases::Leases;
use super::protocol::{BrokerHeartbeat, Elect};

/// How a broker stands whose heartbeat was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may have a lease.
    Unfenced,
    /// It is fenced, and knows what it does not lead any more: it may be unfenced.
    Ready,
    /// It is fenced, and may think that it leads still.
    Behind,
    /// It is not registered in that broker epoch.
    Stale,
}

pub(super) fn standing(state: &ClusterState, beat: &BrokerHeartbeat) -> Standing {
    let known = state.brokers.get(&beat.node_id);
    match known.filter(|broker| broker.broker_epoch == beat.broker_epoch) {
        None => Standing::Stale,
        Some(broker) if !broker.fenced => Standing::Unfenced,
        Some(broker) if beat.served_version >= broker.fenced_since => Standing::Ready,
        Some(_) => Standing::Behind,
    }
}

/// Why nobody grants a broker anything any more, as far as it knows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The node was removed from the cluster.
    Removed,
    /// It is a node of the cluster, and no broker.
    Unregistered,
    /// A later life is registered under its id.
    Replaced,
    /// This metadata shows no end: it is behind.
    NotKnown,
}

pub(super) fn end_of(state: &ClusterState, node_id: i32, broker_epoch: i64) -> End {
    match state.brokers.get(&node_id).map(|broker| broker.broker_epoch) {
        _ if state.was_removed(node_id) => End::Removed,
        None if state.version < broker_epoch => End::NotKnown,
        None => End::Unregistered,
        Some(registered) if registered > broker_epoch => End::Replaced,
        Some(_) => End::NotKnown,
    }
}

/// Other brokers than `own` that nobody follows, it seems: nothing was heard of them for so long that a follower would have said so. Not those that `may_be_there`: a heartbeat of theirs has
/// come, and it is not known yet what comes of it. With their broker epochs.
pub(super) fn abandoned(
    state: &ClusterState,
    own: i32,
    (leases, now): (&Leases, Duration),
    may_be_there: impl Fn(i32, i64) -> bool,
) -> Vec<(i32, i64)> {
    let others = state.brokers.values().filter(|broker| !broker.fenced && broker.node_id != own);
    let silent = others.filter(|broker| leases.is_abandoned(broker.node_id, now));
    let lives = silent.map(|broker| (broker.node_id, broker.broker_epoch));
    lives.filter(|(node_id, broker_epoch)| !may_be_there(*node_id, *broker_epoch)).collect()
}

/// What there is to a suspicion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspected {
    /// The partition is in this newer epoch, led by somebody or not.
    Earlier { leader_epoch: i32, leader: Option<i32> },
    /// This broker leads it in the suspected epoch.
    Leader { node_id: i32, broker_epoch: i64 },
    /// No such partition, or nobody leads it in that epoch.
    Nobody,
}

pub(super) fn suspected(state: &ClusterState, elect: &Elect) -> Suspected {
    let topic = state.topic_by_id(&elect.topic_id);
    let Some(partition) = topic.and_then(|topic| topic.partition(elect.partition)) else {
        return Suspected::Nobody;
    };
    let (leader_epoch, leader) = (partition.leader_epoch, partition.leader);
    if leader_epoch > elect.leader_epoch {
        return Suspected::Earlier { leader_epoch, leader };
    }
    let broker = leader.filter(|_| leader_epoch == elect.leader_epoch).and_then(|id| state.brokers.get(&id));
    broker.map_or(Suspected::Nobody, |broker| Suspected::Leader {
        node_id: broker.node_id,
        broker_epoch: broker.broker_epoch,
    })
}
