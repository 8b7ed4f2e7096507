//! This node as a member of its cluster: how it comes in, and how it goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use chronik_log::PartitionId;
use concurrency_models::image::Image;

use super::command::{Command, Endpoint};
use super::controller::{Controller, ProposeError, Served};
use super::fencing::{BrokerLease, Fencing, Heartbeats, Supervisor};
use super::node_settings::NodeSettings;
use super::publisher::MetadataPublisher;
use super::raft::{self, Network, Outbound, Quorum, RaftLog};
use super::replicas::Replicas;
use super::state::ClusterState;
use crate::clock::Clock;
use crate::config::HostPort;
use crate::limits;
use crate::peer::Peers;
use crate::rng::Rng;
use crate::shutdown::Shutdown;
use crate::spawn::Spawner;
use crate::storage::{Storage, StorageError};
use crate::telemetry::{Metrics, Pulse};

/// What a member is made of.
pub struct Parts<'a> {
    /// `node.id`
    pub node_id: i32,
    /// Where clients reach it.
    pub advertised: &'a HostPort,
    /// `broker.rack`
    pub rack: Option<String>,
    /// The other members of the group, and how they are reached; `None` if this node is a cluster of its own.
    pub quorum: Option<Quorum>,
    /// What the disk has of the Raft log; `None` on its first start.
    pub log: Option<RaftLog>,
    /// Partitions that have a log.
    pub logs: BTreeSet<PartitionId>,
    /// Where metadata and partitions are.
    pub storage: Storage,
    /// What a topic's own settings are laid over.
    pub settings: NodeSettings,
    /// What time it is.
    pub clock: Clock,
    /// Starts its tasks.
    pub spawner: Spawner,
    /// Names the cluster; draws election timeouts.
    pub rng: Rng,
    /// How it stands, for operators.
    pub metrics: Metrics,
    /// Ends the waiting for a majority.
    pub shutdown: Shutdown,
    /// The partitions of this node.
    pub replicas: Arc<dyn Replicas>,
    /// Is told once how other nodes are reached, if there are any, before anybody is waited for.
    pub linked: Box<dyn FnOnce(Links) + Send + 'a>,
    /// A sign of life for a loop of this name.
    pub pulse: &'a (dyn Fn(&str) -> Pulse + Sync),
}

/// How other nodes are reached.
pub struct Links {
    /// Proposes.
    pub controller: Controller,
    /// The way of streams.
    pub data: Peers,
}

/// A member that is registered and serves the metadata.
pub struct Member {
    /// How everybody else proposes and reads.
    pub controller: Controller,
    /// The metadata as far as it is committed; what the node serves follows it.
    pub committed: Arc<Image<ClusterState>>,
    raft: raft::Tasks,
    network: Option<Network>,
}

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
    /// What the disk has is of another group of nodes.
    #[error(
        "the data directory is of {}, and the configuration (node.id, controller.quorum.voters) of {}: the nodes of a cluster stay those that it began with. Set \
         controller.quorum.voters to what it was, or begin the new cluster on empty data directories",
        cluster_of(members),
        cluster_of(voters)
    )]
    AnotherGroup {
        /// Node ids of the group in the data directory.
        members: Vec<i32>,
        /// Node ids of the group in the configuration.
        voters: Vec<i32>,
    },
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

impl Member {
    /// Starts the Raft group's member, registers under a new broker epoch, names the cluster if it is new, makes the logs match the metadata, and waits to be
    /// unfenced. When this returns, the image has everything that was acknowledged before. In a group of several that takes until a majority is there.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(parts: Parts<'_>) -> Result<Self, StartError> {
        let Parts { node_id, advertised, rack, quorum, log, logs, storage, settings, .. } = parts;
        let Parts { clock, spawner, mut rng, metrics, shutdown, pulse, replicas, linked, .. } = parts;
        let voters = quorum.as_ref().map_or(vec![node_id], |quorum| quorum.voters.keys().copied().collect());
        let log = match log {
            Some(log) => log,
            None => begin(&voters, &storage).await?,
        };
        check(node_id, &voters, &log)?;
        let inter_node = quorum.as_ref().and_then(|quorum| endpoint(quorum, node_id));
        let events = raft::events();
        let outbound = quorum.map(|quorum| {
            let surroundings = raft::Around {
                events: &events.0,
                replicas: &replicas,
                clock: &clock,
                spawner: &spawner,
                metrics: &metrics,
            };
            Outbound::new(node_id, quorum, &surroundings, &mut rng)
        });
        let peers = outbound.as_ref().map(Outbound::control);
        let member = raft::start(raft::Parts {
            node_id,
            log,
            events,
            peers: peers.clone(),
            storage: storage.clone(),
            clock: clock.clone(),
            spawner: spawner.clone(),
            rng: rng.fork(),
            metrics: metrics.clone(),
            pulses: [pulse("raft"), pulse("raft-wal"), pulse("raft-ticks")],
        })?;
        let (served, committed) = (Served::nothing(), member.committed);
        let (fencing, inbox) = Fencing::new(clock.clone());
        let lease = if peers.is_some() { BrokerLease::new() } else { BrokerLease::endless() };
        let supervisor = Supervisor::new(
            node_id,
            member.node.clone(),
            committed.clone(),
            &fencing,
            inbox,
            clock.clone(),
            spawner.clone(),
            metrics.clone(),
        );
        let _ends_with_the_loop = spawner.task(supervisor.run(pulse("fencing")));
        let controller = Controller::new(
            member.node,
            peers,
            (fencing, lease),
            member.trouble,
            served.clone(),
            clock.clone(),
            metrics.clone(),
        );
        if let Some(outbound) = &outbound {
            linked(Links { controller: controller.clone(), data: outbound.data() });
        }
        // The others may be waiting for this one, so it listens before it waits for them.
        let network = outbound.map(|outbound| outbound.listen(controller.clone(), pulse("inter-node")));
        let mut this = Self { controller, committed: committed.clone(), raft: member.tasks, network };
        let mut publisher = MetadataPublisher {
            node_id,
            committed: committed.clone(),
            served: served.clone(),
            storage,
            replicas,
            settings,
            clock: clock.clone(),
            logs,
            seen: 0,
        };
        let register = Command::RegisterBroker {
            node_id,
            host: advertised.host.clone(),
            port: advertised.port,
            rack,
            inter_node,
            incarnation: rng.uuid(),
            fenced: true,
        };
        let came_in = tokio::select! {
            biased;
            came_in = this.come_in(&register, &committed, &mut publisher, &mut rng) => came_in,
            () = shutdown.requested() => Err(StartError::Stopped),
        };
        let broker_epoch = match came_in {
            Ok(broker_epoch) => broker_epoch,
            Err(error) => {
                this.stop().await;
                return Err(error);
            }
        };
        let _ends_with_the_loop = spawner.task(publisher.run(pulse("metadata")));
        let heartbeats = Heartbeats {
            node_id,
            broker_epoch,
            controller: this.controller.clone(),
            served: served.clone(),
            metrics,
        };
        let _ends_with_the_loop = spawner.task(heartbeats.run(pulse("broker-heartbeats")));
        let unfenced = tokio::select! {
            biased;
            unfenced = unfenced(node_id, &served, &clock) => unfenced,
            () = shutdown.requested() => Err(StartError::Stopped),
        };
        if let Err(error) = unfenced {
            this.stop().await;
            return Err(error);
        }
        Ok(this)
    }

    async fn come_in(
        &self,
        register: &Command,
        committed: &Image<ClusterState>,
        publisher: &mut MetadataPublisher,
        rng: &mut Rng,
    ) -> Result<i64, StartError> {
        let state = settle(&self.controller, register, committed).await?;
        let broker_epoch = state.brokers.get(&publisher.node_id).map_or(-1, |broker| broker.broker_epoch);
        let cluster_id = match state.cluster_id {
            Some(cluster_id) => cluster_id,
            None => {
                let name = Command::NameCluster { cluster_id: rng.uuid() };
                let state = settle(&self.controller, &name, committed).await?;
                state.cluster_id.expect("it has a name now, this one or that of somebody who was quicker")
            }
        };
        if let Some(network) = &self.network {
            network.join(cluster_id);
        }
        // Not before: now everything that was committed before this start is known, and no log is taken for an orphan.
        publisher.publish_now().await?;
        Ok(broker_epoch)
    }

    /// Waits until the Raft loop has ended by itself.
    pub async fn ended(&mut self) {
        self.raft.ended().await;
    }

    /// Stops the member: it sends nothing any more, and all that it began to write is written.
    pub async fn stop(&mut self) {
        self.raft.stop().await;
        if let Some(network) = &self.network {
            network.close().await;
        }
    }
}

/// Has a command committed, however long it takes until somebody leads, and returns the metadata with its effect. It is proposed again when nobody knows what
/// became of it, so it must bear that.
async fn settle(
    controller: &Controller,
    command: &Command,
    committed: &Image<ClusterState>,
) -> Result<Arc<ClusterState>, ProposeError> {
    let version = loop {
        match controller.commit(command).await {
            Ok(outcome) => break outcome.version,
            Err(error @ (ProposeError::NotController { .. } | ProposeError::Unknown(_))) => {
                tracing::warn!(%error, "waiting for a majority of the nodes");
            }
            Err(error) => return Err(error),
        }
    };
    loop {
        let seen = committed.version();
        let state = committed.load();
        if state.version >= version {
            return Ok(state);
        }
        committed.at_least(seen + 1).await.map_err(|_| ProposeError::Closed)?;
    }
}

/// Waits until this node serves metadata in which it is unfenced, so that who connects finds leaders.
async fn unfenced(node_id: i32, served: &Served, clock: &Clock) -> Result<(), StartError> {
    loop {
        let seen = served.image.version();
        if served.image.load().brokers.get(&node_id).is_some_and(|broker| !broker.fenced) {
            return Ok(());
        }
        tokio::select! {
            biased;
            later = served.image.at_least(seen + 1) => drop(later.map_err(|_| ProposeError::Closed)?),
            () = clock.sleep(limits::FENCED_REMINDER) => {
                tracing::warn!("registered, and waiting to be unfenced: whoever leads the metadata has not granted a lease yet");
            }
        }
    }
}

/// Whether the disk is that of this node in this group.
fn check(node_id: i32, voters: &[i32], log: &RaftLog) -> Result<(), StartError> {
    let mut members: Vec<i32> = log.members().into_iter().filter_map(raft::node_id).collect();
    members.sort_unstable();
    if !members.contains(&node_id) {
        return Err(StartError::AnotherNode { node_id, members });
    }
    if members != voters {
        return Err(StartError::AnotherGroup { members, voters: voters.to_vec() });
    }
    Ok(())
}

/// Where the others reach this node.
fn endpoint(quorum: &Quorum, node_id: i32) -> Option<Endpoint> {
    let place = quorum.voters.get(&node_id)?;
    Some(Endpoint { host: place.host.clone(), port: place.port })
}

/// The Raft log of a cluster that begins with these nodes.
async fn begin(voters: &[i32], storage: &Storage) -> Result<RaftLog, StorageError> {
    let (log, first_record) = RaftLog::beginning(voters.iter().copied().map(raft::raft_id).collect());
    storage.replace_metadata(first_record).await?;
    Ok(log)
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
