//! Nodes join, leave, and lose their disks, while the same things happen as to three nodes that stay.

mod agreement;
mod last_vote;
mod leaving;

use std::time::Duration;

use chronik_log::disk::sim::Crash;
use chronik_server::transport::Road;

use super::invariants::{self, Invariant};
use super::nodes::{self, Over};
use super::{Cluster, PATIENCE, STEP_MS};
use agreement::voters;
pub(crate) use last_vote::Leaver;

/// Things that happen while a node joins, and while one is removed.
const STEPS: u64 = 12;
/// Virtual time between two power cuts of a node that joins at most.
const FIRST_STEPS_MS: u64 = 60;
/// The place of the first who joins, and of the one that takes the place of a lost disk.
const NEWCOMER: usize = 3;
const SUBSTITUTE: usize = 4;

/// What happened.
pub(crate) struct Story {
    /// Every event with its virtual time.
    pub(crate) lines: Vec<String>,
    /// Commands and records that were acknowledged.
    pub(crate) acknowledged: (usize, usize),
    /// Faults, by name.
    pub(crate) faults: Vec<&'static str>,
    /// Whether the one that was removed had led the metadata.
    pub(crate) leader_left: bool,
    /// Whether it was down then.
    pub(crate) was_down: bool,
    /// How often the power of the newcomer failed before it voted.
    pub(crate) interrupted: usize,
    /// Acknowledged topics and records that the last one has in the end.
    pub(crate) lonely: usize,
}

impl Cluster {
    /// Runs the seed: a node joins three, one of the three is removed, another one loses its disk and is replaced.
    pub(crate) fn run_members(seed: u64) -> Story {
        crate::world::runtime().block_on(async move { Self::new(seed, 2).come_and_go().await })
    }

    async fn come_and_go(&mut self) -> Story {
        let (mut invariants, mut faults) = (invariants::all(), Vec::new());
        self.begin().await;
        self.joins(NEWCOMER);
        let interrupted = self.live_on(NEWCOMER, &mut invariants, &mut faults).await;
        self.agree(&mut invariants).await;

        let leader = nodes::ALL.clone().find(|at| self.leads(*at));
        let leaves = match leader {
            Some(leader) if self.seed % 2 == 1 => leader,
            _ => usize::try_from(self.rng.below(nodes::ALL.len() as u64)).expect("few"),
        };
        let leader_left = leader == Some(leaves);
        self.remove(leaves, STEPS, &mut invariants, &mut faults).await;
        let was_down = !self.nodes.is_up(leaves);
        let _heard = self.last_words(leaves).await;
        self.agree(&mut invariants).await;

        let lost = self.nodes.draw(&mut self.rng);
        self.loses_disk(lost).await;
        self.joins(SUBSTITUTE);
        self.remove(lost, 0, &mut invariants, &mut faults).await;
        self.agree(&mut invariants).await;

        self.writers.stop().await;
        self.come_to_rest().await;
        self.look(&mut invariants);
        for invariant in &mut invariants {
            invariant.end(self);
        }
        let lonely = self.only_one_stays(&mut invariants, &mut faults).await;
        self.nodes.stop().await;
        let acknowledged = (self.clients.acknowledged().len(), self.writers.count());
        Story {
            lines: std::mem::take(&mut self.lines),
            acknowledged,
            faults,
            leader_left,
            was_down,
            interrupted,
            lonely,
        }
    }

    fn leads(&self, at: usize) -> bool {
        self.nodes.controller(at).is_some_and(|controller| controller.leads_in_term().is_some())
    }

    fn joins(&mut self, at: usize) {
        self.nodes.expect(at);
        self.nodes.start(at, &mut self.rng);
        self.say(&format!("node {} joins", nodes::node_id(at)));
    }

    /// Faults and commands. Returns how often the power of this node failed before it voted.
    async fn live_on(
        &mut self,
        newcomer: usize,
        invariants: &mut [Box<dyn Invariant>],
        faults: &mut Vec<&'static str>,
    ) -> usize {
        let mut interrupted = 0;
        let delay = Duration::from_millis(self.rng.below(FIRST_STEPS_MS));
        for other in self.nodes.places().filter(|other| *other != newcomer) {
            self.nodes.set_road(newcomer, other, Road::Slow(delay));
        }
        for _ in 0..STEPS {
            self.clock.sleep(Duration::from_millis(self.rng.below(FIRST_STEPS_MS))).await;
            if !self.votes(newcomer) && self.rng.below(3) > 0 {
                interrupted += usize::from(self.loses_power(newcomer).await);
                self.nodes.start(newcomer, &mut self.rng);
            }
            self.look(invariants);
        }
        for _ in 0..STEPS {
            self.pass(invariants).await;
            self.happens(faults).await;
            self.look(invariants);
        }
        interrupted
    }

    /// As far as those who serve know.
    fn votes(&self, at: usize) -> bool {
        let id = nodes::node_id(at);
        let standings = self.nodes.places().filter_map(|at| Some(self.nodes.controller(at)?.quorum_here()));
        standings.into_iter().any(|standing| voters(&standing).contains(&id))
    }

    /// At some moment, in the middle of what it does.
    pub(super) async fn loses_power(&mut self, at: usize) -> bool {
        let crash = match self.rng.below(3) {
            0 => Crash::Lost,
            1 => Crash::Kept,
            _ => Crash::Torn(self.rng.below(u64::MAX)),
        };
        let (ops, dying) = (self.rng.below(8), Duration::from_millis(self.rng.below(FIRST_STEPS_MS)));
        let was_up = self.nodes.power_cut(at, ops, dying, crash).await;
        if was_up {
            self.say(&format!("node {} has no power: {crash:?}", nodes::node_id(at)));
        }
        was_up
    }

    async fn happens(&mut self, faults: &mut Vec<&'static str>) {
        match self.rng.below(3) {
            0 | 1 => {
                let fault = self.draw_fault();
                fault.strike(self).await;
                faults.push(fault.name());
            }
            _ => self.ask_for_topic(),
        }
    }

    /// For a topic on three nodes that stay.
    pub(super) fn ask_for_topic(&mut self) {
        let at = self.nodes.draw(&mut self.rng);
        let mut members = self.nodes.members();
        let first = usize::try_from(self.rng.below(members.len() as u64)).expect("few");
        members.rotate_left(first);
        let replicas = members.iter().take(nodes::ALL.len()).map(|at| nodes::node_id(*at)).collect();
        if let Some(controller) = self.nodes.controller(at) {
            let name = self.clients.propose(controller, replicas);
            self.say(&format!("node {} is asked for {name}", nodes::node_id(at)));
        }
    }

    /// A node comes back with an empty disk: it is refused, in some runs by the only one that is left.
    async fn loses_disk(&mut self, at: usize) {
        assert!(self.nodes.power_cut(at, 0, Duration::ZERO, Crash::Lost).await);
        self.nodes.lose_disk(at);
        self.nodes.give_up(at);
        if self.rng.below(2) == 0 {
            // It knows those that the cluster has begun with: one of them stays up.
            let drawn = self.nodes.draw(&mut self.rng);
            let down = self.nodes.members().into_iter().find(|at| *at == NEWCOMER).unwrap_or(drawn);
            self.loses_power(down).await;
        }
        self.say(&format!("node {} has lost its disk", nodes::node_id(at)));
        self.nodes.start(at, &mut self.rng);
        let deadline = self.clock.uptime() + PATIENCE;
        while self.nodes.over(at).is_none() {
            self.clock.sleep(Duration::from_millis(STEP_MS)).await;
            assert!(self.clock.uptime() < deadline, "seed {}: it is not refused", self.seed);
        }
        let over = self.nodes.over(at);
        let refusal = if nodes::ALL.contains(&at) { "must not begin" } else { "could not join" };
        assert!(
            matches!(&over, Some(Over::NotStarted(why)) if why.contains(refusal)),
            "seed {}: {over:?}",
            self.seed
        );
        self.say(&format!("it is refused: {over:?}"));
        self.heal().await;
        self.nodes.bury(at).await;
    }
}
