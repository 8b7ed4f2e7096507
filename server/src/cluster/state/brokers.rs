//! Brokers come, are fenced and unfenced; what they lead moves with the same command.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::command::{Applied, Moved, Refusal};
use super::{Broker, ClusterState, Node, Partition, Topic};

/// Who may lead the partitions of a topic.
pub(super) struct Electorate<'a> {
    brokers: &'a BTreeMap<i32, Broker>,
    /// Whether somebody who is not in sync may, if nobody who is can.
    pub(super) unclean: bool,
}

impl<'a> Electorate<'a> {
    /// For a topic with these settings (Kafka: `unclean.leader.election.enable`).
    pub(super) fn of(brokers: &'a BTreeMap<i32, Broker>, configs: &BTreeMap<String, String>) -> Self {
        let unclean = configs
            .get("unclean.leader.election.enable")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Self { brokers, unclean }
    }

    /// The same brokers where somebody who is not in sync may lead.
    pub(super) fn with_unclean(&self) -> Self {
        Self { unclean: true, ..*self }
    }

    /// Whether the node is registered and not fenced.
    pub(super) fn is_unfenced(&self, node_id: i32) -> bool {
        self.brokers.get(&node_id).is_some_and(|broker| !broker.fenced)
    }

    /// The same in this life.
    pub(super) fn is_unfenced_in(&self, node_id: i32, broker_epoch: i64) -> bool {
        let known = self.brokers.get(&node_id);
        known.is_some_and(|broker| !broker.fenced && broker.broker_epoch == broker_epoch)
    }
}

impl ClusterState {
    /// A restart is a new replica (it may have lost what it had not synced), so what holds of a fenced broker holds of one that has just started. A node of the
    /// cluster says where it is, and that it has the data directory that it had.
    pub(super) fn register(&mut self, broker: Broker, node: Option<Node>) -> Result<Applied, Refusal> {
        let Broker { node_id, broker_epoch, fenced, incarnation, .. } = broker;
        if let Some(node) = node {
            self.add_node(node_id, node)?;
        }
        let known = self.brokers.get(&node_id).filter(|known| known.incarnation == incarnation);
        if let Some(known) = known.filter(|known| !known.incarnation.is_nil()) {
            return Ok(Applied::Registered { broker_epoch: known.broker_epoch, moved: Moved::default() });
        }
        self.brokers.insert(node_id, broker);
        let moved = match fenced {
            true => self.take_from(node_id),
            false => {
                let led = |partition: &Partition| partition.leader == Some(node_id);
                self.change_partitions(|_, partition| led(partition).then(|| partition.renewed()))
            }
        };
        Ok(Applied::Registered { broker_epoch, moved })
    }

    pub(super) fn fence(&mut self, node_id: i32, broker_epoch: i64) -> Result<Applied, Refusal> {
        let version = self.version + 1;
        let broker = self.registered(node_id, broker_epoch)?;
        if broker.fenced {
            return Ok(Applied::Fenced { moved: Moved::default() });
        }
        (broker.fenced, broker.fenced_since) = (true, version);
        Ok(Applied::Fenced { moved: self.take_from(node_id) })
    }

    pub(super) fn unfence(&mut self, node_id: i32, broker_epoch: i64) -> Result<Applied, Refusal> {
        let broker = self.registered(node_id, broker_epoch)?;
        let moved = match std::mem::replace(&mut broker.fenced, false) {
            false => Moved::default(),
            true => self.change_partitions(|electorate, partition| partition.filled(electorate)),
        };
        Ok(Applied::Unfenced { moved })
    }

    /// As careful as can be: what the broker would take part in when it comes back must have ended before.
    pub(super) fn unregister(&mut self, node_id: i32) -> Result<Applied, Refusal> {
        let broker = self.brokers.get(&node_id).ok_or(Refusal::UnknownBroker(node_id))?;
        if !broker.fenced {
            let message = format!("node {node_id} runs: stop it first, and wait until it is fenced");
            return Err(Refusal::Invalid(message.into()));
        }
        self.without_replicas(node_id)?;
        self.brokers.remove(&node_id);
        Ok(Applied::Unregistered)
    }

    /// The broker in this life: compare before it is set.
    pub(super) fn registered(&mut self, node_id: i32, broker_epoch: i64) -> Result<&mut Broker, Refusal> {
        let known = self.brokers.get_mut(&node_id).filter(|broker| broker.broker_epoch == broker_epoch);
        known.ok_or(Refusal::StaleBrokerEpoch { node_id, broker_epoch })
    }

    fn take_from(&mut self, node_id: i32) -> Moved {
        self.change_partitions(|electorate, partition| partition.without(node_id, electorate))
    }

    /// Changes all partitions for which `change` has another version.
    fn change_partitions(
        &mut self,
        change: impl Fn(&Electorate<'_>, &Partition) -> Option<Partition>,
    ) -> Moved {
        let mut moved = Moved::default();
        for topic in self.topics.values_mut() {
            let electorate = Electorate::of(&self.brokers, &topic.configs);
            moved += change_partitions_of(topic, |partition| change(&electorate, partition));
        }
        moved
    }
}

/// Changes the partitions of one topic. One in which nothing changes stays shared with the images before.
pub(super) fn change_partitions_of(
    topic: &mut Arc<Topic>,
    change: impl Fn(&Partition) -> Option<Partition>,
) -> Moved {
    let (mut moved, mut changed) = (Moved::default(), Vec::new());
    for (index, before) in topic.partitions.iter().enumerate() {
        if let Some(after) = change(before) {
            moved.count(before, &after);
            changed.push((index, after));
        }
    }
    if !changed.is_empty() {
        let topic = Arc::make_mut(topic);
        changed.into_iter().for_each(|(index, partition)| topic.partitions[index] = partition);
    }
    moved
}

impl Moved {
    fn count(&mut self, before: &Partition, after: &Partition) {
        match after.leader {
            leader if leader == before.leader => {}
            Some(leader) if before.in_sync_replicas.contains(&leader) => self.elected += 1,
            Some(_) => self.unclean += 1,
            None => self.leaderless += 1,
        }
    }
}

impl std::ops::AddAssign for Moved {
    fn add_assign(&mut self, more: Self) {
        self.elected += more.elected;
        self.unclean += more.unclean;
        self.leaderless += more.leaderless;
    }
}
