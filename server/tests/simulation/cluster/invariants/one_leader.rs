//! One leader per term (Raft paper, figure 3: election safety), across restarts too.

use std::collections::BTreeMap;

use super::Invariant;
use crate::cluster::{Cluster, nodes};

#[derive(Default)]
pub(super) struct OneLeaderPerTerm {
    leaders: BTreeMap<u64, i32>,
}

impl Invariant for OneLeaderPerTerm {
    fn name(&self) -> &'static str {
        "terms with a leader"
    }

    fn look(&mut self, cluster: &Cluster) {
        for at in cluster.nodes.places() {
            let Some(term) = cluster.nodes.controller(at).and_then(|controller| controller.leads_in_term())
            else {
                continue;
            };
            let leader = *self.leaders.entry(term).or_insert(nodes::node_id(at));
            assert_eq!(leader, nodes::node_id(at), "seed {}: two lead in term {term}", cluster.seed);
        }
    }

    fn end(&mut self, cluster: &Cluster) {
        assert!(!self.leaders.is_empty(), "seed {}: nobody ever led", cluster.seed);
    }

    fn met(&self) -> usize {
        self.leaders.len()
    }
}
