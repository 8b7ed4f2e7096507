//! One leader per partition and leader epoch, across restarts too, and a node never leads again in an epoch that it led before one.

use std::collections::BTreeMap;

use concurrency_models::epoch::Role;

use super::Invariant;
use crate::cluster::{Cluster, logs, nodes};

#[derive(Default)]
pub(super) struct OneLeaderPerEpoch {
    leaders: BTreeMap<(String, i32), i32>,
}

impl Invariant for OneLeaderPerEpoch {
    fn name(&self) -> &'static str {
        "leader epochs"
    }

    fn look(&mut self, cluster: &Cluster) {
        for at in nodes::ALL {
            let Some((controller, storage)) = cluster.nodes.controller(at).zip(cluster.nodes.storage(at))
            else {
                continue;
            };
            for (topic, id) in logs::partitions(&controller.state()) {
                let Some(leadership) = storage.partition(&id).map(|partition| partition.isr().leadership())
                else {
                    continue;
                };
                if leadership.role == Role::Leader {
                    let node = nodes::node_id(at);
                    let leader = *self.leaders.entry((topic.clone(), leadership.epoch)).or_insert(node);
                    let epoch = leadership.epoch;
                    assert_eq!(leader, node, "seed {}: two lead {topic} in epoch {epoch}", cluster.seed);
                }
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
