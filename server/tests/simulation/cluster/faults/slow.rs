//! What one node sends to another takes its time: up to longer than an election timeout.

use std::time::Duration;

use chronik_server::transport::Road;

use super::{Fault, Strike};
use crate::cluster::{Cluster, nodes};

const SLOWEST_MS: u64 = 700;

pub(super) struct Slow;

impl Fault for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            let (from, to) = (cluster.nodes.draw(&mut cluster.rng), cluster.nodes.draw(&mut cluster.rng));
            let delay = Duration::from_millis(1 + cluster.rng.below(SLOWEST_MS));
            cluster.nodes.set_road(from, to, Road::Slow(delay));
            let (from, to) = (nodes::node_id(from), nodes::node_id(to));
            cluster.say(&format!("node {from} is heard by node {to} after {delay:?}"));
        })
    }
}
