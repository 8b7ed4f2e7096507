//! Why a connection between two nodes ended or did not come about, and why something was not sent.

use std::io;
use std::time::Duration;

use super::NodeId;
use super::frame::{FrameError, Kind};
use super::hello::Refusal;

/// Why a connection ended, or did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// Nobody listens there, or the network leads nowhere.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// Too slow.
    #[error("no connection within {} ms (inter.node.connection.timeout.ms)", .0.as_millis())]
    TimedOut(Duration),
    /// What came is not the beginning of this protocol.
    #[error("the other side does not speak the inter-node protocol; is it the port of inter.node.listener?")]
    NotANode,
    /// This node refuses the other one, and has said so.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The other one refuses this node. Its words.
    #[error("the other node refuses: {0}")]
    RefusedBy(String),
    /// The other side has ended the connection.
    #[error("the other node has closed the connection")]
    Closed,
    /// It has ended it in the middle of a frame.
    #[error("the other node has gone in the middle of a frame")]
    Cut,
    /// The operating system's.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// Nothing came.
    #[error("nothing was heard for {} ms (inter.node.max.silence.ms)", .0.as_millis())]
    Silent(Duration),
    /// Nothing was taken.
    #[error("nothing was taken for {} ms (inter.node.max.silence.ms)", .0.as_millis())]
    Stuck(Duration),
    /// What came is no frame.
    #[error("byte {at} of what came: {error}")]
    Frame {
        /// Where the frame begins.
        at: u64,
        /// What is wrong with it.
        error: FrameError,
    },
    /// A frame that has no place here.
    #[error("a {} frame came, which does not belong here", .0.name())]
    Unexpected(Kind),
    /// Its answers have nowhere to go.
    #[error("the other node sends requests and reads no answers")]
    ReadsNoAnswers,
    /// The same node has connected again.
    #[error("a newer connection of the same node has taken its place")]
    Replaced,
    /// As asked.
    #[error("this node has closed it")]
    Stopped,
}

/// Why a message does not reach a node, as far as this side knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It is no peer.
    #[error("node {0} is not known")]
    Unknown(NodeId),
    /// There is no connection now. A Raft message leaves nevertheless if there is one soon.
    #[error("there is no connection to node {0}")]
    NotConnected(NodeId),
    /// The message is on its way, but an older one had to make room for it.
    #[error("too many messages wait for node {0}: the oldest was dropped")]
    Displaced(NodeId),
    /// It is not sent: the other side would close the connection.
    #[error("{0}")]
    TooLarge(FrameError),
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It has not been sent.
    #[error("{0}")]
    Unsent(#[from] SendError),
    /// The connection broke, or the node is no peer any more: it may have been carried out.
    #[error("the connection to node {0} was lost before the answer")]
    Lost(NodeId),
    /// No answer in time: it may have been carried out, or may still be.
    #[error("node {node} has not answered within {} ms", .after.as_millis())]
    TimedOut {
        /// The node.
        node: NodeId,
        /// How long was waited.
        after: Duration,
    },
    /// It has not been carried out.
    #[error("node {0} has too many requests under way")]
    Overloaded(NodeId),
    /// It has not been carried out; the node may be of an earlier version.
    #[error("node {0} does not know this kind of request")]
    Unsupported(NodeId),
    /// It has been carried out, but its answer cannot be sent, or is not understood.
    #[error("the answer of node {0} cannot be had: it is too large, or of a later version")]
    NoAnswer(NodeId),
}
