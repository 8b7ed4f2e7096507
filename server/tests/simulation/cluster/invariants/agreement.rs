//! Two nodes that serve the same version serve the same metadata, and no node goes back.

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_server::cluster::ClusterState;

use super::Invariant;
use crate::cluster::{Cluster, nodes};

#[derive(Default)]
pub(super) struct VersionsAgree {
    seen: BTreeMap<i64, Arc<ClusterState>>,
}

impl Invariant for VersionsAgree {
    fn name(&self) -> &'static str {
        "versions"
    }

    fn look(&mut self, cluster: &Cluster) {
        for controller in cluster.nodes.places().filter_map(|at| cluster.nodes.controller(at)) {
            let state = controller.state();
            let known = self.seen.entry(state.version).or_insert_with(|| state.clone());
            assert!(
                *known == state,
                "seed {}: version {} is not the same everywhere:\n{known:?}\n{state:?}",
                cluster.seed,
                state.version
            );
        }
    }

    fn end(&mut self, cluster: &Cluster) {
        self.look(cluster);
        let last = self.seen.keys().last();
        for at in cluster.nodes.members() {
            let state = cluster.nodes.controller(at).expect("all serve").state();
            assert_eq!(
                Some(&state.version),
                last,
                "seed {}: node {} went back",
                cluster.seed,
                nodes::node_id(at)
            );
        }
    }

    fn met(&self) -> usize {
        self.seen.len()
    }
}
