//! What of the metadata can be reached now.

use super::{Broker, ClusterState, Partition};

impl ClusterState {
    /// Whether a broker is registered and not fenced.
    pub fn is_live(&self, node_id: i32) -> bool {
        self.brokers.get(&node_id).is_some_and(|broker| !broker.fenced)
    }

    /// The brokers that are not fenced.
    pub fn live_brokers(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.values().filter(|broker| !broker.fenced)
    }

    /// Who leads a partition, if that broker can be reached.
    pub fn live_leader(&self, partition: &Partition) -> Option<&Broker> {
        self.brokers.get(&partition.leader?).filter(|broker| !broker.fenced)
    }

    /// Node ids of those replicas of a partition that are on brokers that are fenced or not there.
    pub fn offline_replicas(&self, partition: &Partition) -> Vec<i32> {
        partition.replicas.iter().copied().filter(|replica| !self.is_live(*replica)).collect()
    }

    /// Whom clients may ask what is the controller's: who leads the metadata, if clients are told of that broker, else any other; every broker passes such requests
    /// on. `None` if all are fenced.
    pub fn live_controller(&self, leader: Option<i32>, this: i32) -> Option<i32> {
        let first = leader.into_iter().chain([this]).find(|node_id| self.is_live(*node_id));
        first.or_else(|| self.live_brokers().next().map(|broker| broker.node_id))
    }
}

#[cfg(test)]
mod tests {
    use crate::cluster::example::cluster;

    #[test]
    fn clients_are_told_of_a_controller_that_they_can_reach() {
        let state = cluster(&[(None, true), (None, false), (None, false)]);
        for (leader, this, expected) in
            [(Some(3), 2, 3), (Some(1), 3, 3), (None, 3, 3), (Some(1), 1, 2), (Some(7), 7, 2)]
        {
            assert_eq!(state.live_controller(leader, this), Some(expected), "{leader:?} {this}");
        }
        assert_eq!(cluster(&[(None, true)]).live_controller(Some(1), 1), None);
    }

    #[test]
    fn replicas_are_offline_with_their_brokers() {
        let state = cluster(&[(None, false), (None, false), (None, true)]);
        let state = state.with_topic("t", vec![vec![2, 3, 1]]);
        let partition = state.first_partition("t");
        assert_eq!((state.offline_replicas(partition), partition.leader), (vec![3], Some(2)));
        assert_eq!(state.live_leader(partition).map(|broker| broker.node_id), Some(2));
        let mut other = partition.clone();
        (other.leader, other.replicas) = (Some(9), vec![9, 1]);
        assert_eq!((state.offline_replicas(&other), state.live_leader(&other)), (vec![9], None));
    }
}
