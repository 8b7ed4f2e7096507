//! Nodes that are taken out of the cluster.

use std::time::Duration;

use chronik_server::cluster::command::Reassignment;
use chronik_server::cluster::{ClusterState, Command, Controller};
use chronik_server::node::End;

use super::super::invariants::{self, Invariant};
use super::super::nodes::{self, Over};
use super::super::{Cluster, PATIENCE, STEP_MS};
use super::STEPS;

/// Things that happen while one is removed of the few that are left.
const FEW_STEPS: u64 = 4;
/// How long an operator waits for an answer.
const ANSWER: Duration = Duration::from_secs(2);
/// How long a node that was removed lives on, at most, when there are no faults.
const LAST_WORDS: Duration = Duration::from_secs(20);

impl Cluster {
    /// An operator takes a node out of the cluster, after its replicas; there may be faults at first.
    pub(super) async fn remove(
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
    pub(super) fn moves(&self, state: &ClusterState, id: i32) -> Vec<Reassignment> {
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
    pub(super) async fn only_one_stays(
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

    /// A node that was removed hears of it and ends, if need be because it asks.
    pub(super) async fn last_words(&mut self, at: usize) -> Over {
        self.heal().await;
        let deadline = self.clock.uptime() + LAST_WORDS;
        if self.nodes.start(at, &mut self.rng) {
            self.say("it was down, and starts");
        }
        while self.nodes.over(at).is_none() && self.clock.uptime() < deadline {
            self.clock.sleep(Duration::from_millis(STEP_MS)).await;
        }
        let Some(over) = self.nodes.over(at) else {
            panic!("seed {}: node {} lives on:\n{}", self.seed, nodes::node_id(at), self.lines.join("\n"));
        };
        self.say(&format!("node {} has left: {over:?}", nodes::node_id(at)));
        match &over {
            Over::NotStarted(why) => assert!(why.contains("removed"), "seed {}: {why}", self.seed),
            Over::Ran(end) => assert_eq!(*end, End::Removed, "seed {}", self.seed),
        }
        self.nodes.bury(at).await;
        over
    }
}
