//! The state machine: the metadata, changed by committed commands.

use std::sync::Arc;

use concurrency_models::image::Image;
use concurrency_models::raft_loop::StateMachine;
use raft::eraftpb::{Entry, Snapshot};
use serde::{Deserialize, Serialize};

use super::super::command::{Applied, Proposal, Refusal};
use super::super::state::ClusterState;

/// What became of a committed command: every member comes to the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Version of the state in which it was applied or refused.
    pub version: i64,
    /// What it has done.
    pub result: Result<Applied, Refusal>,
}

/// Owned by the Raft loop.
pub(super) struct Metadata {
    state: ClusterState,
    committed: Arc<Image<ClusterState>>,
}

impl Metadata {
    /// The machine in `state`, and the image that it publishes.
    pub(super) fn new(state: ClusterState) -> (Self, Arc<Image<ClusterState>>) {
        let committed = Arc::new(Image::new(state.clone()));
        (Self { state, committed: committed.clone() }, committed)
    }
}

impl StateMachine for Metadata {
    type Applied = Outcome;

    fn apply(&mut self, entry: &Entry) -> Result<Outcome, String> {
        let proposal: Proposal = serde_json::from_slice(&entry.data).map_err(|error| error.to_string())?;
        let result = self.state.apply_proposal(&proposal);
        Ok(Outcome { version: self.state.version, result })
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        self.state = ClusterState::read(&snapshot.data).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn snapshot(&self) -> Vec<u8> {
        self.state.to_bytes()
    }

    fn publish(&mut self) {
        self.committed.replace(self.state.clone());
    }
}

impl Drop for Metadata {
    fn drop(&mut self) {
        self.committed.close();
    }
}
