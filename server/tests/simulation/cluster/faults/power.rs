//! A node loses its power and what it has not synced, or comes back.

use std::time::Duration;

use super::{Fault, Strike};
use crate::cluster::{Cluster, nodes};

/// Operations that a disk still carries out, at most.
const MOST_OPS: u64 = 8;
/// How long a node lives with a disk that has failed, at most.
const DYING_MS: u64 = 300;

pub(super) struct PowerCut;

impl Fault for PowerCut {
    fn name(&self) -> &'static str {
        "power cut"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            let at = cluster.nodes.draw(&mut cluster.rng);
            let crash = super::draw_crash(&mut cluster.rng);
            let (ops, dying) =
                (cluster.rng.below(MOST_OPS), Duration::from_millis(cluster.rng.below(DYING_MS)));
            if cluster.nodes.power_cut(at, ops, dying, crash).await {
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
            for at in cluster.nodes.members() {
                if cluster.nodes.start(at, &mut cluster.rng) {
                    cluster.say(&format!("node {} starts", nodes::node_id(at)));
                }
            }
        })
    }
}
