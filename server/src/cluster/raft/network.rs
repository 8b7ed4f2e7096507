//! Between the members: Raft messages, and commands for whoever leads.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use concurrency_models::mailbox::Sender;
use concurrency_models::raft_loop::{Event, Transport};
use futures_util::FutureExt as _;
use protobuf::Message as _;
use raft::eraftpb::Message;
use uuid::Uuid;

use super::super::controller::Controller;
use super::super::replicas::Replicas;
use super::{node_id, raft_id};
use crate::clock::Clock;
use crate::config::HostPort;
use crate::peer::{
    Answering, Handler, Hello, Identity, Inbound, NodeId, Peers, Purpose, Settings, Surroundings,
};
use crate::rng::Rng;
use crate::spawn::Spawner;
use crate::telemetry::{Metrics, Pulse};
use crate::transport::{Connector, Listener};

/// Kind of the request that has a command proposed.
pub(in super::super) const PROPOSE: u16 = 1;
/// Kind of the request that asks how the group stands.
pub(in super::super) const DESCRIBE_QUORUM: u16 = 4;

/// The members of a group that begins with several, and how this one reaches them.
pub struct Quorum {
    /// Where each listens for the others, by node id; this node too.
    pub voters: BTreeMap<i32, HostPort>,
    /// Where the others connect.
    pub listener: Listener,
    /// How they are reached.
    pub connector: Connector,
    /// How patient connections are.
    pub settings: Settings,
}

/// What the connections stand on.
pub(in super::super) struct Around<'a> {
    pub(in super::super) events: &'a Sender<Event>,
    pub(in super::super) replicas: &'a Arc<dyn Replicas>,
    pub(in super::super) clock: &'a Clock,
    pub(in super::super) spawner: &'a Spawner,
    pub(in super::super) metrics: &'a Metrics,
}

/// The connections to and from the other members.
pub struct Network {
    control: Peers,
    data: Peers,
    inbound: Inbound,
    identity: Identity,
}

/// Half of it, as long as there is nobody yet who could propose for others.
pub(in super::super) struct Outbound {
    control: Peers,
    /// Streams have connections of their own, so that nothing else waits behind them.
    data: Peers,
    surroundings: Surroundings,
    listener: Listener,
    handler: FromMembers,
}

impl Outbound {
    /// Dials the other members.
    pub(in super::super) fn new(node_id: i32, quorum: Quorum, around: &Around<'_>, rng: &mut Rng) -> Self {
        let Quorum { voters, listener, connector, settings } = quorum;
        let Around { events, replicas, clock, spawner, metrics } = *around;
        let members = voters.keys().copied().collect();
        let replicas = replicas.clone();
        let handler = FromMembers { events: events.clone(), replicas, controller: None, members };
        let incarnation = clock.now_ms().unsigned_abs();
        let surroundings = Surroundings {
            identity: Identity::new(peer_id(node_id), incarnation, None),
            handler: Arc::new(handler.clone()),
            settings,
            clock: clock.clone(),
            spawner: spawner.clone(),
            metrics: metrics.clone(),
        };
        let control = Peers::new(surroundings.clone(), connector.clone(), Purpose::Control, rng);
        let data = Peers::new(surroundings.clone(), connector, Purpose::Data, rng);
        for (member, address) in voters.iter().filter(|(member, _)| **member != node_id) {
            control.add(peer_id(*member), address);
            data.add(peer_id(*member), address);
        }
        Self { control, data, surroundings, listener, handler }
    }

    /// To the other members, for everything but streams.
    pub(in super::super) fn control(&self) -> Peers {
        self.control.clone()
    }

    /// To the other members, for streams.
    pub(in super::super) fn data(&self) -> Peers {
        self.data.clone()
    }

    /// Listens, too: the others may propose by `controller`.
    pub(in super::super) fn listen(self, controller: Controller, pulse: Pulse) -> Network {
        let Self { control, data, mut surroundings, listener, handler } = self;
        surroundings.handler = Arc::new(FromMembers { controller: Some(controller), ..handler });
        let spawner = surroundings.spawner.clone();
        let identity = surroundings.identity.clone();
        let inbound = Inbound::new(surroundings);
        let _ends_when_closed = spawner.task(inbound.clone().run(listener, pulse));
        Network { control, data, inbound, identity }
    }
}

impl Network {
    /// The node belongs to this cluster: from now on, nodes of others are refused.
    pub(in super::super) fn join(&self, cluster_id: Uuid) {
        self.identity.join(cluster_id);
    }

    /// Ends all connections.
    pub(in super::super) async fn close(&self) {
        self.inbound.close().await;
        self.data.close().await;
        self.control.close().await;
    }
}

/// The node's number among its peers.
pub fn peer_id(node_id: i32) -> NodeId {
    NodeId::from(node_id.unsigned_abs())
}

/// The way to the other members.
pub(super) struct ToMembers {
    /// `None` if this node is the only one.
    pub(super) peers: Option<Peers>,
    /// Where the loop hears that a message may not arrive.
    pub(super) events: Sender<Event>,
}

impl Transport for ToMembers {
    fn send(&mut self, message: Message) {
        let (Some(peers), Some(to)) = (&self.peers, node_id(message.to)) else { return };
        let bytes = message.write_to_bytes().expect("messages of raft have no required fields");
        if peers.raft(peer_id(to), bytes.into()).is_err() {
            unreachable(&self.events, message.to);
        }
    }
}

/// What comes from the other members, and what becomes of the connections to them.
#[derive(Clone)]
struct FromMembers {
    events: Sender<Event>,
    replicas: Arc<dyn Replicas>,
    /// Proposes what others ask for; `None` on the side that only dials.
    controller: Option<Controller>,
    /// Node ids.
    members: Vec<i32>,
}

impl Handler for FromMembers {
    fn welcomes(&self, peer: &Hello) -> bool {
        self.members.iter().any(|member| peer_id(*member) == peer.node_id)
    }

    fn heartbeat(&self, from: NodeId, bytes: Bytes) {
        if let Ok(from) = i32::try_from(from) {
            self.replicas.heartbeat(from, bytes);
        }
    }

    fn raft(&self, from: NodeId, bytes: Bytes) {
        let mut message = Message::new();
        let sound = message.merge_from_bytes(&bytes).is_ok();
        if !sound || node_id(message.from).map(peer_id) != Some(from) {
            tracing::warn!(from, "a Raft message that makes no sense was ignored");
            return;
        }
        // A full mailbox loses it, as a network may.
        let _full_or_ended = self.events.try_send(Event::Message(Box::new(message)));
    }

    fn data(&self, from: NodeId, bytes: Bytes) {
        if let Ok(from) = i32::try_from(from) {
            self.replicas.data(from, bytes);
        }
    }

    fn request(&self, from: NodeId, kind: u16, bytes: Bytes) -> Answering {
        let controller = self.controller.clone();
        async move {
            match kind {
                PROPOSE => Some(controller?.propose_for_another(bytes.to_vec()).await),
                DESCRIBE_QUORUM => Some(controller?.quorum_for_another()),
                _ => controller?.fencing().answer(from, kind, &bytes).await,
            }
        }
        .boxed()
    }

    fn connected(&self, node: NodeId, purpose: Purpose) {
        if let (Ok(node), Purpose::Data) = (i32::try_from(node), purpose) {
            self.replicas.connected(node);
        }
    }

    fn lost(&self, node: NodeId, purpose: Purpose) {
        match (i32::try_from(node), purpose) {
            (Ok(node), Purpose::Data) => self.replicas.lost(node),
            (Ok(node), _) => unreachable(&self.events, raft_id(node)),
            (Err(_), _) => {}
        }
    }
}

/// If the loop has no room for it, it is busy with what does arrive, and hears of it at the next message.
fn unreachable(events: &Sender<Event>, raft_id: u64) {
    let _full_or_ended = events.try_send(Event::Unreachable(raft_id));
}
