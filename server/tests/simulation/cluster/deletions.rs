//! Records that were deleted, or may have been.

use std::collections::BTreeMap;
use std::time::Duration;

use chronik_kafka::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use chronik_log::PartitionId;
use concurrency_models::epoch::Role;

use super::{Cluster, logs, nodes};
use crate::client::Client;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// Tells the client from others.
const NUMBER: u16 = 500;

/// By topic: the highest offset up to which somebody asked for deletion.
#[derive(Default)]
pub(crate) struct Deletions(BTreeMap<String, i64>);

impl Deletions {
    /// Nothing of a topic was deleted from this offset on.
    pub(crate) fn end(&self, topic: &str) -> i64 {
        self.0.get(topic).copied().unwrap_or(0)
    }

    fn note(&mut self, topic: &str, before_offset: i64) {
        let end = self.0.entry(topic.to_owned()).or_default();
        *end = before_offset.max(*end);
    }
}

impl Cluster {
    /// Asks a topic's leader to delete all that is committed but the last `left` records. Returns whether it says that it has.
    pub(crate) async fn delete_records(&mut self, topic: &str, left: i64) -> bool {
        let Some((at, high_watermark)) =
            self.nodes.places().find_map(|at| Some((at, self.established(at, topic)?)))
        else {
            return false;
        };
        let offset = (high_watermark - left).max(0);
        self.deletions.note(topic, offset);
        let doors = self.nodes.doors().load();
        let Some(door) = doors.get(&nodes::node_id(at)) else { return false };
        let Ok(mut client) = Client::connect(door, NUMBER).await else { return false };
        let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset }];
        let topics = vec![DeleteRecordsTopic { name: topic.into(), partitions }];
        let request = DeleteRecordsRequest { topics, timeout_ms: 400 };
        let clock = self.clock.clone();
        let answer = tokio::select! {
            biased;
            answer = client.call(2, &request) => answer.ok(),
            () = clock.sleep(PATIENCE) => None,
        };
        answer.is_some_and(|answer| answer.topics[0].partitions[0].error_code.is_none())
    }

    /// The high watermark of a topic that a node leads, and knows how far it is committed.
    fn established(&self, at: usize, topic: &str) -> Option<i64> {
        let id = self.id_of(topic, at)?;
        let partition = self.nodes.storage(at)?.partition(&id)?;
        let leads = partition.isr().leadership().role == Role::Leader && partition.isr().is_established();
        leads.then(|| partition.high_watermark())
    }

    fn id_of(&self, topic: &str, at: usize) -> Option<PartitionId> {
        let partitions = logs::partitions(&self.nodes.controller(at)?.state());
        partitions.into_iter().find_map(|(name, id)| (name == topic).then_some(id))
    }
}
