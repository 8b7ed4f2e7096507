//! What a cluster is in which nothing is amiss.

use chronik_server::cluster::{Controller, QuorumStanding};

use super::super::invariants::Invariant;
use super::super::{Cluster, PATIENCE, nodes};

impl Cluster {
    /// Without faults: all members serve the same, all replicas are in sync, and Raft's voters are the members.
    pub(super) async fn agree(&mut self, invariants: &mut [Box<dyn Invariant>]) {
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

    pub(super) fn member_ids(&self) -> Vec<i32> {
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
}

/// The node ids of those who vote.
pub(super) fn voters(standing: &QuorumStanding) -> Vec<i32> {
    standing.members.iter().filter(|member| member.is_voter).map(|member| member.node_id).collect()
}
