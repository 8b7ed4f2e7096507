//! Nodes join, leave, and lose their disks, while the same things happen as to three nodes that stay.

use std::time::Duration;

use chronik_log::disk::sim::Crash;
use chronik_server::cluster::command::Reassignment;
use chronik_server::cluster::{ClusterState, Command, Controller, QuorumStanding};
use chronik_server::node::End;
use chronik_server::transport::Road;

use super::invariants::{self, Invariant};
use super::nodes::{self, Over};
use super::{Cluster, PATIENCE, STEP_MS};

/// Things that happen while a node joins, and while one is removed.
const STEPS: u64 = 12;
/// The same while only a few are left.
const FEW_STEPS: u64 = 4;
/// Virtual time between two power cuts of a node that joins at most.
const FIRST_STEPS_MS: u64 = 60;
/// The place of the first who joins, and of the one that takes the place of a lost disk.
const NEWCOMER: usize = 3;
const SUBSTITUTE: usize = 4;
/// How long an operator waits for an answer.
const ANSWER: Duration = Duration::from_secs(2);
/// How long a node that was removed lives on, at most, when there are no faults.
const LAST_WORDS: Duration = Duration::from_secs(20);

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
    /// How it ended, if it did.
    pub(crate) left: Option<Over>,
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
        let left = self.last_words(leaves).await;
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
            left,
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

    /// Without faults: all members serve the same, all replicas are in sync, and Raft's voters are the members.
    async fn agree(&mut self, invariants: &mut [Box<dyn Invariant>]) {
        self.heal().await;
        let deadline = self.clock.uptime() + PATIENCE;
        loop {
            self.pass(invariants).await;
            let because = match self.disagreement().await {
                None if self.clients.is_waiting() => "somebody waits for an answer".to_owned(),
                None => break,
                Some(because) => because,
            };
            self.expect_running();
            assert!(
                self.clock.uptime() < deadline,
                "seed {}: without faults, the cluster does not become what it should be: {because}\n{}",
                self.seed,
                self.lines.join("\n")
            );
        }
        self.say(&format!("the members are {:?}", self.member_ids()));
    }

    /// A member does not end by itself.
    fn expect_running(&self) {
        for at in self.nodes.members() {
            let over = self.nodes.over(at);
            assert_eq!(
                over,
                None,
                "seed {}: node {} has ended:\n{}",
                self.seed,
                nodes::node_id(at),
                self.lines.join("\n")
            );
        }
    }

    fn member_ids(&self) -> Vec<i32> {
        let mut ids: Vec<i32> = self.nodes.members().into_iter().map(nodes::node_id).collect();
        ids.sort_unstable();
        ids
    }

    async fn disagreement(&self) -> Option<String> {
        let members = self.nodes.members();
        let controllers: Vec<Controller> =
            members.iter().filter_map(|at| self.nodes.controller(*at)).collect();
        if controllers.len() < members.len() {
            return Some(format!("only {} serve", controllers.len()));
        }
        let state = controllers[0].state();
        if controllers.iter().any(|controller| controller.state().version != state.version) {
            return Some("they are not at the same version".to_owned());
        }
        for controller in &controllers {
            let standing = controller.quorum().await;
            if voters(&standing) != self.member_ids() || standing.members.iter().any(|it| !it.is_voter) {
                return Some(format!("{standing:?}"));
            }
        }
        let known: Vec<i32> = state.nodes().map(|(id, _)| id).collect();
        if known != self.member_ids() || state.brokers.values().any(|broker| broker.fenced) {
            return Some(format!("the metadata knows {known:?}, or somebody is fenced"));
        }
        let mut partitions = state.topics().flat_map(|topic| &topic.partitions);
        let amiss =
            partitions.find(|it| it.is_reassigning() || it.in_sync_replicas.len() < it.replicas.len());
        amiss.map(|partition| format!("{partition:?}"))
    }

    /// An operator takes a node out of the cluster, after its replicas; there may be faults at first.
    async fn remove(
        &mut self,
        leaves: usize,
        faulty_steps: u64,
        invariants: &mut [Box<dyn Invariant>],
        faults: &mut Vec<&'static str>,
    ) {
        let id = nodes::node_id(leaves);
        self.say(&format!("node {id} is to leave"));
        self.nodes.give_up(leaves);
        let mut deadline = Duration::MAX;
        for step in 0.. {
            self.pass(invariants).await;
            if step < faulty_steps && self.rng.below(8) == 0 {
                self.loses_power(leaves).await;
            } else if step < faulty_steps {
                self.happens(faults).await;
            } else if step == faulty_steps {
                self.heal().await;
                deadline = self.clock.uptime() + PATIENCE;
            } else if step == faulty_steps + STEPS && faulty_steps > 0 {
                // What only it has can be had only from it.
                self.nodes.start(leaves, &mut self.rng);
            }
            let at = self.nodes.draw(&mut self.rng);
            if let Some(controller) = self.nodes.controller(at)
                && self.asks_to_remove(&controller, id).await
            {
                return;
            }
            assert!(
                self.clock.uptime() < deadline,
                "seed {}: node {id} is not removed:\n{}",
                self.seed,
                self.lines.join("\n")
            );
        }
    }

    /// Moves what the node has, and has it removed. Returns whether it is.
    async fn asks_to_remove(&mut self, controller: &Controller, id: i32) -> bool {
        let partitions = self.moves(&controller.state(), id);
        let clock = self.clock.clone();
        let asks = async {
            if !partitions.is_empty() {
                let allow_replication_factor_change = true;
                let command = Command::ReassignPartitions { partitions, allow_replication_factor_change };
                let _tried_again = controller.propose(command).await;
            }
            controller.remove_node(id, None, ANSWER).await.map_err(|error| error.to_string())
        };
        let removed = tokio::select! {
            biased;
            removed = asks => removed,
            () = clock.sleep(ANSWER) => Err("no answer".to_owned()),
        };
        self.say(&format!("node {id} is to be removed: {removed:?}"));
        removed.is_ok()
    }

    /// Another member in the place of this node, wherever it has a replica and is to have it.
    fn moves(&self, state: &ClusterState, id: i32) -> Vec<Reassignment> {
        let mut moves = Vec::new();
        for topic in state.topics() {
            for (partition, known) in topic.indexed() {
                let mut replicas = known.target_replicas();
                let Some(place) = replicas.iter().position(|replica| *replica == id) else { continue };
                match self.member_ids().into_iter().find(|member| !replicas.contains(member)) {
                    Some(substitute) => replicas[place] = substitute,
                    None => _ = replicas.remove(place),
                }
                moves.push(Reassignment { topic_id: topic.id, partition, replicas: Some(replicas) });
            }
        }
        moves
    }

    /// All but one are removed, one after the other: whoever leads hands over first. Returns what the last one has of what was acknowledged.
    async fn only_one_stays(
        &mut self,
        invariants: &mut [Box<dyn Invariant>],
        faults: &mut Vec<&'static str>,
    ) -> usize {
        while self.nodes.members().len() > 1 {
            let leader = self.nodes.members().into_iter().find(|at| self.leads(*at));
            let drawn = self.nodes.draw(&mut self.rng);
            let leaves = leader.filter(|_| self.rng.below(2) == 0).unwrap_or(drawn);
            self.remove(leaves, FEW_STEPS, invariants, faults).await;
            let _heard = self.last_words(leaves).await;
            self.agree(invariants).await;
        }
        let mut kept: Vec<_> = invariants::kept();
        kept.iter_mut().for_each(|invariant| invariant.end(self));
        kept.iter().map(|invariant| invariant.met()).sum()
    }

    /// A node that was removed hears of it and ends, or lives on without a vote.
    async fn last_words(&mut self, at: usize) -> Option<Over> {
        self.heal().await;
        let deadline = self.clock.uptime() + LAST_WORDS;
        if self.nodes.start(at, &mut self.rng) {
            self.say("it was down, and starts");
        }
        while self.nodes.over(at).is_none() && self.clock.uptime() < deadline {
            self.clock.sleep(Duration::from_millis(STEP_MS)).await;
        }
        let over = self.nodes.over(at);
        self.say(&format!("node {} has left: {over:?}", nodes::node_id(at)));
        match &over {
            Some(Over::NotStarted(why)) => assert!(why.contains("removed"), "seed {}: {why}", self.seed),
            Some(Over::Ran(end)) => assert_eq!(*end, End::Removed, "seed {}", self.seed),
            None => {}
        }
        self.nodes.bury(at).await;
        over
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

fn voters(standing: &QuorumStanding) -> Vec<i32> {
    standing.members.iter().filter(|member| member.is_voter).map(|member| member.node_id).collect()
}
