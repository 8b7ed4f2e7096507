//! Between nodes: heartbeats, Raft messages, requests with answers, pieces of streams. This module knows node ids, addresses and bytes, and
//! nothing of what they mean.
//!
//! The way of a heartbeat from node 2 to node 1:
//!
//! ```text
//! node 2                                                        node 1
//! Peers::heartbeat(1, bytes)   takes the place of an older one
//!   │ never waits
//!   ▼
//! Outbox                       heartbeats, then Raft messages in order, then requests and data
//!   │
//!   ▼
//! task of node 1: dials ───── hello ────────────────────────► Inbound: one task a connection
//!   (the only one that   ◄─── hello, or a refusal ───────────   hello within a time, of this cluster, of a welcome node?
//!    ever waits for it)                                         a newer connection of the same node replaces an older one
//!   │ FrameWriter ──────────── | length | kind | CRC | ... | ─► FrameReader ──► Handler::heartbeat(2, bytes)   does not wait
//!   │                                                              ├─────────► Handler::raft(2, bytes)        does not wait
//!   │                                                              └─ a task ► Handler::request(2, kind, bytes)
//! FrameReader ◄─────────────── response, keepalive ──────────── FrameWriter ◄──── answer
//! ```
//!
//! Each node dials each other one: what node 1 has to say to node 2 goes by the connection that node 1 has dialed. Only answers come back by the same. A node that
//! has nothing to say says so (keepalive), in both directions, and a connection on which nothing comes is closed: so a machine that has stopped without a word is noticed.
//!
//! * **Order.** Raft messages to a node arrive in the order in which they were given, some may be missing: the oldest when too many wait, and those under way when
//!   a connection breaks. [`SendError`] and [`Handler::lost`] tell.
//! * **Nobody waits for a network** but the task of that node. A node that cannot be reached, or reads nothing, delays nobody else.
//! * **Nothing old arrives late.** Heartbeats, requests and data belong to the connection that was there when they were given. A Raft message waits for the next one, but not
//!   longer than `inter.node.max.silence.ms`.
//! * **Stopping.** [`Peers::close`] and [`Inbound::close`] come back when no task is left. When a peer is removed its task ends at once.
//!
//! Streams of data must not delay heartbeats: whoever sends them has a second [`Peers`], of [`Purpose::Data`].

mod backoff;
mod error;
#[cfg(test)]
pub(crate) mod example;
pub mod frame;
mod handler;
mod handshake;
pub mod hello;
mod inbound;
mod incoming;
mod link;
pub mod message;
mod outgoing;
mod peers;
mod reader;
mod status;
mod surroundings;
mod turns;
mod writer;

pub use error::{ConnectionError, RequestError, SendError};
pub use handler::{Answering, Handler};
pub use hello::{Hello, Purpose};
pub use inbound::Inbound;
pub use peers::Peers;
pub use status::{ConnectionStatus, PeerStatus};
pub use surroundings::{Identity, Settings, Surroundings};

/// A node's number in its cluster.
pub type NodeId = u64;

#[cfg(test)]
mod tests;
