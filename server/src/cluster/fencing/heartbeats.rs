//! The task of every broker that renews its lease.

use std::future::ready;
use std::time::Duration;

use concurrency_models::raft_loop::Leadership;
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::FuturesUnordered;

use super::super::controller::{Controller, Served};
use super::super::raft::{node_id, peer_id};
use super::judgement::{End, end_of};
use super::protocol::{BROKER_HEARTBEAT, BrokerHeartbeat, HeartbeatAnswer};
use crate::limits;
use crate::telemetry::{Metrics, Pulse};

/// See the module.
pub(in super::super) struct Heartbeats {
    pub(in super::super) node_id: i32,
    /// The life that this broker is in.
    pub(in super::super) broker_epoch: i64,
    /// Knows who leads the metadata.
    pub(in super::super) controller: Controller,
    pub(in super::super) served: Served,
    pub(in super::super) metrics: Metrics,
}

/// When a heartbeat left, and what came of it.
type Answered = (Duration, Option<HeartbeatAnswer>);

impl Heartbeats {
    /// Renews the lease until the Raft loop has ended: at once, when somebody else leads the metadata, and after each interval. A heartbeat
    /// does not wait for the answer to the one before, so a slow network costs no lease.
    pub(in super::super) async fn run(self, pulse: Pulse) {
        let leadership = self.controller.raft().leadership();
        let mut answers: FuturesUnordered<BoxFuture<'_, Answered>> = FuturesUnordered::new();
        let mut refused = 0;
        loop {
            let seen = leadership.version();
            if answers.len() < limits::MAX_BROKER_HEARTBEATS {
                answers.push(self.send(*leadership.load()).boxed());
            }
            let next = self.now() + limits::BROKER_HEARTBEAT_INTERVAL;
            loop {
                self.note_remaining();
                pulse.idle();
                tokio::select! {
                    biased;
                    changed = leadership.at_least(seen + 1) => match changed {
                        Ok(_) => {
                            answers.clear(); // nobody is there to give them, or not for long
                            break;
                        }
                        Err(_ended) => return,
                    },
                    Some((sent, answer)) = answers.next() => match answer {
                        Some(HeartbeatAnswer::Granted) => self.controller.lease().extend(sent),
                        Some(HeartbeatAnswer::StaleEpoch) if refused < limits::MAX_BROKER_HEARTBEATS_REFUSED => {
                            refused = self.tell_of_the_end(refused + 1);
                        }
                        Some(HeartbeatAnswer::StaleEpoch) => {}
                        Some(HeartbeatAnswer::Fenced | HeartbeatAnswer::NotController) | None => {}
                    },
                    () = self.controller.clock().sleep(next.saturating_sub(self.now())) => break,
                }
                pulse.beat();
            }
            pulse.beat();
        }
    }

    /// Sends a heartbeat to whoever leads the metadata.
    fn send(&self, leadership: Leadership) -> impl Future<Output = Answered> + Send + '_ {
        let sent = self.now();
        let beat = BrokerHeartbeat {
            node_id: self.node_id,
            broker_epoch: self.broker_epoch,
            served_version: self.served.version.get(),
        };
        let ask = async move {
            if leadership.is_leader {
                return Some(self.controller.fencing().heartbeat(beat).await);
            }
            let (peers, leader) = (self.controller.peers()?, node_id(leadership.leader_id)?);
            let request = serde_json::to_vec(&beat).ok()?.into();
            let asked = peers.request(peer_id(leader), BROKER_HEARTBEAT, request, limits::BROKER_LEASE);
            serde_json::from_slice(&asked.await.ok()?).ok()
        };
        ask.then(move |answer| ready((sent, answer)))
    }

    /// Says once what became of this life, when it is known here: whoever has refused so many heartbeats may be ahead. Returns how many count as refused.
    fn tell_of_the_end(&self, refused: u32) -> u32 {
        let (node_id, all) = (self.node_id, limits::MAX_BROKER_HEARTBEATS_REFUSED);
        match end_of(&self.controller.state(), node_id, self.broker_epoch) {
            End::Removed => tracing::warn!(
                "node {node_id} was removed from the cluster: this node leads nothing any more, and can be stopped; nobody comes back under its node.id"
            ),
            End::Unregistered => tracing::warn!(
                "node {node_id} was unregistered while it ran: this node leads nothing any more; restart it if it is to go on"
            ),
            End::Replaced => tracing::error!(
                "another broker has registered as node {node_id} since this one has: this one leads nothing any more; give each a node.id of its own"
            ),
            End::NotKnown if refused < all => return refused,
            End::NotKnown => tracing::error!(
                "whoever leads the metadata does not know this life of node {node_id}: it was removed, or another broker has its node.id; this one leads nothing any more, and hears nothing of it"
            ),
        }
        all
    }

    fn note_remaining(&self) {
        let remaining = self.controller.lease().remaining(self.now()).as_millis();
        self.metrics.broker_lease_remaining.set(i64::try_from(remaining).unwrap_or(i64::MAX));
    }

    fn now(&self) -> Duration {
        self.controller.clock().uptime()
    }
}
