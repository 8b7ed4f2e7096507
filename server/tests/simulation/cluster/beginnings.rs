//! Three nodes begin while their power fails, and one of them may lose its disk again and again: it is taken in if it has promised nothing before, or refused.
//! (It does so when the two others have a log: of three, no more than one may have none.)

use std::collections::BTreeSet;
use std::time::Duration;

use super::invariants::{self, Invariant};
use super::nodes::{self, Over};
use super::{Cluster, PATIENCE, STEP_MS};

/// Things that happen while the cluster begins.
const STEPS: u64 = 20;
/// Virtual time between two of them at most.
const STEP_OF_BEGINNING_MS: u64 = 150;

/// What happened.
pub(crate) struct Beginning {
    /// How often a disk was lost.
    pub(crate) lost: usize,
    /// Whether the node was refused in the end.
    pub(crate) refused: bool,
    /// Topics that were acknowledged.
    pub(crate) acknowledged: usize,
}

impl Cluster {
    /// Runs the seed, and panics with it in the message when something does not hold.
    pub(crate) fn run_beginning(seed: u64) -> Beginning {
        crate::world::runtime().block_on(async move { Self::new(seed, 0).begin_badly().await })
    }

    async fn begin_badly(&mut self) -> Beginning {
        let mut invariants = invariants::of_metadata();
        let (mut lost, mut refused) = (0, false);
        let forgetful = self.nodes.draw(&mut self.rng);
        let mut begun = BTreeSet::new();
        for _ in 0..STEPS {
            self.clock.sleep(Duration::from_millis(self.rng.below(STEP_OF_BEGINNING_MS))).await;
            begun.extend(
                self.nodes.places().filter(|at| *at != forgetful && self.nodes.controller(*at).is_some()),
            );
            match self.rng.below(6) {
                0 if !refused && begun.len() == 2 => lost += usize::from(self.forgets(forgetful).await),
                1 => _ = self.stumbles().await,
                2 => {
                    let fault = self.draw_fault();
                    fault.strike(self).await;
                    self.say(fault.name());
                }
                3 => self.nodes.members().into_iter().for_each(|at| _ = self.nodes.start(at, &mut self.rng)),
                _ => self.ask_for_topic(),
            }
            refused |= self.is_refused(forgetful).await;
            self.look(&mut invariants);
        }
        self.heal().await;
        let deadline = self.clock.uptime() + PATIENCE;
        while !self.has_begun().await {
            self.pass(&mut invariants).await;
            refused |= self.is_refused(forgetful).await;
            assert!(
                self.clock.uptime() < deadline,
                "seed {}: without faults, the cluster does not begin:\n{}\n{}",
                self.seed,
                self.lines.join("\n"),
                self.standings()
            );
        }
        self.look(&mut invariants);
        invariants.iter_mut().for_each(|invariant: &mut Box<dyn Invariant>| invariant.end(self));
        self.nodes.stop().await;
        let acknowledged = self.clients.acknowledged().len();
        Beginning { lost, refused, acknowledged }
    }

    async fn stumbles(&mut self) -> bool {
        let at = self.nodes.draw(&mut self.rng);
        self.loses_power(at).await
    }

    /// Its power fails, and it comes back with an empty disk.
    async fn forgets(&mut self, at: usize) -> bool {
        if !self.loses_power(at).await {
            return false;
        }
        self.nodes.lose_disk(at);
        self.nodes.start(at, &mut self.rng);
        self.say(&format!("node {} has forgotten everything", nodes::node_id(at)));
        true
    }

    /// Whether the one that forgets must not begin again; nobody waits for it then.
    async fn is_refused(&mut self, at: usize) -> bool {
        let Some(Over::NotStarted(why)) = self.nodes.over(at) else { return false };
        assert!(why.contains("must not begin"), "seed {}: {why}", self.seed);
        self.say(&format!("node {} is refused: {why}", nodes::node_id(at)));
        self.nodes.give_up(at);
        self.nodes.bury(at).await;
        true
    }

    fn standings(&self) -> String {
        let told = |at: usize| match self.nodes.controller(at) {
            Some(controller) => format!("node {}: {:?}", nodes::node_id(at), controller.quorum_here()),
            None => format!("node {} serves nobody: {:?}", nodes::node_id(at), self.nodes.over(at)),
        };
        self.nodes.places().map(told).collect::<Vec<_>>().join("\n")
    }

    /// All serve the same, and whoever has asked for a topic is answered, the last one well.
    async fn has_begun(&mut self) -> bool {
        let members = self.nodes.members();
        let controllers: Vec<_> = members.iter().filter_map(|at| self.nodes.controller(*at)).collect();
        if controllers.len() < members.len() || self.clients.is_waiting() {
            self.clock.sleep(Duration::from_millis(STEP_MS)).await;
            return false;
        }
        let version = controllers[0].state().version;
        if self.clients.last_was_acknowledged()
            && controllers.iter().all(|controller| controller.state().version == version)
        {
            return true;
        }
        self.ask_for_topic();
        false
    }
}
