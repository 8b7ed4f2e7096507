//! What the replicas of a partition have in their logs.

use std::collections::BTreeMap;

use chronik_log::{PartitionId, ReadMode};
use chronik_server::cluster::ClusterState;
use chronik_server::storage::{Durable, Partition, Storage};
use concurrency_models::registry::Lease;

use super::{Cluster, nodes, writers};
use crate::client::values;

/// The partitions that writers append to, as far as they are there, with their topics' names.
pub(crate) fn partitions(state: &ClusterState) -> Vec<(String, PartitionId)> {
    let id = |name: String| {
        let topic_id = state.topic(&name)?.id;
        Some((name, PartitionId { topic_id, partition: 0 }))
    };
    writers::topics().filter_map(id).collect()
}

/// A replica of such a partition, on a node that has come into the cluster.
pub(crate) struct Replica {
    /// Whose it is.
    pub(crate) node_id: i32,
    pub(crate) storage: Storage,
    pub(crate) topic: String,
    pub(crate) id: PartitionId,
    pub(crate) partition: Lease<Partition>,
}

/// All of them.
pub(crate) fn replicas(cluster: &Cluster) -> Vec<Replica> {
    let mut replicas = Vec::new();
    for at in cluster.nodes.places() {
        let Some((controller, storage)) = cluster.nodes.controller(at).zip(cluster.nodes.storage(at)) else {
            continue;
        };
        for (topic, id) in partitions(&controller.state()) {
            if let Some(partition) = storage.partition(&id) {
                let (node_id, storage) = (nodes::node_id(at), storage.clone());
                replicas.push(Replica { node_id, storage, topic, id, partition });
            }
        }
    }
    replicas
}

/// Everything in a replica's log with its offsets, durable there and in order; `None` if there is no such log.
pub(crate) fn records(storage: &Storage, id: PartitionId) -> Option<Vec<(i64, String)>> {
    let partition = storage.partition(&id)?;
    let Durable { view, log_end_offset: end } = partition.durable();
    let mut records: Vec<(i64, String)> = Vec::new();
    let mut next = view.log_start_offset();
    while next < end {
        let batches = view.read(next, 1 << 20, end, ReadMode::Blocking).expect("readable");
        let found = values(batches, next);
        next = found.last().map_or(end, |(offset, _)| offset + 1);
        records.extend(found);
    }
    Some(records)
}

/// The newest leader epoch of each topic that a node has ever known. A leader in an older one is deposed, and may not have heard of it.
#[derive(Default)]
pub(crate) struct NewestEpochs(BTreeMap<String, i32>);

impl NewestEpochs {
    /// Looks at what the nodes know now.
    pub(crate) fn look(&mut self, cluster: &Cluster) {
        for at in cluster.nodes.places() {
            if let Some((controller, storage)) = cluster.nodes.controller(at).zip(cluster.nodes.storage(at)) {
                let state = controller.state();
                for (topic, id) in partitions(&state) {
                    let known = state.topic(&topic).and_then(|topic| Some(topic.partition(0)?.leader_epoch));
                    let taken_up = storage.partition(&id).map(|partition| partition.isr().leadership().epoch);
                    let newest = self.0.entry(topic).or_insert(-1);
                    *newest = known.into_iter().chain(taken_up).fold(*newest, i32::max);
                }
            }
        }
    }

    pub(crate) fn is_newest(&self, topic: &str, epoch: i32) -> bool {
        self.0.get(topic) == Some(&epoch)
    }
}
