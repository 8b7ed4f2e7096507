//! Whoever is in sync by the metadata has every record that was acknowledged: he may be elected at any moment (KIP-497).

use super::Invariant;
use crate::cluster::{Cluster, logs, nodes};

#[derive(Default)]
pub(super) struct InSyncHasAcknowledged {
    /// The newest version of the metadata that a node has ever served: who serves an older one may not know who is in sync.
    newest: i64,
    seen: usize,
}

impl Invariant for InSyncHasAcknowledged {
    fn name(&self) -> &'static str {
        "acknowledged records found in sync"
    }

    fn look(&mut self, cluster: &Cluster) {
        let states = cluster.nodes.places().filter_map(|at| Some(cluster.nodes.controller(at)?.state()));
        let Some(state) = states.max_by_key(|state| state.version) else { return };
        if state.version < self.newest {
            return;
        }
        self.newest = state.version;
        for (topic, id) in logs::partitions(&state) {
            let Some(known) = state.topic(&topic).and_then(|topic| topic.partition(0)) else { continue };
            let Some(last) = cluster.writers.last_acknowledged(&topic) else { continue };
            let deleted = cluster.deletions.end(&topic);
            for at in
                cluster.nodes.places().filter(|at| known.in_sync_replicas.contains(&nodes::node_id(*at)))
            {
                let end = cluster
                    .nodes
                    .storage(at)
                    .and_then(|storage| Some(storage.partition(&id)?.log_end_offset()));
                let Some(end) = end.filter(|_| last >= deleted) else { continue };
                assert!(
                    end > last,
                    "seed {}: {topic}: node {} is in sync and its log ends at {end}, offset {last} was acknowledged",
                    cluster.seed,
                    nodes::node_id(at)
                );
                self.seen += 1;
            }
        }
    }

    fn end(&mut self, cluster: &Cluster) {
        self.look(cluster);
    }

    fn met(&self) -> usize {
        self.seen
    }
}
