//! Between the members: Raft messages, and commands for whoever leads.

use std::sync::Arc;

use bytes::Bytes;
use concurrency_models::image::Image;
use concurrency_models::mailbox::Sender;
use concurrency_models::raft_loop::{Event, Transport};
use futures_util::FutureExt as _;
use protobuf::Message as _;
use raft::eraftpb::{Message, MessageType};
use uuid::Uuid;

use super::super::controller::Controller;
use super::super::membership::{BEGIN, DO_WITHOUT_ME, Origin, Roster, Standing};
use super::super::replicas::Replicas;
use super::{node_id, raft_id};
use crate::clock::Clock;
use crate::config::HostPort;
use crate::peer::hello::Refusal;
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

/// The cluster that this node belongs to, and how the others are reached.
pub struct Quorum {
    /// Where the others reach this node.
    pub endpoint: HostPort,
    /// How the node comes into it.
    pub origin: Origin,
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
    pub(in super::super) roster: &'a Roster,
    pub(in super::super) clock: &'a Clock,
    pub(in super::super) spawner: &'a Spawner,
    pub(in super::super) metrics: &'a Metrics,
}

/// The ways of a node to the others.
pub(in super::super) struct Ways {
    pub(in super::super) listener: Listener,
    pub(in super::super) connector: Connector,
    pub(in super::super) settings: Settings,
}

/// The connections to and from the other nodes.
pub struct Network {
    control: Peers,
    /// Streams have connections of their own, so that nothing else waits behind them.
    data: Peers,
    inbound: Inbound,
    identity: Identity,
    standing: Arc<Image<Standing>>,
}

impl Network {
    /// Dials the other nodes of the roster, and listens: they may be waiting for this one, so that comes before it waits for them. What they ask is answered as
    /// far as `standing` goes.
    pub(in super::super) fn open(
        node_id: i32,
        Ways { listener, connector, settings }: Ways,
        standing: Standing,
        around: &Around<'_>,
        rng: &mut Rng,
        pulse: Pulse,
    ) -> Self {
        let Around { events, replicas, roster, clock, spawner, metrics } = *around;
        let (replicas, roster) = (replicas.clone(), roster.clone());
        let dialing =
            FromMembers { events: events.clone(), replicas, roster: roster.clone(), standing: None };
        let incarnation = clock.now_ms().unsigned_abs();
        let surroundings = Surroundings {
            identity: Identity::new(peer_id(node_id), incarnation, None),
            handler: Arc::new(dialing.clone()),
            settings,
            clock: clock.clone(),
            spawner: spawner.clone(),
            metrics: metrics.clone(),
        };
        let control = Peers::new(surroundings.clone(), connector.clone(), Purpose::Control, rng);
        let data = Peers::new(surroundings.clone(), connector, Purpose::Data, rng);
        control.set(&roster.peers());
        let (standing, identity) = (Arc::new(Image::new(standing)), surroundings.identity.clone());
        let answering = FromMembers { standing: Some(standing.clone()), ..dialing };
        let inbound = Inbound::new(Surroundings { handler: Arc::new(answering), ..surroundings });
        let _ends_when_closed = spawner.task(inbound.clone().run(listener, pulse));
        Self { control, data, inbound, identity, standing }
    }

    /// To the other nodes, for everything but streams.
    pub(in super::super) fn control(&self) -> Peers {
        self.control.clone()
    }

    /// To the other nodes, for streams. Whoever has streams says who is dialed.
    pub(in super::super) fn data(&self) -> Peers {
        self.data.clone()
    }

    /// The others may propose by `controller`.
    pub(in super::super) fn answer_by(&self, controller: Controller) {
        self.standing.replace(Standing::Member(controller));
    }

    /// The node belongs to this cluster: from now on, nodes of others are refused.
    pub(in super::super) fn join(&self, cluster_id: Uuid) {
        self.identity.join(cluster_id);
    }

    /// Ends all connections.
    pub(in super::super) async fn close(&self) {
        self.standing.replace(Standing::Recovered);
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
        debug_assert!(members_send(message.get_msg_type()), "nobody would take {message:?}");
        let (Some(peers), Some(to)) = (&self.peers, node_id(message.to)) else { return };
        let bytes = message.write_to_bytes().expect("messages of raft have no required fields");
        if peers.raft(peer_id(to), bytes.into()).is_err() {
            unreachable(&self.events, message.to);
        }
    }
}

/// What comes from the other nodes, and what becomes of the connections to them.
#[derive(Clone)]
struct FromMembers {
    events: Sender<Event>,
    replicas: Arc<dyn Replicas>,
    roster: Roster,
    /// Who answers; `None` on the side that only dials.
    standing: Option<Arc<Image<Standing>>>,
}

impl FromMembers {
    /// The node, if it belongs to the cluster: it may have been removed since it has connected.
    fn member(&self, from: NodeId) -> Option<i32> {
        i32::try_from(from).ok().filter(|_| self.roster.knows(from))
    }
}

impl Handler for FromMembers {
    fn refuses(&self, peer: &Hello) -> Option<Refusal> {
        // Who was removed comes to ask whether it was, and is heard in nothing else.
        let comes_to_ask = peer.purpose == Purpose::Control && self.roster.does_without(peer.node_id);
        self.roster.refuses(peer.node_id).filter(|_| !comes_to_ask)
    }

    fn heartbeat(&self, from: NodeId, bytes: Bytes) {
        if let Some(from) = self.member(from) {
            self.replicas.heartbeat(from, bytes);
        }
    }

    fn raft(&self, from: NodeId, bytes: Bytes) {
        if self.member(from).is_none() {
            return;
        }
        let mut message = Message::new();
        let sound = message.merge_from_bytes(&bytes).is_ok() && members_send(message.get_msg_type());
        if !sound || node_id(message.from).map(peer_id) != Some(from) {
            tracing::warn!(from, "a Raft message that makes no sense was ignored");
            return;
        }
        // A full mailbox loses it, as a network may.
        let _full_or_ended = self.events.try_send(Event::Message(Box::new(message)));
    }

    fn data(&self, from: NodeId, bytes: Bytes) {
        if let Some(from) = self.member(from) {
            self.replicas.data(from, bytes);
        }
    }

    fn request(&self, from: NodeId, kind: u16, bytes: Bytes) -> Answering {
        if kind == DO_WITHOUT_ME {
            let answer = if self.roster.does_without(from) { "true" } else { "false" };
            return std::future::ready(Some(Bytes::from_static(answer.as_bytes()))).boxed();
        }
        let standing =
            self.standing.as_ref().filter(|_| self.roster.knows(from)).map(|standing| standing.load());
        async move {
            let standing = standing?;
            match (kind, &*standing) {
                (BEGIN, standing) => standing.answer(&bytes).await,
                (PROPOSE, Standing::Member(controller)) => {
                    Some(controller.propose_for_another(bytes.to_vec()).await)
                }
                (DESCRIBE_QUORUM, Standing::Member(controller)) => Some(controller.quorum_for_another()),
                (_, Standing::Member(controller)) => controller.fencing().answer(from, kind, &bytes).await,
                (_, Standing::Beginning(_) | Standing::Recovered) => None,
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

/// Whether it is a message of one member to another. The other types are a member's own, or ask it for something that only its own node may have done: a proposal would be
/// appended unseen, and one without entries stops the process. Followers forward none of these, as only who leads is asked ([`Node`](super::Node)).
fn members_send(kind: MessageType) -> bool {
    match kind {
        MessageType::MsgAppend
        | MessageType::MsgAppendResponse
        | MessageType::MsgRequestVote
        | MessageType::MsgRequestVoteResponse
        | MessageType::MsgRequestPreVote
        | MessageType::MsgRequestPreVoteResponse
        | MessageType::MsgSnapshot
        | MessageType::MsgHeartbeat
        | MessageType::MsgHeartbeatResponse
        | MessageType::MsgTimeoutNow => true,
        MessageType::MsgHup
        | MessageType::MsgBeat
        | MessageType::MsgPropose
        | MessageType::MsgUnreachable
        | MessageType::MsgSnapStatus
        | MessageType::MsgCheckQuorum
        | MessageType::MsgTransferLeader
        | MessageType::MsgReadIndex
        | MessageType::MsgReadIndexResp => false,
    }
}

/// If the loop has no room for it, it is busy with what does arrive, and hears of it at the next message.
fn unreachable(events: &Sender<Event>, raft_id: u64) {
    let _full_or_ended = events.try_send(Event::Unreachable(raft_id));
}

#[cfg(test)]
mod tests;
