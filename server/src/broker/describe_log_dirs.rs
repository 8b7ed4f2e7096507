//! DescribeLogDirs (KIP-113): what partitions take on disk, and how much room there is (KIP-827). A node has one directory.

use chronik_kafka::message::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};
use chronik_kafka::{ErrorCode, Str};
use chronik_log::PartitionId;
use uuid::Uuid;

use super::Broker;
use crate::cluster::ClusterState;

/// A partition that is asked about: topic and index.
type Asked = (Str, Uuid, i32);

/// Answers for the partitions asked about that are here; the others are left out, as in Kafka.
pub(super) async fn describe_log_dirs(
    broker: &Broker,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    let asked = match request.topics {
        Some(topics) => named(&broker.controller.state(), topics),
        None => all(&broker.controller.state()),
    };
    let measured = {
        let broker = broker.clone();
        // Sizes are asked of the file system.
        broker.spawner.clone().blocking(move || measure(&broker, asked)).await
    };
    DescribeLogDirsResponse { results: vec![measured], ..Default::default() }
}

fn all(state: &ClusterState) -> Vec<Asked> {
    let of_topic = |topic: &std::sync::Arc<crate::cluster::Topic>| {
        let name = Str::from(topic.name.as_str());
        topic.partition_ids().map(move |id| (name.clone(), id.topic_id, id.partition)).collect::<Vec<_>>()
    };
    state.topics().flat_map(of_topic).collect()
}

fn named(state: &ClusterState, topics: Vec<DescribableLogDirTopic>) -> Vec<Asked> {
    let mut asked = Vec::new();
    for DescribableLogDirTopic { topic: name, partitions } in topics {
        if let Some(topic) = state.topic(&name) {
            asked.extend(partitions.into_iter().map(|partition| (name.clone(), topic.id, partition)));
        }
    }
    asked
}

fn measure(broker: &Broker, asked: Vec<Asked>) -> DescribeLogDirsResult {
    let mut topics: Vec<DescribeLogDirsTopic> = Vec::new();
    for (name, topic_id, partition) in asked {
        let Some(described) = partition_size(broker, PartitionId { topic_id, partition }) else { continue };
        match topics.last_mut().filter(|topic| topic.name == name) {
            Some(topic) => topic.partitions.push(described),
            None => topics.push(DescribeLogDirsTopic { name, partitions: vec![described] }),
        }
    }
    let result = DescribeLogDirsResult {
        log_dir: broker.settings.log_dir.as_str().into(),
        topics,
        ..Default::default() // not cordoned: there is no setting to do so, since there is no other directory
    };
    match broker.disk.space() {
        Ok(space) => DescribeLogDirsResult {
            total_bytes: signed(space.total_bytes),
            usable_bytes: signed(space.usable_bytes),
            ..result
        },
        Err(error) => {
            tracing::warn!(%error, "the size of the data directory's volume is not known");
            DescribeLogDirsResult { error_code: ErrorCode::KAFKA_STORAGE_ERROR, ..result }
        }
    }
}

fn partition_size(broker: &Broker, id: PartitionId) -> Option<DescribeLogDirsPartition> {
    let size = broker.storage.partition(&id)?.read().view.size_bytes().ok()?;
    Some(DescribeLogDirsPartition {
        partition_index: id.partition,
        partition_size: signed(size),
        offset_lag: 0, // the log ends at the high watermark: this node is the only replica
        is_future_key: false,
    })
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
