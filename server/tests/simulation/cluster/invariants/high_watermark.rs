//! The high watermark of a partition never goes back, as its leaders tell it: what was readable stays readable (KIP-207).

use std::collections::BTreeMap;

use super::Invariant;
use crate::cluster::logs::NewestEpochs;
use crate::cluster::{Cluster, logs, nodes};

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
        for at in nodes::ALL {
            let Some((controller, storage)) = cluster.nodes.controller(at).zip(cluster.nodes.storage(at))
            else {
                continue;
            };
            for (topic, id) in logs::partitions(&controller.state()) {
                let Some(partition) = storage.partition(&id) else { continue };
                if !self.newest.is_newest(&topic, partition.isr().leadership().epoch)
                    || !partition.isr().is_established()
                {
                    continue;
                }
                let high_watermark = partition.high_watermark();
                let highest = self.highest.entry(topic.clone()).or_insert(high_watermark);
                assert!(
                    high_watermark >= *highest,
                    "seed {}: the high watermark of {topic} went back from {highest} to {high_watermark} on node {}",
                    cluster.seed,
                    nodes::node_id(at)
                );
                self.seen += usize::from(high_watermark > *highest);
                *highest = high_watermark;
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
