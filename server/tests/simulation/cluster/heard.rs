//! A majority that is there is seen to be there, at whatever moment somebody asks.

use std::collections::BTreeSet;
use std::time::Duration;

use chronik_server::transport::Road;
use uuid::Uuid;

use super::{Cluster, nodes};

/// Moments.
const TIMES: usize = 40;
/// Virtual time between two of them at most: more than an election timeout.
const PAUSE_MS: u64 = 500;
/// How long a message takes from one node to another.
const WAY: Duration = Duration::from_millis(30);

impl Cluster {
    /// Runs the seed: nodes that are well are asked, again and again, to take one of them out of the cluster, under the id of a directory that it never had. Returns
    /// why they do not.
    pub(crate) fn run_wrong_removals(seed: u64) -> BTreeSet<String> {
        crate::world::runtime().block_on(async move { Self::new(seed, 0).refuse_to_remove().await })
    }

    async fn refuse_to_remove(&mut self) -> BTreeSet<String> {
        self.begin().await;
        for (from, to) in nodes::ALL.flat_map(|from| nodes::ALL.map(move |to| (from, to))) {
            self.nodes.set_road(from, to, Road::Slow(WAY));
        }
        let mut reasons = BTreeSet::new();
        for _ in 0..TIMES {
            self.clock.sleep(Duration::from_millis(self.rng.below(PAUSE_MS))).await;
            let (asked, node) = (self.nodes.draw(&mut self.rng), self.nodes.draw(&mut self.rng));
            let controller = self.nodes.controller(asked).expect("it serves");
            let wrong = Some(Uuid::from_u128(1));
            let removed = controller.remove_node(nodes::node_id(node), wrong, Duration::from_secs(5)).await;
            reasons.insert(removed.expect_err("it never had that directory").to_string());
        }
        self.writers.stop().await;
        self.nodes.stop().await;
        reasons
    }
}
