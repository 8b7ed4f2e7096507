//! Connections that other nodes have dialed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use concurrency_models::gate::{Gate, Pass};
use concurrency_models::image::Image;

use super::backoff::Complaints;
use super::error::ConnectionError;
use super::hello::{Hello, Purpose};
use super::incoming::{self, Incoming};
use super::surroundings::Surroundings;
use super::{NodeId, handshake};
use crate::limits;
use crate::shutdown::Shutdown;
use crate::telemetry::Pulse;
use crate::transport::{Accepted, Listener};

/// How long to wait when the operating system gives no connection, as when file descriptors have run out.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Accepts connections of other nodes and reads them. Clones are the same.
#[derive(Clone)]
pub struct Inbound(Arc<Shared>);

struct Shared {
    surroundings: Surroundings,
    /// Of each node and purpose the newest connection.
    current: Image<BTreeMap<(NodeId, Purpose), Arc<Incoming>>>,
    /// Of each reason, when it was last said that somebody was refused.
    complaints: Image<BTreeMap<&'static str, Complaints>>,
    /// Each loop that accepts connections is inside.
    accepting: Gate,
    /// Each connection is inside.
    connections: Gate,
    /// So is each request.
    requests: Gate,
    stop: Shutdown,
}

impl Inbound {
    /// No connection yet.
    pub fn new(surroundings: Surroundings) -> Self {
        let (current, complaints) = (Image::new(BTreeMap::new()), Image::new(BTreeMap::new()));
        let (accepting, connections, requests) = (Gate::new(), Gate::new(), Gate::new());
        let stop = Shutdown::new();
        Self(Arc::new(Shared { surroundings, current, complaints, accepting, connections, requests, stop }))
    }

    /// Accepts connections until [`close`](Self::close), or until no stream can come any more.
    pub fn run(self, listener: Listener, pulse: Pulse) -> impl Future<Output = ()> + Send + 'static {
        let pass = self.0.accepting.enter(); // now, not when the future begins: closing waits for it
        async move {
            if let Some(pass) = pass {
                self.accept(listener, pulse).await;
                drop(pass); // after the listener: whoever has waited for the close can listen there again
            }
        }
    }

    async fn accept(&self, mut listener: Listener, pulse: Pulse) {
        let shared = &self.0;
        loop {
            pulse.idle();
            let accepted = tokio::select! {
                biased;
                () = shared.stop.requested() => return,
                accepted = listener.accept() => accepted,
            };
            pulse.beat();
            match accepted {
                Ok(accepted) => self.admit(accepted),
                Err(error) if error.kind() == std::io::ErrorKind::NotConnected => return,
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection of a node failed; trying again");
                    shared.surroundings.clock.sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    /// Starts the connection, or closes it when there are too many.
    fn admit(&self, accepted: Accepted) {
        let shared = self.0.clone();
        if shared.connections.inside() >= limits::MAX_PEER_CONNECTIONS {
            shared.complain("too_many", &format!("there are {}", limits::MAX_PEER_CONNECTIONS));
            return;
        }
        let Some(pass) = shared.connections.enter() else { return };
        let spawner = shared.surroundings.spawner.clone();
        let _ended = spawner.task(inside(pass, async move {
            tokio::select! {
                biased;
                () = shared.stop.requested() => {}
                () = shared.serve(accepted) => {}
            }
        }));
    }

    /// Who is connected to this node, as each has said.
    pub fn connected(&self) -> Vec<Hello> {
        self.0.current.load().values().map(|incoming| incoming.peer).collect()
    }

    /// Tasks that run: one for each connection, and one for each request.
    pub fn tasks(&self) -> usize {
        self.0.connections.inside() + self.0.requests.inside()
    }

    /// Ends the listening, all connections, and the requests that came by them; comes back when nothing of it is left.
    ///
    /// *Cancel-safety*: dropped before it is ready, everything ends all the same; it can be called again.
    pub async fn close(&self) {
        self.0.stop.request();
        let Shared { accepting, connections, requests, .. } = &*self.0;
        for gate in [accepting, connections, requests] {
            gate.close();
        }
        for gate in [accepting, connections, requests] {
            gate.drained().await;
        }
    }
}

impl Shared {
    /// Serves one connection until it ends, by whichever side.
    async fn serve(&self, Accepted { peer: from, reader, writer }: Accepted) {
        let node = &self.surroundings;
        let (mut reader, mut writer) = incoming::ends(node, reader, writer);
        let agreed = match node.in_time(handshake::accept(node, &mut reader, &mut writer)).await {
            Ok(agreed) => agreed,
            Err(error) => {
                node.metrics.peer_refused(reason(&error));
                return self.complain(reason(&error), &format!("from {from}: {error}"));
            }
        };
        let (id, purpose, version) = (agreed.peer.node_id, agreed.peer.purpose.name(), agreed.version);
        tracing::debug!(node = id, %from, purpose, version, "a node has connected");
        let incoming = Arc::new(Incoming { peer: agreed.peer, replaced: Shutdown::new() });
        let place = self.take_place(incoming.clone());
        let error = tokio::select! {
            biased;
            () = incoming.replaced.requested() => ConnectionError::Replaced,
            error = incoming::serve(node, &self.requests, agreed.peer.node_id, reader, writer) => error,
        };
        drop(place);
        tracing::debug!(node = id, %from, purpose, %error, "the connection of a node has ended");
    }

    /// The newest connection of a node; the one before ends.
    fn take_place(&self, incoming: Arc<Incoming>) -> Place<'_> {
        let key = (incoming.peer.node_id, incoming.peer.purpose);
        let mut previous = None;
        self.current.update(|current| {
            let mut current = current.clone();
            previous = current.insert(key, incoming.clone());
            current
        });
        self.surroundings.metrics.peer_incoming.inc();
        if let Some(previous) = previous {
            previous.replaced.request();
        }
        Place { shared: self, incoming }
    }

    /// Says that somebody was refused: at once if it is the first time for this reason, then once in a while.
    fn complain(&self, reason: &'static str, what: &str) {
        let now = self.surroundings.now();
        let mut due = false;
        self.complaints.update(|complaints| {
            let mut complaints = complaints.clone();
            due = complaints.entry(reason).or_default().is_due(now);
            complaints
        });
        if due {
            tracing::warn!(reason, "a connection between nodes was refused or not made: {what}");
        } else {
            tracing::debug!(reason, "a connection between nodes was refused or not made: {what}");
        }
    }
}

/// A connection's place among the current ones; left when it is dropped, also when the connection is cut short.
struct Place<'a> {
    shared: &'a Shared,
    incoming: Arc<Incoming>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let key = (self.incoming.peer.node_id, self.incoming.peer.purpose);
        self.shared.current.update(|current| {
            let mut current = current.clone();
            if current.get(&key).is_some_and(|newest| Arc::ptr_eq(newest, &self.incoming)) {
                current.remove(&key);
            }
            current
        });
        self.shared.surroundings.metrics.peer_incoming.dec();
    }
}

/// A short name for metrics.
fn reason(error: &ConnectionError) -> &'static str {
    match error {
        ConnectionError::Refused(refusal) => refusal.name(),
        ConnectionError::TimedOut(_) | ConnectionError::Silent(_) => "timeout",
        ConnectionError::NotANode | ConnectionError::Frame { .. } | ConnectionError::Unexpected(_) => {
            "protocol"
        }
        _ => "broken",
    }
}

/// Holds the pass as long as the connection lives.
async fn inside(_pass: Pass, connection: impl Future<Output = ()>) {
    connection.await;
}
