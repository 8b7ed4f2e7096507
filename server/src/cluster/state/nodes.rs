//! Nodes come into the cluster, and go. Whether a node votes is Raft's membership; the leader brings that in line with what is said here.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::command::{Applied, Endpoint, Refusal};
use super::ClusterState;

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Of its data directory (KIP-853). Another one under the same node id has lost what the node has promised: whom it voted for, what it has acknowledged.
    pub directory_id: Uuid,
    /// Where the others reach it.
    pub endpoint: Endpoint,
}

impl ClusterState {
    /// The node of this id, unless it was removed.
    pub fn node(&self, node_id: i32) -> Option<&Node> {
        self.nodes.get(&node_id)
    }

    /// All nodes, in order of their ids. Of the nodes that a cluster begins with, those that have registered.
    pub fn nodes(&self) -> impl Iterator<Item = (i32, &Node)> {
        self.nodes.iter().map(|(node_id, node)| (*node_id, node))
    }

    /// Whether the node was removed: nobody comes back under its id.
    pub fn was_removed(&self, node_id: i32) -> bool {
        self.removed.contains(&node_id)
    }

    /// The ids of all that were removed.
    pub fn removed(&self) -> impl Iterator<Item = i32> {
        self.removed.iter().copied()
    }

    /// Where a node that was removed was reached last, if that was ever known.
    pub fn last_place(&self, node_id: i32) -> Option<&Endpoint> {
        self.last_places.get(&node_id)
    }

    /// Whether who says so is the node of this id, or could become it.
    ///
    /// # Errors
    /// It was removed, or has another data directory than before.
    pub fn admit(&self, node_id: i32, directory_id: Uuid) -> Result<(), Refusal> {
        if self.was_removed(node_id) {
            return Err(Refusal::RemovedNode(node_id));
        }
        match self.node(node_id).map(|node| node.directory_id) {
            Some(known) if known != directory_id => Err(Refusal::AnotherDirectory { node_id, known }),
            _ => Ok(()),
        }
    }

    pub(super) fn add_node(&mut self, node_id: i32, node: Node) -> Result<Applied, Refusal> {
        self.admit(node_id, node.directory_id)?;
        self.nodes.insert(node_id, node);
        Ok(Applied::NodeAdded)
    }

    /// As careful as [`unregister`](Self::unregister): what the node takes part in must have ended before.
    pub(super) fn remove_node(
        &mut self,
        node_id: i32,
        directory_id: Option<Uuid>,
    ) -> Result<Applied, Refusal> {
        if self.was_removed(node_id) {
            return Ok(Applied::NodeRemoved);
        }
        if let Some(directory_id) = directory_id {
            self.admit(node_id, directory_id)?;
        }
        self.without_replicas(node_id)?;
        if self.nodes.keys().all(|other| *other == node_id) {
            let message = format!("node {node_id} is the only one that is known: a cluster has one at least");
            return Err(Refusal::Invalid(message.into()));
        }
        if let Some(node) = self.nodes.remove(&node_id) {
            self.last_places.insert(node_id, node.endpoint);
        }
        self.brokers.remove(&node_id);
        self.removed.insert(node_id);
        Ok(Applied::NodeRemoved)
    }

    /// Refuses what nobody may do to a node that has replicas.
    pub(super) fn without_replicas(&self, node_id: i32) -> Result<(), Refusal> {
        let partitions = self.topics.values().flat_map(|topic| &topic.partitions);
        let held = partitions.filter(|partition| partition.replicas.contains(&node_id)).count();
        if held == 0 {
            return Ok(());
        }
        let message = format!(
            "node {node_id} has replicas of {held} partitions: move them to other nodes first (chronik-server cluster drain {node_id})"
        );
        Err(Refusal::Invalid(message.into()))
    }
}
