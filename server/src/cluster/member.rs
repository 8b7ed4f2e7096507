//! This node as a member of its cluster: how it comes in, and how it goes.

mod coming_in;
mod error;

use std::collections::BTreeSet;
use std::sync::Arc;

use chronik_log::PartitionId;
use concurrency_models::image::Image;
use uuid::Uuid;

use super::command::Command;
use super::controller::{Controller, Served};
use super::fencing::{BrokerLease, Fencing, Heartbeats, Supervisor};
use super::membership::{Contacts, Reconciler, Roster};
use super::node_settings::NodeSettings;
use super::publisher::MetadataPublisher;
use super::raft::{self, Network, Quorum, RaftLog};
use super::replicas::Replicas;
use super::state::ClusterState;
use super::way_in::{Linked, WayIn};
use crate::clock::Clock;
use crate::config::HostPort;
use crate::peer::Peers;
use crate::rng::Rng;
use crate::shutdown::Shutdown;
use crate::spawn::Spawner;
use crate::storage::Storage;
use crate::telemetry::{Metrics, Pulse};
use coming_in::unfenced;
pub use error::StartError;

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
        let ground = Ground { node_id, clock: &clock, spawner: &spawner, metrics: &metrics, pulse };
        let controller = ground.controller(member.node, member.trouble, &committed, peers, served.clone());
        let gone = Shutdown::new();
        let inter_node = linked.as_ref().map(|linked| linked.endpoint.clone());
        let network = linked.map(|linked| {
            let (network, links) = ground.meet(linked, &controller, &committed, gone.clone());
            linked_to_others(links);
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
            () = this.gone.requested() => Err(StartError::removed(node_id)),
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
            () = this.gone.requested() => Err(StartError::removed(node_id)),
            () = shutdown.requested() => Err(StartError::Stopped),
        };
        if let Err(error) = unfenced {
            this.stop().await;
            return Err(error);
        }
        Ok(this)
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

/// What the tasks of a member stand on.
struct Ground<'a> {
    node_id: i32,
    clock: &'a Clock,
    spawner: &'a Spawner,
    metrics: &'a Metrics,
    pulse: &'a (dyn Fn(&str) -> Pulse + Sync),
}

impl Ground<'_> {
    /// Where commands are proposed, with the task that grants leases while this node leads the metadata.
    fn controller(
        &self,
        raft: raft::Node,
        raft_trouble: raft::Trouble,
        committed: &Arc<Image<ClusterState>>,
        peers: Option<Peers>,
        served: Served,
    ) -> Controller {
        let (fencing, inbox) = Fencing::new(self.clock.clone());
        let lease = if peers.is_some() { BrokerLease::new() } else { BrokerLease::endless() };
        let supervisor = Supervisor::new(
            self.node_id,
            raft.clone(),
            committed.clone(),
            &fencing,
            inbox,
            self.clock.clone(),
            self.spawner.clone(),
            self.metrics.clone(),
        );
        let _ends_with_the_loop = self.spawner.task(supervisor.run((self.pulse)("fencing")));
        Controller::new(
            self.node_id,
            raft,
            peers,
            (fencing, lease),
            raft_trouble,
            served,
            self.clock.clone(),
            self.metrics.clone(),
        )
    }

    /// Answers the other nodes, and follows the metadata in who they are.
    fn meet(
        &self,
        linked: Linked,
        controller: &Controller,
        committed: &Arc<Image<ClusterState>>,
        gone: Shutdown,
    ) -> (Network, Links) {
        let Linked { network, roster, .. } = linked;
        network.answer_by(controller.clone());
        let (raft, committed, clock) = (controller.raft().clone(), committed.clone(), self.clock.clone());
        let reconciler = Reconciler {
            node_id: self.node_id,
            raft: raft.clone(),
            committed: committed.clone(),
            clock: clock.clone(),
        };
        let _ends_with_the_loop = self.spawner.task(reconciler.run((self.pulse)("membership")));
        let control = network.control();
        let contacts = Contacts { roster: roster.clone(), control, committed, raft, clock, gone };
        let _ends_with_the_loop = self.spawner.task(contacts.run((self.pulse)("contacts")));
        let links = Links { controller: controller.clone(), data: network.data(), roster };
        (network, links)
    }
}
