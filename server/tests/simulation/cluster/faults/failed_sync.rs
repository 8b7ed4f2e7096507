//! A disk fails to sync, once: nobody knows what it has of what was written before. The node must stop, and what it finds at its next start is all that counts.

use super::{Fault, Strike};
use crate::cluster::{Cluster, nodes};

/// Syncs that still succeed, at most.
const MOST_SYNCS: u64 = 6;

pub(super) struct FailedSync;

impl Fault for FailedSync {
    fn name(&self) -> &'static str {
        "failed sync"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            let at = cluster.nodes.draw(&mut cluster.rng);
            let crash = super::draw_crash(&mut cluster.rng);
            let after = u32::try_from(cluster.rng.below(MOST_SYNCS)).expect("small");
            let (seed, id) = (cluster.seed, nodes::node_id(at));
            match cluster.nodes.fail_sync(at, after, crash).await {
                Ok(true) => {
                    cluster.say(&format!("node {id} has stopped, for its disk failed to sync: {crash:?}"));
                }
                Ok(false) => cluster.say(&format!("node {id} syncs nothing")),
                Err(nodes::GoesOn) => {
                    panic!("seed {seed}: node {id} goes on although its disk failed to sync")
                }
            }
        })
    }
}
