//! At no moment do two nodes lead the same partition, as each of them sees it, and both hold a lease; unless somebody has asked for another leader although the
//! one that there was is well. That one waits for nobody's lease to end, as in Kafka: what the deposed leader appends before he hears of it is never committed.

use std::collections::{BTreeMap, BTreeSet};

use chronik_log::PartitionId;
use uuid::Uuid;

use super::Invariant;
use crate::cluster::{Cluster, nodes};

#[derive(Default)]
pub(super) struct OneLeaderUnderALease {
    /// Of each partition, in which epochs it was led under a lease, and by whom.
    led: BTreeMap<(Uuid, i32), BTreeSet<(i32, i32)>>,
}

impl Invariant for OneLeaderUnderALease {
    fn name(&self) -> &'static str {
        "leaders under a lease, after another one"
    }

    fn look(&mut self, cluster: &Cluster) {
        let mut leads = BTreeMap::new();
        for at in cluster.nodes.places() {
            let Some(controller) = cluster.nodes.controller(at) else { continue };
            if !controller.lease().is_held(cluster.clock.uptime()) {
                continue;
            }
            let (id, state) = (nodes::node_id(at), controller.state());
            for (key, epoch) in nodes::led_by(&state, id) {
                let other = leads.insert(key, id);
                let (topic_id, partition) = key;
                assert!(
                    other.is_none() || cluster.moves.concern(PartitionId { topic_id, partition }),
                    "seed {}: nodes {other:?} and {id} lead {key:?}, each under a lease:\n{}",
                    cluster.seed,
                    cluster.lines.join("\n")
                );
                self.led.entry(key).or_default().insert((epoch, id));
            }
        }
    }

    /// Nobody is forgotten: all are there, so all lead what they can.
    fn end(&mut self, cluster: &Cluster) {
        self.look(cluster);
        let state = cluster.nodes.controller(cluster.nodes.members()[0]).expect("all serve").state();
        let leaderless = |topic: &&std::sync::Arc<chronik_server::cluster::Topic>| {
            topic.partitions.iter().any(|partition| partition.leader.is_none())
        };
        let leaderless: Vec<_> = state.topics().filter(leaderless).collect();
        assert!(leaderless.is_empty(), "seed {}: nobody leads {leaderless:?}", cluster.seed);
    }

    fn met(&self) -> usize {
        let leaders =
            self.led.values().map(|led| led.iter().map(|(_, leader)| leader).collect::<BTreeSet<_>>());
        leaders.map(|leaders| leaders.len() - 1).sum()
    }
}
