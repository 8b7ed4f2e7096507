//! One leader per partition and leader epoch, across restarts too, and a node never leads again in an epoch that it led before one.

use std::collections::BTreeMap;

use concurrency_models::epoch::{Leadership, Role};

use super::Invariant;
use crate::cluster::logs::Replica;
use crate::cluster::{Cluster, logs};

#[derive(Default)]
pub(super) struct OneLeaderPerEpoch {
    leaders: BTreeMap<(String, i32), i32>,
}

impl Invariant for OneLeaderPerEpoch {
    fn name(&self) -> &'static str {
        "leader epochs"
    }

    fn look(&mut self, cluster: &Cluster) {
        for Replica { node_id, topic, partition, .. } in logs::replicas(cluster) {
            let Leadership { epoch, role } = partition.isr().leadership();
            if role == Role::Leader {
                let leader = *self.leaders.entry((topic.clone(), epoch)).or_insert(node_id);
                assert_eq!(leader, node_id, "seed {}: two lead {topic} in epoch {epoch}", cluster.seed);
            }
        }
    }

    fn end(&mut self, cluster: &Cluster) {
        self.look(cluster);
    }

    fn met(&self) -> usize {
        self.leaders.len()
    }
}
