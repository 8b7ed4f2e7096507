//! DeleteRecords (KIP-107): everything before an offset goes; what is answered survives a power cut.

use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_kafka::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteRecordsTopicResult,
};
use chronik_log::{Op, Outcome};

use super::Broker;
use super::error::KafkaError;
use super::partition::{self, Led};
use crate::cluster::{ClusterState, Topic, topic_config};

/// The offset that stands for the high watermark.
const HIGH_WATERMARK: i64 = -1;
/// `low_watermark` of a partition whose records could not be deleted.
const NO_LOW_WATERMARK: i64 = -1;

/// Answers for every partition.
pub(super) async fn delete_records(broker: &Broker, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or_default());
    let deadline = broker.clock.uptime() + timeout;
    let state = broker.controller.state();
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in request.topics {
        let topic = deletable(broker, &state, &asked.name);
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for partition in asked.partitions {
            let deleted = match topic {
                Ok(topic) => delete_in_time(broker, topic, &partition, deadline).await,
                Err(code) => Err(code),
            };
            partitions.push(respond(partition.partition_index, deleted));
        }
        topics.push(DeleteRecordsTopicResult { name: asked.name, partitions });
    }
    DeleteRecordsResponse { topics, ..Default::default() }
}

/// The topic, if its records may be deleted: those of a compacted topic are what its keys are at.
fn deletable<'a>(broker: &Broker, state: &'a ClusterState, name: &str) -> Result<&'a Topic, ErrorCode> {
    let topic = state.topic(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    if topic_config::is_internal(name) {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION);
    }
    if !broker.settings.node.cleanup_policy(state, topic).delete {
        return Err(ErrorCode::POLICY_VIOLATION);
    }
    Ok(topic)
}

async fn delete_in_time(
    broker: &Broker,
    topic: &Topic,
    asked: &DeleteRecordsPartition,
    deadline: Duration,
) -> Result<i64, ErrorCode> {
    tokio::select! {
        biased;
        deleted = delete(broker, topic, asked) => deleted,
        () = broker.clock.sleep(deadline.saturating_sub(broker.clock.uptime())) => {
            Err(ErrorCode::REQUEST_TIMED_OUT)
        }
    }
}

/// Returns the first offset that is left.
async fn delete(broker: &Broker, topic: &Topic, asked: &DeleteRecordsPartition) -> Result<i64, ErrorCode> {
    let Led { id, partition, .. } = partition::led(broker, topic, asked.partition_index, -1)?;
    let high_watermark = partition.read().high_watermark;
    let before_offset = if asked.offset == HIGH_WATERMARK { high_watermark } else { asked.offset };
    if !(0..=high_watermark).contains(&before_offset) {
        return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
    }
    match broker.storage.execute(Op::DeleteRecords { id, before_offset }).await {
        Ok(Outcome::RecordsDeleted { log_start_offset }) => Ok(log_start_offset),
        Ok(other) => unreachable!("deleting records came to {other:?}"),
        Err(error) => Err(error.code()),
    }
}

fn respond(partition_index: i32, deleted: Result<i64, ErrorCode>) -> DeleteRecordsPartitionResult {
    let (low_watermark, error_code) = match deleted {
        Ok(low_watermark) => (low_watermark, ErrorCode::NONE),
        Err(error_code) => (NO_LOW_WATERMARK, error_code),
    };
    DeleteRecordsPartitionResult { partition_index, low_watermark, error_code }
}
