//! Of two voters one is removed, and the other one fails before that is done: it cannot be done without the vote of the one that leaves.

use std::time::Duration;

use chronik_log::disk::sim::Crash;
use chronik_server::cluster::Command;

use super::super::invariants::{self, Invariant};
use super::super::nodes::{self, Over};
use super::super::{Cluster, PATIENCE, STEP_MS};

/// Virtual time from the removal until the other one fails, at most: Raft's membership follows within it, or does not.
const SOON_MS: u64 = 300;
/// How long the other one is down.
const DOWN: Duration = Duration::from_secs(3);

/// Who leaves, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaver {
    /// Whether it leads.
    pub(crate) leads: bool,
    /// Whether its power fails, too, and it is started again.
    pub(crate) starts_again: bool,
}

impl Cluster {
    /// Runs the seed: two voters are left, one of them is removed, and the one that stays fails soon after and comes back.
    pub(crate) fn run_last_vote(seed: u64, leaver: Leaver) {
        crate::world::runtime().block_on(async move { Self::new(seed, 0).last_vote(leaver).await });
    }

    async fn last_vote(&mut self, leaver: Leaver) {
        let (mut invariants, mut faults) = (invariants::all(), Vec::new());
        self.begin().await;
        self.writers.stop().await;
        let third = self.nodes.draw(&mut self.rng);
        self.remove(third, 0, &mut invariants, &mut faults).await;
        let _heard = self.last_words(third).await;
        self.agree(&mut invariants).await;

        let leader = self.leader(&mut invariants).await;
        let other = self.nodes.members().into_iter().find(|at| *at != leader).expect("there are two");
        let (leaves, stays) = if leaver.leads { (leader, other) } else { (other, leader) };
        self.is_taken_out(leaves, &mut invariants).await;
        self.clock.sleep(Duration::from_millis(self.rng.below(SOON_MS))).await;
        assert!(self.nodes.power_cut(stays, 0, Duration::ZERO, Crash::Lost).await);
        self.say(&format!("node {} has no power", nodes::node_id(stays)));
        if leaver.starts_again {
            self.nodes.power_cut(leaves, 0, Duration::ZERO, Crash::Lost).await;
            self.say(&format!("node {} neither, for a moment", nodes::node_id(leaves)));
            self.nodes.start(leaves, &mut self.rng);
        }
        self.clock.sleep(DOWN).await;
        let (seed, over) = (self.seed, self.last_words(leaves).await);
        self.agree(&mut invariants).await;
        assert_eq!(self.leader(&mut invariants).await, stays);
        let ran = matches!(over, Over::Ran(_));
        assert!(ran || leaver.starts_again, "seed {seed}, {leaver:?}: {over:?}");
        self.nodes.stop().await;
    }

    /// The place of who leads the metadata.
    async fn leader(&mut self, invariants: &mut [Box<dyn Invariant>]) -> usize {
        let deadline = self.clock.uptime() + PATIENCE;
        loop {
            if let Some(leader) = self.nodes.members().into_iter().find(|at| self.leads(*at)) {
                return leader;
            }
            self.pass(invariants).await;
            let (seed, lines) = (self.seed, &self.lines);
            assert!(self.clock.uptime() < deadline, "seed {seed}: nobody leads:\n{}", lines.join("\n"));
        }
    }

    /// The metadata says that the node belongs to the cluster no longer; Raft's membership has not followed yet.
    async fn is_taken_out(&mut self, leaves: usize, invariants: &mut [Box<dyn Invariant>]) {
        let (node_id, deadline) = (nodes::node_id(leaves), self.clock.uptime() + PATIENCE);
        let controller = self.nodes.controller(leaves).expect("it serves");
        self.nodes.give_up(leaves);
        loop {
            let partitions = self.moves(&controller.state(), node_id);
            let command = match partitions.is_empty() {
                true => Command::RemoveNode { node_id, directory_id: None },
                false => Command::ReassignPartitions { partitions, allow_replication_factor_change: true },
            };
            let is_last = matches!(command, Command::RemoveNode { .. });
            let outcome = controller.propose(command).await;
            if is_last && outcome.is_ok() {
                return self.say(&format!("node {node_id} is removed"));
            }
            self.clock.sleep(Duration::from_millis(STEP_MS)).await;
            self.look(invariants);
            assert!(self.clock.uptime() < deadline, "seed {}: {outcome:?}", self.seed);
        }
    }
}
