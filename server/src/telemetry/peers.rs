//! The connection to one node, counted. It is printed as long as the node is a peer.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::instruments::{Instruments, Metrics};
use super::labels::PeerLabels;

/// The instruments of one connection. Clones are the same instruments.
#[derive(Clone, Debug)]
pub struct PeerMetrics {
    /// Whether it stands (1).
    pub connected: Gauge,
    /// Connections made; all but the first are reconnects.
    pub connections: Counter,
    /// Bytes written.
    pub sent_bytes: Counter,
    /// Bytes read.
    pub received_bytes: Counter,
    /// Messages that were given and have not been written.
    pub dropped: Counter,
    /// Uptime in milliseconds when the other side was last heard; -1 if never. A metric, and the only state.
    pub last_heard: Gauge,
}

impl PeerMetrics {
    /// The instruments of this connection.
    pub fn of(metrics: &Metrics, node: u64, purpose: &'static str) -> Self {
        let labels = PeerLabels { node, purpose };
        let all: &Instruments = metrics;
        let last_heard = all.peer_last_heard.get_or_create_owned(&labels);
        last_heard.set(-1);
        Self {
            connected: all.peer_connected.get_or_create_owned(&labels),
            connections: all.peer_connections.get_or_create_owned(&labels),
            sent_bytes: all.peer_sent_bytes.get_or_create_owned(&labels),
            received_bytes: all.peer_received_bytes.get_or_create_owned(&labels),
            dropped: all.peer_dropped.get_or_create_owned(&labels),
            last_heard,
        }
    }

    /// The node is no peer any more.
    pub fn forget(metrics: &Metrics, node: u64, purpose: &'static str) {
        let labels = PeerLabels { node, purpose };
        let all: &Instruments = metrics;
        for gauges in [&all.peer_connected, &all.peer_last_heard] {
            forget(gauges, &labels);
        }
        for counters in
            [&all.peer_connections, &all.peer_sent_bytes, &all.peer_received_bytes, &all.peer_dropped]
        {
            forget(counters, &labels);
        }
    }
}

fn forget<M>(family: &Family<PeerLabels, M>, labels: &PeerLabels) {
    let _was_there = family.remove(labels);
}
