//! A node loses its power and what it has not synced, or comes back.

use chronik_log::disk::sim::Crash;

use super::{Fault, Strike};
use crate::cluster::{Cluster, nodes};

pub(super) struct PowerCut;

impl Fault for PowerCut {
    fn name(&self) -> &'static str {
        "power cut"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            let at = cluster.nodes.draw(&mut cluster.rng);
            let crash = match cluster.rng.below(3) {
                0 => Crash::Lost,
                1 => Crash::Kept,
                _ => Crash::Torn(cluster.rng.below(u64::MAX)),
            };
            if cluster.nodes.power_cut(at, crash).await {
                cluster.say(&format!("node {} has no power: {crash:?}", nodes::node_id(at)));
            }
        })
    }
}

pub(super) struct Start;

impl Fault for Start {
    fn name(&self) -> &'static str {
        "start"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            for at in nodes::ALL {
                if cluster.nodes.start(at, &mut cluster.rng) {
                    cluster.say(&format!("node {} starts", nodes::node_id(at)));
                }
            }
        })
    }
}
