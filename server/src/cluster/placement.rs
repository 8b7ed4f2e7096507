//! Which brokers get the replicas of new partitions (Kafka: `StripedReplicaPlacer`).
//!
//! Each replica goes to the broker that has least to do, among those that are not fenced: leaders are counted first, then replicas; first those of the same
//! topic, then those of all topics. So every topic is spread over all brokers by itself, and small topics do not all begin at the same one. Racks go before
//! loads: as many racks as can be have a replica of each partition.

pub mod moves;

use std::collections::BTreeMap;

use super::state::{Broker, ClusterState, Partition};

/// The replication factor cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "replication factor {replicas} cannot be reached: brokers that are registered and not fenced: {unfenced}; fenced, which have just started or are not heard of: {fenced}"
)]
pub struct TooFewBrokers {
    /// How many replicas a partition was to have.
    pub replicas: usize,
    /// Brokers that can take replicas.
    pub unfenced: usize,
    /// Brokers that cannot.
    pub fenced: usize,
}

/// Replicas for `count` new partitions of a topic that has those in `present`, the preferred leader first. The same state gives the same answer.
///
/// # Errors
/// There are not so many brokers.
///
/// # Panics
/// `replicas` is 0: a partition has at least one.
pub fn place(
    state: &ClusterState,
    present: &[Partition],
    count: usize,
    replicas: usize,
) -> Result<Vec<Vec<i32>>, TooFewBrokers> {
    assert!(replicas > 0, "a partition has at least one replica");
    let unfenced: Vec<&Broker> = state.live_brokers().collect();
    if replicas > unfenced.len() {
        let fenced = state.brokers.len() - unfenced.len();
        return Err(TooFewBrokers { replicas, unfenced: unfenced.len(), fenced });
    }
    let mut placer = Placer::new(&unfenced);
    state
        .topics()
        .flat_map(|topic| &topic.partitions)
        .for_each(|known| placer.count_elsewhere(&known.replicas));
    present.iter().for_each(|known| placer.count(&known.replicas));
    Ok((0..count).map(|_| placer.next(replicas)).collect())
}

/// A broker, and what it has to do.
struct Candidate<'a> {
    node_id: i32,
    rack: Option<&'a str>,
    /// Of this topic.
    leaders: usize,
    replicas: usize,
    /// Of every topic.
    all_leaders: usize,
    all_replicas: usize,
}

/// Gives out one partition after the other.
struct Placer<'a> {
    /// In order of node id.
    candidates: Vec<Candidate<'a>>,
}

impl<'a> Placer<'a> {
    fn new(brokers: &[&'a Broker]) -> Self {
        let candidate = |broker: &&'a Broker| Candidate {
            node_id: broker.node_id,
            rack: broker.rack.as_deref(),
            leaders: 0,
            replicas: 0,
            all_leaders: 0,
            all_replicas: 0,
        };
        Self { candidates: brokers.iter().map(candidate).collect() }
    }

    /// A partition of any topic.
    fn count_elsewhere(&mut self, replicas: &[i32]) {
        for (place, node_id) in replicas.iter().enumerate() {
            if let Some(candidate) = self.candidate(*node_id) {
                candidate.all_replicas += 1;
                candidate.all_leaders += usize::from(place == 0);
            }
        }
    }

    /// A partition of this topic.
    fn count(&mut self, replicas: &[i32]) {
        for (place, node_id) in replicas.iter().enumerate() {
            if let Some(candidate) = self.candidate(*node_id) {
                candidate.replicas += 1;
                candidate.leaders += usize::from(place == 0);
            }
        }
    }

    fn candidate(&mut self, node_id: i32) -> Option<&mut Candidate<'a>> {
        let index = self.candidates.binary_search_by_key(&node_id, |candidate| candidate.node_id).ok()?;
        Some(&mut self.candidates[index])
    }

    /// Replicas for the next partition. There are so many brokers.
    fn next(&mut self, replicas: usize) -> Vec<i32> {
        let leader = self.leader();
        let mut chosen = vec![leader];
        while chosen.len() < replicas {
            chosen.push(self.follower(&chosen));
        }
        // When this leader goes, it is not always the same broker that takes over.
        let (_, followers) = chosen.split_at_mut(1);
        let turns = self.candidates[leader].leaders.checked_rem(followers.len()).unwrap_or(0);
        followers.rotate_left(turns);
        let chosen: Vec<i32> = chosen.into_iter().map(|index| self.candidates[index].node_id).collect();
        self.count(&chosen);
        self.count_elsewhere(&chosen);
        chosen
    }

    fn leader(&self) -> usize {
        let load = |index: &usize| {
            let broker = &self.candidates[*index];
            (broker.leaders, broker.replicas, broker.all_leaders, broker.all_replicas)
        };
        (0..self.candidates.len()).min_by_key(load).expect("there are brokers")
    }

    /// The next after those chosen. Of several with the same load, the one that follows most closely upon the leader.
    fn follower(&self, chosen: &[usize]) -> usize {
        let mut in_rack = BTreeMap::<Option<&str>, usize>::new();
        for index in chosen {
            *in_rack.entry(self.candidates[*index].rack).or_default() += 1;
        }
        let count = self.candidates.len();
        let load = |index: &usize| {
            let broker = &self.candidates[*index];
            let in_rack = in_rack.get(&broker.rack).copied().unwrap_or(0);
            (in_rack, broker.replicas, broker.all_replicas, (index + count - chosen[0]) % count)
        };
        let free = (0..count).filter(|index| !chosen.contains(index));
        free.min_by_key(load).expect("there are more brokers than replicas chosen")
    }
}

#[cfg(test)]
mod tests;
