//! Where heartbeats and suspicions come in, on whichever node leads the metadata.

use bytes::Bytes;
use chronik_log::PartitionId;
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::reply;

use super::super::controller::Controller;
use super::super::raft::{node_id, peer_id};
use super::protocol::{BROKER_HEARTBEAT, BrokerHeartbeat, ELECT, Elect, ElectAnswer, HeartbeatAnswer};
use super::supervisor::Event;
use crate::clock::Clock;
use crate::limits;
use crate::peer::NodeId;

/// The way to this node's supervisor. Clones lead to the same.
#[derive(Clone)]
pub(in super::super) struct Fencing {
    events: Sender<Event>,
    clock: Clock,
}

impl Fencing {
    /// The way, and its end.
    pub(in super::super) fn new(clock: Clock) -> (Self, Receiver<Event>) {
        let (events, inbox) = mailbox::channel(limits::MAX_FENCING_EVENTS);
        (Self { events, clock }, inbox)
    }

    pub(super) fn events(&self) -> Sender<Event> {
        self.events.clone()
    }

    /// A broker is heard of. Who has no answer was overtaken by a later heartbeat, or the node ends.
    pub(super) async fn heartbeat(&self, beat: BrokerHeartbeat) -> HeartbeatAnswer {
        let (reply, mut answer) = reply::channel();
        let event = Event::Heartbeat { beat, heard: self.clock.uptime(), reply };
        match self.events.try_send(event) {
            Ok(()) => answer.wait().await.unwrap_or(HeartbeatAnswer::NotController),
            Err(_full_or_ended) => HeartbeatAnswer::NotController,
        }
    }

    async fn elect(&self, elect: Elect) -> ElectAnswer {
        let (reply, mut answer) = reply::channel();
        match self.events.try_send(Event::Elect { elect, reply }) {
            Ok(()) => answer.wait().await.unwrap_or(ElectAnswer::NotController),
            Err(_full_or_ended) => ElectAnswer::NotController,
        }
    }

    /// Answers a request of another node; `None` if it makes no sense or is of another kind.
    pub(in super::super) async fn answer(&self, from: NodeId, kind: u16, request: &[u8]) -> Option<Bytes> {
        let answer = match kind {
            BROKER_HEARTBEAT => {
                let beat: BrokerHeartbeat = serde_json::from_slice(request).ok()?;
                if peer_id(beat.node_id) != from {
                    return None; // nobody keeps another one's lease alive
                }
                serde_json::to_vec(&self.heartbeat(beat).await)
            }
            ELECT => serde_json::to_vec(&self.elect(serde_json::from_slice(request).ok()?).await),
            _ => return None,
        };
        Some(answer.ok()?.into())
    }
}

impl Controller {
    /// Has whoever leads the metadata look for another leader of a partition, of whose leader in `leader_epoch` nothing was heard. It asks once.
    ///
    /// *Cancel-safety*: dropped, somebody may or may not be elected.
    pub async fn elect(&self, id: PartitionId, leader_epoch: i32) -> ElectAnswer {
        let elect = Elect { topic_id: id.topic_id, partition: id.partition, leader_epoch };
        let (seen, leadership) = (self.raft().leadership().version(), self.raft().leadership().load());
        if leadership.is_leader {
            return self.fencing().elect(elect).await;
        }
        let (Some(peers), Some(leader)) = (self.peers(), node_id(leadership.leader_id)) else {
            return ElectAnswer::NotController;
        };
        let request = serde_json::to_vec(&elect).unwrap_or_default().into();
        let answer = tokio::select! {
            biased;
            answer = peers.request(peer_id(leader), ELECT, request, limits::ELECT_TIMEOUT) => answer,
            _changed = self.raft().leadership().at_least(seen + 1) => return ElectAnswer::NotController,
        };
        let answer = answer.ok().and_then(|answer| serde_json::from_slice(&answer).ok());
        answer.unwrap_or(ElectAnswer::NotController)
    }
}
