//! What replication does with what the cluster says: this module knows who it is told to, and not what becomes of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use chronik_log::PartitionId;
use futures_util::future::BoxFuture;

use super::state::ClusterState;
use crate::storage::StorageError;

/// The partitions of this node, and the streams between them and those of other nodes.
pub trait Replicas: Send + Sync + 'static {
    /// Takes up what `next` says of these partitions, and has done so when the future resolves: no image shows it before.
    fn take_up<'a>(
        &'a self,
        next: &'a ClusterState,
        concerned: &'a BTreeSet<PartitionId>,
    ) -> BoxFuture<'a, Result<(), StorageError>>;

    /// A piece of a stream came from a node. It does not wait.
    fn data(&self, from: i32, bytes: Bytes);

    /// There is a connection to a node for streams.
    fn connected(&self, node: i32);

    /// The connection for streams to a node is gone, with all that was under way.
    fn lost(&self, node: i32);
}
