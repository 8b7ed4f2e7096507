//! The cluster's metadata as a fold of commands: the same commands in the same order give the same state everywhere.
//!
//! What a command does to brokers, to topics and to elections has a file each; who leads a partition, and in which epochs, is decided in `partition` alone.

mod brokers;
mod elections;
mod liveness;
mod nodes;
mod partition;
mod reassignments;
mod topics;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chronik_log::PartitionId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::command::{Applied, Command, Endpoint, Proposal, Refusal};
pub use nodes::Node;
pub use partition::Partition;

/// Whose settings are those of all brokers, in place of a node id (Kafka's "default" entity has the empty name too).
pub const EVERY_BROKER: &str = "";

/// Everything that all nodes agree on. Topics are behind `Arc`s, so that the next image shares what has not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// Commands applied so far. The image that shows the effect of the n-th command has version n or more.
    pub version: i64,
    /// Given once.
    pub cluster_id: Option<Uuid>,
    /// By node id. Who takes part in Raft; a broker that is a cluster of its own is not among them.
    #[serde(default)]
    nodes: BTreeMap<i32, Node>,
    /// Ids of nodes that were removed.
    #[serde(default)]
    removed: BTreeSet<i32>,
    /// Where they were reached last: a node that was removed is talked to as long as it votes.
    #[serde(default)]
    last_places: BTreeMap<i32, Endpoint>,
    /// By node id.
    pub brokers: BTreeMap<i32, Broker>,
    /// By id.
    topics: BTreeMap<Uuid, Arc<Topic>>,
    /// The ids of `topics`, by name.
    topic_ids: BTreeMap<String, Uuid>,
    /// The first producer id that has not been given out.
    next_producer_id: i64,
    /// Settings that were changed while the brokers ran, by node id or [`EVERY_BROKER`]. Nobody has none: the entry is removed.
    #[serde(default)]
    broker_configs: BTreeMap<String, BTreeMap<String, String>>,
}

/// A broker that has registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broker {
    /// `node.id`.
    pub node_id: i32,
    /// Where clients reach it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Grows with every start of the broker.
    pub broker_epoch: i64,
    /// `broker.rack`
    #[serde(default)]
    pub rack: Option<String>,
    /// Whether it leads nothing, because it has just started or nothing was heard of it for a lease.
    #[serde(default)]
    pub fenced: bool,
    /// Version of the state that fenced it last. Once it serves that, it knows what it does not lead any more.
    #[serde(default)]
    pub fenced_since: i64,
    /// Drawn by its last start; nil if it drew none.
    #[serde(default)]
    pub incarnation: Uuid,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
    /// By partition index.
    pub partitions: Vec<Partition>,
    /// Settings that differ from the broker's.
    pub configs: BTreeMap<String, String>,
}

impl ClusterState {
    /// The state that [`to_bytes`](Self::to_bytes) has written.
    ///
    /// # Errors
    /// It was written by something else, or by a newer version.
    pub fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The state as a snapshot has it: JSON, which any tool can read.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a state has only keys that are strings")
    }

    /// Applies one command within the bounds under which it was proposed. A refused command changes nothing.
    ///
    /// # Errors
    /// The command contradicts the state, or there would be too much of something.
    pub fn apply_proposal(&mut self, proposal: &Proposal) -> Result<Applied, Refusal> {
        let added = match &proposal.command {
            Command::CreateTopic { name, assignment, .. } if self.topic(name).is_none() => assignment.len(),
            Command::CreatePartitions { assignment, .. } => assignment.len(),
            _ => 0,
        };
        if let Some(max) = proposal.max_partitions {
            self.has_room_for(added, max)?;
        }
        self.apply(&proposal.command)
    }

    /// Applies one command. A refused command changes nothing.
    ///
    /// # Errors
    /// The command contradicts the state.
    pub fn apply(&mut self, command: &Command) -> Result<Applied, Refusal> {
        let applied = match command {
            Command::NameCluster { cluster_id } => self.name_cluster(*cluster_id),
            Command::RegisterBroker {
                node_id,
                host,
                port,
                rack,
                inter_node,
                directory_id,
                incarnation,
                fenced,
            } => {
                let (host, rack) = (host.clone(), rack.clone());
                let (node_id, port, incarnation, fenced) = (*node_id, *port, *incarnation, *fenced);
                let (broker_epoch, fenced_since) = (self.version + 1, self.version + 1);
                let node = inter_node.clone().map(|endpoint| Node { directory_id: *directory_id, endpoint });
                let broker =
                    Broker { node_id, host, port, broker_epoch, rack, incarnation, fenced, fenced_since };
                self.register(broker, node)
            }
            Command::AddNode { node_id, directory_id, endpoint } => {
                self.add_node(*node_id, Node { directory_id: *directory_id, endpoint: endpoint.clone() })
            }
            Command::RemoveNode { node_id, directory_id } => self.remove_node(*node_id, *directory_id),
            Command::FenceBroker { node_id, broker_epoch } => self.fence(*node_id, *broker_epoch),
            Command::UnfenceBroker { node_id, broker_epoch } => self.unfence(*node_id, *broker_epoch),
            Command::UnregisterBroker { node_id } => self.unregister(*node_id),
            Command::AlterPartitions { node_id, broker_epoch, changes } => {
                self.alter_partitions(*node_id, *broker_epoch, changes)
            }
            Command::ElectLeaders { kind, partitions } => {
                Ok(self.elect_leaders(*kind, partitions.as_deref()))
            }
            Command::ReassignPartitions { partitions, allow_replication_factor_change } => {
                Ok(self.reassign(partitions, *allow_replication_factor_change))
            }
            Command::CreateTopic { name, id, assignment, configs } => {
                self.create_topic(name, *id, assignment, configs)
            }
            Command::CreatePartitions { id, present, assignment } => {
                self.create_partitions(*id, *present, assignment)
            }
            Command::DeleteTopic { id } => self.delete_topic(*id),
            Command::AlterConfigs { resource, replaces, configs } => {
                self.alter_configs(resource, replaces, configs)
            }
            Command::AllocateProducerIds { count } => self.allocate_producer_ids(*count),
        }?;
        self.version += 1;
        Ok(applied)
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(self.topic_ids.get(name)?)
    }

    /// The topic of this id.
    pub fn topic_by_id(&self, id: &Uuid) -> Option<&Arc<Topic>> {
        self.topics.get(id)
    }

    /// All topics, in order of name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.topic_ids.values().filter_map(|id| self.topics.get(id))
    }

    /// How many topics there are.
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// What was changed while brokers ran, for one node id or for [`EVERY_BROKER`].
    pub fn broker_configs(&self, scope: &str) -> Option<&BTreeMap<String, String>> {
        self.broker_configs.get(scope)
    }

    /// Whether the brokers have the same settings in both.
    pub(super) fn has_the_broker_configs_of(&self, other: &Self) -> bool {
        self.broker_configs == other.broker_configs
    }

    /// What a setting was changed to, for this broker or else for all of them.
    pub fn broker_setting(&self, node_id: i32, name: &str) -> Option<&String> {
        if self.broker_configs.is_empty() {
            return None; // every produce asks
        }
        let of = |scope: &str| self.broker_configs.get(scope)?.get(name);
        of(&node_id.to_string()).or_else(|| of(EVERY_BROKER))
    }

    fn name_cluster(&mut self, cluster_id: Uuid) -> Result<Applied, Refusal> {
        match self.cluster_id {
            Some(present) => Err(Refusal::AlreadyNamed(present)),
            None => {
                self.cluster_id = Some(cluster_id);
                Ok(Applied::Named)
            }
        }
    }
}

impl Topic {
    /// The partition of this index.
    pub fn partition(&self, index: i32) -> Option<&Partition> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// What storage calls the partitions.
    pub fn partition_ids(&self) -> impl Iterator<Item = PartitionId> + '_ {
        self.indexed().map(|(partition, _)| PartitionId { topic_id: self.id, partition })
    }

    /// The partitions with their indexes.
    pub fn indexed(&self) -> impl Iterator<Item = (i32, &Partition)> {
        (0i32..).zip(&self.partitions)
    }
}

#[cfg(test)]
mod tests;
