//! The task that brings Raft's membership in line with the metadata, as long as this node leads.

use std::sync::Arc;

use concurrency_models::image::Image;
use concurrency_models::raft_loop::{Outcome, ProposeError};
use raft::eraftpb::{ConfChangeSingle, ConfChangeType, ConfChangeV2};

use super::super::raft::{Node, raft_id};
use super::super::state::ClusterState;
use super::plan::{Members, Step, next_step};
use crate::clock::Clock;
use crate::limits;
use crate::telemetry::Pulse;

/// See the module.
pub(in super::super) struct Reconciler {
    pub(in super::super) node_id: i32,
    pub(in super::super) raft: Node,
    /// What is applied here.
    pub(in super::super) committed: Arc<Image<ClusterState>>,
    pub(in super::super) clock: Clock,
}

impl Reconciler {
    /// Runs until the Raft loop has ended.
    pub(in super::super) async fn run(self, pulse: Pulse) {
        loop {
            let seen = self.committed.version();
            pulse.beat();
            self.step().await;
            pulse.idle();
            tokio::select! {
                biased;
                changed = self.committed.at_least(seen + 1) => if changed.is_err() { return },
                () = self.clock.sleep(limits::MEMBERSHIP_INTERVAL) => {}
            }
        }
    }

    /// Takes one step, if this node leads and there is one.
    async fn step(&self) {
        let Some(progress) = self.raft.progress() else { return };
        let committed = self.raft.status().committed;
        let members = Members { leader: self.node_id, progress: &progress, committed };
        let Some(step) = next_step(&self.committed.load(), &members) else { return };
        match step {
            Step::AddLearner(node) => {
                self.change(ConfChangeType::AddLearnerNode, node, "gets the metadata, and has no vote").await;
            }
            Step::Promote(node) => {
                self.change(ConfChangeType::AddNode, node, "has caught up, and votes").await;
            }
            Step::Remove(node) => {
                // Time for it to hear that it was removed: once it is no member, nobody tells it anything.
                self.clock.sleep(limits::MEMBERSHIP_INTERVAL).await;
                self.change(ConfChangeType::RemoveNode, node, "takes part in Raft no longer").await;
            }
            Step::HandOver(node) => {
                tracing::info!(to = node, "this node was removed: it hands over the lead of the metadata");
                let _not_now = self.raft.transfer_leadership(raft_id(node));
                self.clock.sleep(limits::MEMBERSHIP_INTERVAL).await;
            }
        }
    }

    async fn change(&self, kind: ConfChangeType, node: i32, what: &str) {
        let mut single = ConfChangeSingle { node_id: raft_id(node), ..ConfChangeSingle::default() };
        single.set_change_type(kind);
        let mut change = ConfChangeV2::default();
        change.set_changes(vec![single].into());
        let mut proposed = match self.raft.propose_conf_change(change) {
            Ok(proposed) => proposed,
            Err(error @ ProposeError::Impossible(_)) => {
                tracing::error!(node, %error, "the membership of Raft cannot be changed");
                return;
            }
            Err(_) => return, // another look follows
        };
        tokio::select! {
            biased;
            outcome = proposed.outcome() => if let Ok(Outcome::Applied { .. }) = outcome {
                tracing::info!(node, "node {node} {what}");
            },
            () = self.clock.sleep(limits::MEMBERSHIP_TIMEOUT) => {
                tracing::warn!(node, "the membership of Raft could not be changed in time: there is no majority that answers");
            }
        }
    }
}
