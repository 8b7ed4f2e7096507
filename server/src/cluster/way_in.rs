//! From a data directory and a configuration to a Raft log and connections: the first steps of a node, before it is a member that runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use concurrency_models::mailbox::Sender;
use concurrency_models::raft_loop::Event;
use uuid::Uuid;

use super::command::Endpoint;
use super::member::StartError;
use super::membership::{Beginner, Newcomer, Origin, Roster, Standing};
use super::raft::{self, Around, Network, Quorum, RaftLog, Ways};
use super::replicas::Replicas;
use super::state::ClusterState;
use crate::clock::Clock;
use crate::config::HostPort;
use crate::rng::Rng;
use crate::spawn::Spawner;
use crate::storage::{Storage, StorageError};
use crate::telemetry::{Metrics, Pulse};

/// A node that is to come into its cluster.
pub(super) struct WayIn<'a> {
    pub(super) node_id: i32,
    /// Of its data directory.
    pub(super) directory_id: Uuid,
    pub(super) storage: &'a Storage,
    pub(super) replicas: &'a Arc<dyn Replicas>,
    pub(super) events: &'a Sender<Event>,
    pub(super) clock: &'a Clock,
    pub(super) spawner: &'a Spawner,
    pub(super) metrics: &'a Metrics,
}

/// The connections of a node, and who is at their other ends.
pub(super) struct Linked {
    pub(super) network: Network,
    pub(super) roster: Roster,
    /// Where the others reach this node.
    pub(super) endpoint: Endpoint,
}

impl WayIn<'_> {
    /// The log of a node without others.
    pub(super) async fn alone(&self, log: Option<RaftLog>) -> Result<RaftLog, StartError> {
        match log {
            Some(log) => match &members(&log)[..] {
                [alone] if *alone == self.node_id => check(self.node_id, log),
                _ => Err(StartError::NotAlone { members: members(&log) }),
            },
            None => Ok(self.begin(RaftLog::beginning(vec![raft::raft_id(self.node_id)])).await?),
        }
    }

    /// Opens the connections of a node that has others; `log` is what its disk has.
    pub(super) fn link(
        &self,
        quorum: Quorum,
        log: Option<&RaftLog>,
        rng: &mut Rng,
        pulse: Pulse,
    ) -> (Linked, Origin) {
        let Quorum { endpoint, origin, listener, connector, settings } = quorum;
        let beforehand = match &origin {
            Origin::Voters(voters) => voters.clone(),
            Origin::Joins(_) => BTreeMap::new(),
        };
        let standing = match log {
            Some(_) => Standing::Recovered,
            None => Standing::Beginning(beforehand.keys().copied().collect()),
        };
        let nothing = ClusterState::default();
        let members = log.map(RaftLog::members).unwrap_or_default();
        let roster = Roster::new(self.node_id, beforehand, log.map_or(&nothing, RaftLog::state), &members);
        let around = Around {
            events: self.events,
            replicas: self.replicas,
            roster: &roster,
            clock: self.clock,
            spawner: self.spawner,
            metrics: self.metrics,
        };
        let ways = Ways { listener, connector, settings };
        let network = Network::open(self.node_id, ways, standing, &around, rng, pulse);
        let HostPort { host, port } = endpoint;
        (Linked { network, roster, endpoint: Endpoint { host, port } }, origin)
    }

    /// The log of a node that has others: what its disk has, or that of one which begins with them, or joins them. Either can take until they are there.
    pub(super) async fn among(
        &self,
        linked: &Linked,
        origin: Origin,
        log: Option<RaftLog>,
    ) -> Result<RaftLog, StartError> {
        if let Some(log) = log {
            tell_of_other_voters(&origin, &log);
            return check(self.node_id, log);
        }
        let (node_id, directory_id) = (self.node_id, self.directory_id);
        let newcomer = Newcomer { node_id, directory_id, endpoint: linked.endpoint.clone() };
        let beginning = match origin {
            Origin::Voters(voters) => {
                let (voters, clock): (BTreeSet<i32>, _) = (voters.into_keys().collect(), self.clock.clone());
                Beginner { newcomer, clock }.voter(&voters, &linked.network.control()).await?
            }
            Origin::Joins(join) => {
                linked.roster.told(join(newcomer).await?);
                linked.network.control().set(&linked.roster.peers());
                RaftLog::beginning(Vec::new())
            }
        };
        Ok(self.begin(beginning).await?)
    }

    async fn begin(&self, (log, first_record): (RaftLog, Bytes)) -> Result<RaftLog, StorageError> {
        self.storage.replace_metadata(first_record).await?;
        Ok(log)
    }
}

/// The log, if it is that of this node. Who was removed and is still a member has a vote: without it, the others may have no majority to let it go.
fn check(node_id: i32, log: RaftLog) -> Result<RaftLog, StartError> {
    let members = members(&log);
    match members.contains(&node_id) {
        true => Ok(log),
        false if log.state().was_removed(node_id) => Err(StartError::removed(node_id)),
        false => Err(StartError::AnotherNode { node_id, members }),
    }
}

/// Node ids of the members as of the snapshot, in order.
fn members(log: &RaftLog) -> Vec<i32> {
    let mut members: Vec<i32> = log.members().into_iter().filter_map(raft::node_id).collect();
    members.sort_unstable();
    members
}

/// The configuration says with whom a cluster begins, and nothing afterwards.
fn tell_of_other_voters(origin: &Origin, log: &RaftLog) {
    let Origin::Voters(voters) = origin else { return };
    let (configured, members): (Vec<i32>, _) = (voters.keys().copied().collect(), members(log));
    if configured != members {
        tracing::warn!(
            ?configured,
            ?members,
            "controller.quorum.voters names other nodes than this cluster has: it says where they are, and not who they are. Nodes are added with 'start --join', and \
             removed with 'cluster remove-node'"
        );
    }
}
