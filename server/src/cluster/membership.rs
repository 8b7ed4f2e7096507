//! Nodes are taken into the cluster and out of it.

use std::time::Duration;

use uuid::Uuid;

use super::command::{Endpoint, Refusal};
use super::controller::{Controller, ProposeError};

/// Why the members are not as asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    /// It was not agreed on, or it is not known whether it was.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// It was agreed on, and is not done yet.
    #[error("{0}")]
    TimedOut(String),
}

impl Controller {
    /// Takes a node into the cluster: it is to vote on the metadata as soon as it has it.
    ///
    /// # Errors
    /// Refused, or not done within `timeout`.
    pub async fn add_node(
        &self,
        node_id: i32,
        _directory_id: Uuid,
        _endpoint: Endpoint,
        _timeout: Duration,
    ) -> Result<(), MembershipError> {
        Err(fixed(node_id))
    }

    /// Takes a node out of the cluster.
    ///
    /// # Errors
    /// Refused, or not done within `timeout`.
    pub async fn remove_node(
        &self,
        node_id: i32,
        _directory_id: Option<Uuid>,
        _timeout: Duration,
    ) -> Result<(), MembershipError> {
        Err(fixed(node_id))
    }
}

fn fixed(node_id: i32) -> MembershipError {
    let why = format!("node {node_id}: the members of this cluster are those of controller.quorum.voters");
    MembershipError::Propose(Refusal::Invalid(why.into()).into())
}
