//! Why a node does not come into its cluster.

use super::super::command::Refusal;
use super::super::controller::ProposeError;
use super::super::membership::{JoinError, MustNotBegin};
use crate::storage::StorageError;

/// Why a node did not come into its cluster.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What the disk has is not this node's.
    #[error(
        "the data directory is of {}, and node.id is {node_id}: set node.id to what it was, or use another data directory",
        cluster_of(members)
    )]
    AnotherNode {
        /// `node.id`
        node_id: i32,
        /// Node ids of the group in the data directory.
        members: Vec<i32>,
    },
    /// The configuration knows nothing of a cluster.
    #[error(
        "the data directory is of {}, and the configuration is that of a node by itself: set controller.quorum.voters, or inter.node.listener if it has joined its \
         cluster, to what they were; or use another data directory",
        cluster_of(members)
    )]
    NotAlone {
        /// Node ids of the group in the data directory.
        members: Vec<i32>,
    },
    /// It does not belong to the cluster any more.
    #[error(transparent)]
    Removed(Refusal),
    /// Its data directory is empty, and it must not begin with it.
    #[error("the data directory is empty, and this node must not begin with it: {0}")]
    MustNotBegin(#[from] MustNotBegin),
    /// The cluster does not take it in.
    #[error("the node could not join its cluster: {0}")]
    Join(#[from] JoinError),
    /// It was asked to stop while it waited for a majority.
    #[error("the node was stopped before it had met a majority of its cluster")]
    Stopped,
    /// raft did not take the log.
    #[error("the Raft log does not fit: {0}")]
    Raft(#[from] ::raft::Error),
    /// It could not register.
    #[error("the node could not register: {0}")]
    Register(#[from] ProposeError),
    /// The logs could not be made to match the metadata.
    #[error("partitions could not be made ready: {0}")]
    Storage(#[from] StorageError),
}

impl StartError {
    /// The node belongs to the cluster no longer.
    pub(in super::super) fn removed(node_id: i32) -> Self {
        Self::Removed(Refusal::RemovedNode(node_id))
    }
}

/// The cluster of these nodes, for readers.
fn cluster_of(ids: &[i32]) -> String {
    match ids {
        [alone] => format!("node {alone} by itself"),
        several => {
            let ids: Vec<String> = several.iter().map(i32::to_string).collect();
            format!("a cluster of the nodes {}", ids.join(", "))
        }
    }
}
