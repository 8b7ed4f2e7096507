//! What the replicas of a partition have in their logs.

use chronik_log::{PartitionId, ReadMode};
use chronik_server::cluster::ClusterState;
use chronik_server::storage::Storage;
use concurrency_models::publication::Readable;

use super::writers;
use crate::client::values;

/// The partitions that writers append to, as far as they are there, with their topics' names.
pub(crate) fn partitions(state: &ClusterState) -> Vec<(String, PartitionId)> {
    let id = |name: String| {
        let topic_id = state.topic(&name)?.id;
        Some((name, PartitionId { topic_id, partition: 0 }))
    };
    writers::all().filter_map(|number| id(writers::topic(number))).collect()
}

/// Everything in a replica's log with its offsets, durable there and in order; `None` if there is no such log.
pub(crate) fn records(storage: &Storage, id: PartitionId) -> Option<Vec<(i64, String)>> {
    let partition = storage.partition(&id)?;
    let Readable { view, high_watermark: end } = partition.durable();
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
