//! This node as a member of its cluster: how it comes in, and how it goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use chronik_log::PartitionId;
use concurrency_models::image::Image;
use uuid::Uuid;

use super::command::{Applied, Command, Refusal};
use super::controller::{Controller, ProposeError, Served};
use super::fencing::{BrokerLease, Fencing, Heartbeats, Supervisor};
use super::membership::{Contacts, JoinError, MustNotBegin, Reconciler, Roster};
use super::node_settings::NodeSettings;
use super::publisher::MetadataPublisher;
use super::raft::{self, Network, Outcome, Quorum, RaftLog};
use super::replicas::Replicas;
use super::state::ClusterState;
use super::way_in::{Linked, WayIn};
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
    /// Of the data directory.
    pub directory_id: Uuid,
    /// The cluster, and how the others are reached; `None` if this node is a cluster of its own.
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
    /// Who the others are.
    pub roster: Roster,
}

/// A member that is registered and serves the metadata.
pub struct Member {
    /// How everybody else proposes and reads.
    pub controller: Controller,
    /// The metadata as far as it is committed; what the node serves follows it.
    pub committed: Arc<Image<ClusterState>>,
    raft: raft::Tasks,
    network: Option<Network>,
    /// Requested when this node was removed from its cluster, and is not needed any more.
    gone: Shutdown,
}

/// How a member has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberEnd {
    /// The Raft loop has.
    Raft,
    /// The node was removed from its cluster.
    Removed,
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

impl Member {
    /// Starts the Raft group's member, registers under a new broker epoch, names the cluster if it is new, makes the logs match the metadata, and waits to be
    /// unfenced. When this returns, the image has everything that was acknowledged before. In a group of several that takes until a majority is there.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(parts: Parts<'_>) -> Result<Self, StartError> {
        let Parts { node_id, advertised, rack, directory_id, quorum, log, logs, storage, .. } = parts;
        let Parts { settings, clock, spawner, mut rng, metrics, shutdown, replicas, pulse, .. } = parts;
        let linked_to_others = parts.linked;
        let log = log.filter(|log| !log.members().is_empty()); // one without members was about to join
        let events = raft::events();
        let way_in = WayIn {
            node_id,
            directory_id,
            storage: &storage,
            replicas: &replicas,
            events: &events.0,
            clock: &clock,
            spawner: &spawner,
            metrics: &metrics,
        };
        let (log, linked) = match quorum {
            None => (way_in.alone(log).await?, None),
            Some(quorum) => {
                // The others may be waiting for this one, so it listens before it waits for them.
                let (linked, origin) = way_in.link(quorum, log.as_ref(), &mut rng, pulse("inter-node"));
                let log = tokio::select! {
                    biased;
                    log = way_in.among(&linked, origin, log) => log,
                    () = shutdown.requested() => Err(StartError::Stopped),
                };
                if log.is_err() {
                    linked.network.close().await;
                }
                (log?, Some(linked))
            }
        };
        let peers = linked.as_ref().map(|linked| linked.network.control());
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
            node_id,
            member.node,
            peers,
            (fencing, lease),
            member.trouble,
            served.clone(),
            clock.clone(),
            metrics.clone(),
        );
        let gone = Shutdown::new();
        let inter_node = linked.as_ref().map(|linked| linked.endpoint.clone());
        let network = linked.map(|Linked { network, roster, .. }| {
            network.answer_by(controller.clone());
            let (raft, committed, clock) = (controller.raft().clone(), committed.clone(), clock.clone());
            let reconciler = Reconciler {
                node_id,
                raft: raft.clone(),
                committed: committed.clone(),
                clock: clock.clone(),
            };
            let _ends_with_the_loop = spawner.task(reconciler.run(pulse("membership")));
            let (control, gone) = (network.control(), gone.clone());
            let contacts = Contacts { roster: roster.clone(), control, committed, raft, clock, gone };
            let _ends_with_the_loop = spawner.task(contacts.run(pulse("contacts")));
            linked_to_others(Links { controller: controller.clone(), data: network.data(), roster });
            network
        });
        let mut this = Self { controller, committed: committed.clone(), raft: member.tasks, network, gone };
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
            directory_id,
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
        let (state, registered) = settle(&self.controller, register, committed).await?;
        registered.map_err(ProposeError::from)?;
        let broker_epoch = state.brokers.get(&publisher.node_id).map_or(-1, |broker| broker.broker_epoch);
        let cluster_id = match state.cluster_id {
            Some(cluster_id) => cluster_id,
            None => {
                let name = Command::NameCluster { cluster_id: rng.uuid() };
                let (state, _by_whom) = settle(&self.controller, &name, committed).await?;
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

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> MemberEnd {
        tokio::select! {
            biased;
            () = self.gone.requested() => MemberEnd::Removed,
            () = self.raft.ended() => MemberEnd::Raft,
        }
    }

    /// Stops the member: it sends nothing any more, and all that it began to write is written.
    pub async fn stop(&mut self) {
        self.raft.stop().await;
        if let Some(network) = &self.network {
            network.close().await;
        }
    }
}

/// Has a command committed, however long it takes until somebody leads, and returns the metadata with its effect, and what became of it. It is proposed again when nobody knows what
/// became of it, so it must bear that.
async fn settle(
    controller: &Controller,
    command: &Command,
    committed: &Image<ClusterState>,
) -> Result<(Arc<ClusterState>, Result<Applied, Refusal>), ProposeError> {
    let Outcome { version, result } = loop {
        match controller.commit(command).await {
            Ok(outcome) => break outcome,
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
            return Ok((state, result));
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
