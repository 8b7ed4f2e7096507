//! Between the members: Raft messages, and commands for whoever leads.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use concurrency_models::image::Image;
use concurrency_models::mailbox::Sender;
use concurrency_models::raft_loop::{Event, Transport};
use futures_util::FutureExt as _;
use protobuf::Message as _;
use raft::eraftpb::Message;
use uuid::Uuid;

use super::super::controller::Controller;
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

/// Takes what other nodes say to show that they are there, in the task that reads their connection: it does not wait.
pub trait HearsNodes: Send + Sync + 'static {
    /// A heartbeat came.
    fn heard(&self, from: i32, bytes: Bytes);
}

/// Whoever hears nodes, as soon as there is somebody.
type Listening = Arc<Image<Option<Arc<dyn HearsNodes>>>>;

/// The connections to and from the other members.
pub struct Network {
    listening: Listening,
    peers: Peers,
    inbound: Inbound,
    identity: Identity,
}

/// Half of it, as long as there is nobody yet who could propose for others.
pub(in super::super) struct Outbound {
    peers: Peers,
    surroundings: Surroundings,
    listener: Listener,
    handler: FromMembers,
}

impl Outbound {
    /// Dials the other members.
    pub(in super::super) fn new(
        node_id: i32,
        quorum: Quorum,
        events: &Sender<Event>,
        clock: &Clock,
        spawner: &Spawner,
        metrics: &Metrics,
        rng: &mut Rng,
    ) -> Self {
        let Quorum { voters, listener, connector, settings } = quorum;
        let members = voters.keys().copied().collect();
        let listening = Arc::new(Image::new(None));
        let handler = FromMembers { events: events.clone(), controller: None, members, listening };
        let incarnation = clock.now_ms().unsigned_abs();
        let surroundings = Surroundings {
            identity: Identity::new(peer_id(node_id), incarnation, None),
            handler: Arc::new(handler.clone()),
            settings,
            clock: clock.clone(),
            spawner: spawner.clone(),
            metrics: metrics.clone(),
        };
        let peers = Peers::new(surroundings.clone(), connector, Purpose::Control, rng);
        for (member, address) in voters.iter().filter(|(member, _)| **member != node_id) {
            peers.add(peer_id(*member), address);
        }
        Self { peers, surroundings, listener, handler }
    }

    /// To the other members.
    pub(in super::super) fn peers(&self) -> Peers {
        self.peers.clone()
    }

    /// Listens, too: the others may propose by `controller`.
    pub(in super::super) fn listen(self, controller: Controller, pulse: Pulse) -> Network {
        let Self { peers, mut surroundings, listener, handler } = self;
        let listening = handler.listening.clone();
        surroundings.handler = Arc::new(FromMembers { controller: Some(controller), ..handler });
        let spawner = surroundings.spawner.clone();
        let identity = surroundings.identity.clone();
        let inbound = Inbound::new(surroundings);
        let _ends_when_closed = spawner.task(inbound.clone().run(listener, pulse));
        Network { listening, peers, inbound, identity }
    }
}

impl Network {
    /// The node belongs to this cluster: from now on, nodes of others are refused.
    pub(in super::super) fn join(&self, cluster_id: Uuid) {
        self.identity.join(cluster_id);
    }

    /// Heartbeats of other nodes go there from now on.
    pub(in super::super) fn hear_with(&self, hears: Arc<dyn HearsNodes>) {
        self.listening.replace(Some(hears));
    }

    /// Ends all connections.
    pub(in super::super) async fn close(&self) {
        self.inbound.close().await;
        self.peers.close().await;
    }
}

/// The node's number among its peers.
pub(in super::super) fn peer_id(node_id: i32) -> NodeId {
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
    /// Proposes what others ask for; `None` on the side that only dials.
    controller: Option<Controller>,
    /// Node ids.
    members: Vec<i32>,
    listening: Listening,
}

impl Handler for FromMembers {
    fn welcomes(&self, peer: &Hello) -> bool {
        self.members.iter().any(|member| peer_id(*member) == peer.node_id)
    }

    fn heartbeat(&self, from: NodeId, bytes: Bytes) {
        let listening = self.listening.load();
        if let (Some(hears), Ok(from)) = (&*listening, i32::try_from(from)) {
            hears.heard(from, bytes);
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

    fn data(&self, _from: NodeId, _bytes: Bytes) {}

    fn request(&self, from: NodeId, kind: u16, bytes: Bytes) -> Answering {
        let controller = self.controller.clone();
        async move {
            match kind {
                PROPOSE => Some(controller?.propose_for_another(bytes.to_vec()).await),
                _ => controller?.fencing().answer(from, kind, &bytes).await,
            }
        }
        .boxed()
    }

    fn connected(&self, _node: NodeId, _purpose: Purpose) {}

    fn lost(&self, node: NodeId, _purpose: Purpose) {
        if let Ok(node) = i32::try_from(node) {
            unreachable(&self.events, raft_id(node));
        }
    }
}

/// If the loop has no room for it, it is busy with what does arrive, and hears of it at the next message.
fn unreachable(events: &Sender<Event>, raft_id: u64) {
    let _full_or_ended = events.try_send(Event::Unreachable(raft_id));
}
