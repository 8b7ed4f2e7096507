//! What the owner of the connections does with what comes, and what it hears of them.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::NodeId;
use super::hello::{Hello, Purpose, Refusal};

/// An answer in the making; `None` says that this kind of request is not known here.
pub type Answering = BoxFuture<'static, Option<Bytes>>;

/// Takes what other nodes send. All but the future of [`request`](Self::request) runs in the task that reads the connection, so that order is kept: it
/// does not wait, or those behind it do. It may be called by several tasks at a time, one a connection.
pub trait Handler: Send + Sync + 'static {
    /// Why a node of this cluster, or one that belongs to none yet, may not connect; `None` if it may.
    fn refuses(&self, peer: &Hello) -> Option<Refusal>;

    /// A heartbeat came.
    fn heartbeat(&self, from: NodeId, bytes: Bytes);

    /// A Raft message came, behind those that were sent before it.
    fn raft(&self, from: NodeId, bytes: Bytes);

    /// A piece of a stream came, in order. The streams have a flow control of their own: there is room for what was allowed to come.
    fn data(&self, from: NodeId, bytes: Bytes);

    /// A request came. Its future runs in a task of its own. It is dropped when the connection ends: nobody could be told the answer.
    fn request(&self, from: NodeId, kind: u16, bytes: Bytes) -> Answering;

    /// This node has a connection to `node`: what is sent from now on leaves at once.
    fn connected(&self, node: NodeId, purpose: Purpose);

    /// The connection to `node` is gone, and what was under way on it may be lost: Raft is to hear that the node is unreachable. It
    /// is not called for a peer that this node has removed itself.
    fn lost(&self, node: NodeId, purpose: Purpose);
}
