//! A record that was acknowledged is in the log of every later leader, at its offset, unless somebody asked for its deletion; and in the end all replicas have
//! the same records, each once.

use std::collections::BTreeSet;

use concurrency_models::epoch::{Leadership, Role};

use super::Invariant;
use crate::cluster::logs::{NewestEpochs, Replica};
use crate::cluster::{Cluster, logs, nodes};

#[derive(Default)]
pub(super) struct RecordsAreKept {
    /// Leaders whose logs were looked at: topic, epoch.
    looked_at: BTreeSet<(String, i32)>,
    newest: NewestEpochs,
    seen: usize,
}

impl RecordsAreKept {
    /// What was acknowledged is among `found`.
    fn compare(&mut self, cluster: &Cluster, node: i32, topic: &str, found: &[(i64, String)]) {
        let Some(acknowledged) = cluster.writers.acknowledged(topic) else { return };
        let found: std::collections::BTreeMap<i64, &String> =
            found.iter().map(|(offset, value)| (*offset, value)).collect();
        for (offset, value) in acknowledged.range(cluster.deletions.end(topic)..) {
            assert_eq!(
                found.get(offset),
                Some(&value),
                "seed {}: {topic}, offset {offset}: acknowledged, and not so in the log of node {node}",
                cluster.seed
            );
            self.seen += 1;
        }
    }
}

impl Invariant for RecordsAreKept {
    fn name(&self) -> &'static str {
        "acknowledged records found"
    }

    /// Of each new leader, before anything more can have been acknowledged by it than was looked at.
    fn look(&mut self, cluster: &Cluster) {
        self.newest.look(cluster);
        for Replica { node_id, storage, topic, id, partition } in logs::replicas(cluster) {
            let Leadership { epoch, role } = partition.isr().leadership();
            if role == Role::Leader
                && self.newest.is_newest(&topic, epoch)
                && self.looked_at.insert((topic.clone(), epoch))
            {
                let found = logs::records(&storage, id).unwrap_or_default();
                self.compare(cluster, node_id, &topic, &found);
            }
        }
    }

    fn end(&mut self, cluster: &Cluster) {
        let state = cluster.nodes.controller(cluster.nodes.members()[0]).expect("all serve").state();
        for (topic, id) in logs::partitions(&state) {
            let mut first: Option<Vec<(i64, String)>> = None;
            for at in cluster.nodes.members() {
                let storage = cluster.nodes.storage(at).expect("all serve");
                let mut found = logs::records(&storage, id).expect("all have a replica");
                // Another log may begin earlier: a leader that was deposed tells nobody what it has deleted.
                found.retain(|(offset, _)| *offset >= cluster.deletions.end(&topic));
                self.compare(cluster, nodes::node_id(at), &topic, &found);
                let distinct: BTreeSet<&String> = found.iter().map(|(_, value)| value).collect();
                assert_eq!(
                    distinct.len(),
                    found.len(),
                    "seed {}: {topic}: a record is there twice",
                    cluster.seed
                );
                let first = first.get_or_insert_with(|| found.clone());
                assert_eq!(*first, found, "seed {}: {topic}: the replicas differ", cluster.seed);
            }
        }
    }

    fn met(&self) -> usize {
        self.seen
    }
}
