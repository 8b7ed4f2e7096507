//! How connections are, for people and metrics.

use super::NodeId;
use super::hello::Purpose;
use crate::clock::UnixMs;
use crate::config::HostPort;

/// A connection that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionStatus {
    /// Since when.
    pub since_ms: UnixMs,
    /// Of the protocol.
    pub version: u16,
    /// The start of the other node's process.
    pub incarnation: u64,
}

/// The way to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The node.
    pub node: NodeId,
    /// Where it is dialed.
    pub address: HostPort,
    /// What for.
    pub purpose: Purpose,
    /// The connection now.
    pub connection: Option<ConnectionStatus>,
    /// Why there is none, once one was lost or did not come about.
    pub trouble: Option<String>,
    /// How long ago the node was last heard on it, in milliseconds; `None` if never.
    pub heard_ms_ago: Option<i64>,
    /// Connections made; all but the first are reconnects.
    pub connections: u64,
    /// Messages that were given and have not been written.
    pub dropped: u64,
    /// Bytes written.
    pub sent_bytes: u64,
    /// Bytes read: answers and keepalives.
    pub received_bytes: u64,
}
