//! What was acknowledged is there in the end, everywhere (Raft paper, figure 3: leader completeness).

use super::Invariant;
use crate::cluster::{Cluster, nodes};

#[derive(Default)]
pub(super) struct AcknowledgedIsKept {
    seen: usize,
}

impl Invariant for AcknowledgedIsKept {
    fn name(&self) -> &'static str {
        "acknowledged topics found"
    }

    /// A node may serve what is older for a while; in the end it has all.
    fn look(&mut self, _cluster: &Cluster) {}

    fn end(&mut self, cluster: &Cluster) {
        for at in cluster.nodes.members() {
            let state = cluster.nodes.controller(at).expect("all serve").state();
            for name in cluster.clients.acknowledged() {
                let id = nodes::node_id(at);
                assert!(state.topic(name).is_some(), "seed {}: node {id} has lost {name}", cluster.seed);
                self.seen += 1;
            }
        }
    }

    fn met(&self) -> usize {
        self.seen
    }
}
