//! The nodes that this node sends to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concurrency_models::gate::{Gate, Pass};
use concurrency_models::image::Image;

use super::NodeId;
use super::error::{RequestError, SendError};
use super::hello::Purpose;
use super::link::Link;
use super::outgoing::Outgoing;
use super::status::PeerStatus;
use super::surroundings::Surroundings;
use crate::config::HostPort;
use crate::rng::Rng;
use crate::shutdown::Shutdown;
use crate::telemetry::PeerMetrics;
use crate::transport::Connector;

/// Sends to other nodes: one connection to each, which this node dials. Clones are the same.
#[derive(Clone)]
pub struct Peers(Arc<Shared>);

struct Shared {
    surroundings: Surroundings,
    connector: Connector,
    purpose: Purpose,
    /// Seeds the randomness of each peer.
    seed: u64,
    /// A lookup clones an `Arc`; nobody holds anything while he sends (N1, N4 of the bugs that this must not have: a node that is slow or dead
    /// holds up those who send to others).
    peers: Image<BTreeMap<NodeId, Arc<Outgoing>>>,
    /// Each task is inside.
    tasks: Gate,
    /// There are no peers any more.
    stop: Shutdown,
}

impl Peers {
    /// Nobody yet. Connections will be for `purpose`.
    pub fn new(surroundings: Surroundings, connector: Connector, purpose: Purpose, rng: &mut Rng) -> Self {
        let (peers, seed) = (Image::new(BTreeMap::new()), rng.below(u64::MAX));
        let (tasks, stop) = (Gate::new(), Shutdown::new());
        Self(Arc::new(Shared { surroundings, connector, purpose, seed, peers, tasks, stop }))
    }

    /// Makes a node a peer: it is dialed at `address` from now on. A peer whose address is another one is dialed there, and what was under way to it is
    /// lost. Nothing happens if it is a peer there, or after [`close`](Self::close).
    pub fn add(&self, node: NodeId, address: &HostPort) {
        let Some(pass) = self.0.tasks.enter() else { return };
        match self.peer(node) {
            Some(known) if known.address == *address => return,
            Some(_elsewhere) => _ = self.remove(node),
            None => {}
        }
        let (outgoing, way) = Outgoing::new(&self.0.surroundings, node, address.clone(), self.0.purpose);
        let peer = Arc::new(outgoing);
        let mut previous = None;
        self.0.peers.update(|peers| {
            let mut peers = peers.clone();
            previous = peers.insert(node, peer.clone());
            peers
        });
        if let Some(added_meanwhile) = previous {
            added_meanwhile.stop.request();
        }
        if self.0.stop.is_requested() {
            peer.stop.request(); // whoever closes may have looked before it was in the map
        }
        let rng = Rng::seeded(self.0.seed ^ node);
        let link = Link { peer, way, connector: self.0.connector.clone(), rng };
        let _ended = self.0.surroundings.spawner.task(inside(pass, link.run()));
    }

    /// Makes a node a peer no longer: its task ends, and requests to it fail. Returns whether it was one.
    pub fn remove(&self, node: NodeId) -> bool {
        let mut removed = None;
        self.0.peers.update(|peers| {
            let mut peers = peers.clone();
            removed = peers.remove(&node);
            peers
        });
        if let Some(peer) = &removed {
            peer.stop.request();
            PeerMetrics::forget(&self.0.surroundings.metrics, node, self.0.purpose.name());
        }
        removed.is_some()
    }

    /// Makes exactly these nodes peers.
    pub fn set(&self, members: &BTreeMap<NodeId, HostPort>) {
        let known = self.0.peers.load();
        for node in known.keys().filter(|node| !members.contains_key(node)) {
            self.remove(*node);
        }
        for (node, address) in members {
            self.add(*node, address);
        }
    }

    /// Sends a heartbeat. It leaves before everything else, and takes the place of one that has not left.
    ///
    /// # Errors
    /// There is no connection: it has not been sent, and will not be. Or it is too large.
    pub fn heartbeat(&self, to: NodeId, bytes: Bytes) -> Result<(), SendError> {
        self.known(to)?.heartbeat(bytes)
    }

    /// Sends a Raft message behind those that were sent before. It never waits.
    ///
    /// # Errors
    /// Raft is to hear that the node is unreachable: there is no connection (the message leaves if there is one soon), or the oldest message had to make room for
    /// this one, or this one is too large.
    pub fn raft(&self, to: NodeId, bytes: Bytes) -> Result<(), SendError> {
        self.known(to)?.raft(bytes)
    }

    /// Sends a piece of a stream behind those that were sent before, waiting for room. It leaves when there is nothing else.
    ///
    /// *Cancel-safety*: dropped before it is ready, nothing has been sent.
    ///
    /// # Errors
    /// There is no connection, or it ended before there was room. A piece for which there was room may be lost with the connection, too
    /// ([`Handler::lost`](super::Handler::lost)).
    pub async fn data(&self, to: NodeId, bytes: Bytes) -> Result<(), SendError> {
        self.known(to)?.data(bytes).await
    }

    /// Asks a node, and waits for its answer no longer than `timeout`. What `kind` means is agreed between those who ask and those who answer.
    ///
    /// *Cancel-safety*: dropped before it is ready, the request may be carried out, and its answer is not heard.
    ///
    /// # Errors
    /// Why there is no answer; each says whether the request may have been carried out.
    pub async fn request(
        &self,
        to: NodeId,
        kind: u16,
        bytes: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, RequestError> {
        self.known(to)?.request(kind, bytes, timeout).await
    }

    /// How the way to each peer is, in order of their ids.
    pub fn status(&self) -> Vec<PeerStatus> {
        self.0.peers.load().values().map(|peer| peer.status()).collect()
    }

    /// Tasks that run: one for each peer, and those that are about to end.
    pub fn tasks(&self) -> usize {
        self.0.tasks.inside()
    }

    /// Ends all connections and comes back when no task is left. What has not been written is lost. There will be no peers any more.
    ///
    /// *Cancel-safety*: dropped before it is ready, everything ends all the same; it can be called again.
    pub async fn close(&self) {
        self.0.stop.request();
        self.0.tasks.close();
        for node in self.0.peers.load().keys() {
            self.remove(*node);
        }
        self.0.tasks.drained().await;
    }

    fn peer(&self, node: NodeId) -> Option<Arc<Outgoing>> {
        self.0.peers.load().get(&node).cloned()
    }

    fn known(&self, node: NodeId) -> Result<Arc<Outgoing>, SendError> {
        self.peer(node).ok_or(SendError::Unknown(node))
    }
}

/// Holds the pass as long as the task lives.
async fn inside(_pass: Pass, task: impl Future<Output = ()>) {
    task.await;
}
