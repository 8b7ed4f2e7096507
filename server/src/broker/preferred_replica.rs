//! Which replica a consumer should read from (KIP-392; Kafka: `RackAwareReplicaSelector`).

use crate::cluster::{ClusterState, Partition};

/// The replica in the consumer's rack, if the leader is in another one: the first that is in sync and on a broker that is not fenced.
pub(super) fn in_rack(state: &ClusterState, known: &Partition, rack: &str) -> Option<i32> {
    let stands_there = |node_id: i32| {
        let broker = state.brokers.get(&node_id).filter(|broker| !broker.fenced);
        broker.is_some_and(|broker| broker.rack.as_deref() == Some(rack))
    };
    if known.leader.is_some_and(stands_there) {
        return None;
    }
    known.in_sync_replicas.iter().copied().find(|replica| stands_there(*replica))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::example::cluster;

    #[test]
    fn a_replica_in_the_consumers_rack_goes_before_the_leader() {
        let brokers =
            [(Some("a"), false), (Some("b"), false), (Some("b"), false), (Some("c"), true), (None, false)];
        let state = cluster(&brokers).with_topic("t", vec![vec![1, 3, 2, 4, 5]]);
        let partition = state.first_partition("t");
        for (rack, expected) in [("a", None), ("b", Some(3)), ("c", None), ("d", None), ("", None)] {
            assert_eq!(in_rack(&state, partition, rack), expected, "{rack}");
        }
        let mut lagging = partition.clone();
        lagging.in_sync_replicas = vec![1, 2];
        assert_eq!(in_rack(&state, &lagging, "b"), Some(2), "in sync");
        assert_eq!(in_rack(&state.clone().after_the_end_of(3), &lagging, "b"), Some(2));
        lagging.in_sync_replicas = vec![1];
        assert_eq!(in_rack(&state, &lagging, "b"), None);
    }
}
