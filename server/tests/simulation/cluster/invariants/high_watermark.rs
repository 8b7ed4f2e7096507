//! The high watermark of a partition never goes back, as its leaders tell it: what was readable stays readable (KIP-207).

use std::collections::BTreeMap;

use super::Invariant;
use crate::cluster::logs::{NewestEpochs, Replica};
use crate::cluster::{Cluster, logs};

#[derive(Default)]
pub(super) struct HighWatermarkNeverGoesBack {
    /// By topic: the highest that an established leader has had.
    highest: BTreeMap<String, i64>,
    newest: NewestEpochs,
    seen: usize,
}

impl Invariant for HighWatermarkNeverGoesBack {
    fn name(&self) -> &'static str {
        "high watermarks"
    }

    fn look(&mut self, cluster: &Cluster) {
        self.newest.look(cluster);
        for Replica { node_id, topic, partition, .. } in logs::replicas(cluster) {
            let is_newest = self.newest.is_newest(&topic, partition.isr().leadership().epoch);
            if !is_newest || !partition.isr().is_established() {
                continue;
            }
            let high_watermark = partition.high_watermark();
            let highest = self.highest.entry(topic.clone()).or_insert(high_watermark);
            assert!(
                high_watermark >= *highest,
                "seed {}: the high watermark of {topic} went back from {highest} to {high_watermark} on node {node_id}",
                cluster.seed
            );
            self.seen += usize::from(high_watermark > *highest);
            *highest = high_watermark;
        }
    }

    fn end(&mut self, cluster: &Cluster) {
        self.look(cluster);
    }

    fn met(&self) -> usize {
        self.seen
    }
}
