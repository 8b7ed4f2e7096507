//! What the cluster knows of itself: brokers, topics and their settings, producer ids.
//!
//! [`state`] is a fold of commands and knows nothing else. [`raft`] has a group of nodes agree on the commands; `publisher` makes this node serve what was
//! agreed on; [`controller`] is how everybody else proposes and reads; [`fencing`] says which brokers may lead.

pub mod command;
pub mod controller;
#[cfg(test)]
pub(crate) mod example;
pub mod fencing;
mod leader_changes;
mod leader_rebalance;
mod member;
mod membership;
pub mod node_settings;
pub mod placement;
mod publisher;
mod quorum;
pub mod raft;
mod replicas;
pub mod replication_throttle;
pub mod state;
pub mod topic_config;
mod way_in;

pub use command::{
    Applied, Command, ConfigResource, Election, ElectionKind, Endpoint, Moved, PartitionChange, Proposal,
    Reassigned, Reassignment, Refusal,
};
pub use controller::{Controller, ProposeError};
pub use fencing::{BrokerLease, ElectAnswer};
pub use leader_rebalance::LeaderRebalance;
pub use member::{Links, Member, MemberEnd, Parts as MemberParts, StartError as MemberError};
pub use membership::{Join, JoinError, MembershipError, Newcomer, Origin, Roster};
pub use node_settings::{ConfigSource, NodeSettings};
pub use quorum::{QuorumMember, QuorumStanding};
pub use raft::peer_id;
pub use replicas::Replicas;
pub use state::{Broker, ClusterState, EVERY_BROKER, Node, Partition, Topic};
