//! DescribeProducers (KIP-664): the idempotent producers that a partition remembers.

use chronik_kafka::message::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState, TopicRequest,
    TopicResponse,
};
use chronik_kafka::{ErrorCode, Str};
use chronik_log::producer::ProducerEntry;

use super::Broker;
use super::error::KafkaError;
use super::partition::{self, Led};
use crate::cluster::{ClusterState, topic_config};

/// Answers for every partition.
pub(super) async fn describe_producers(
    broker: &Broker,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let state = broker.controller.state();
    let mut topics = Vec::with_capacity(request.topics.len());
    for TopicRequest { name, partition_indexes } in request.topics {
        let mut partitions = Vec::with_capacity(partition_indexes.len());
        for index in partition_indexes {
            partitions.push(respond(index, producers(broker, &state, &name, index).await));
        }
        topics.push(TopicResponse { name, partitions });
    }
    DescribeProducersResponse { topics, ..Default::default() }
}

async fn producers(
    broker: &Broker,
    state: &ClusterState,
    name: &str,
    index: i32,
) -> Result<Vec<ProducerState>, (ErrorCode, Option<Str>)> {
    let legal = topic_config::validate_name(name);
    legal.map_err(|error| (error.code(), Some(error.to_string().into())))?;
    let topic = state.topic(name).ok_or((ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, None))?;
    let Led { id, .. } = partition::led(broker, topic, index, -1).map_err(|code| (code, None))?;
    let entries = broker.storage.with_log(move |log| log.producers(id)).await;
    let entries = entries.map_err(|error| (error.code(), Some(error.to_string().into())))?;
    Ok(entries.iter().map(|(producer_id, entry)| describe(*producer_id, entry)).collect())
}

fn describe(producer_id: i64, entry: &ProducerEntry) -> ProducerState {
    ProducerState {
        producer_id,
        producer_epoch: entry.epoch.into(),
        last_sequence: entry.batches.last().map_or(-1, |batch| batch.last_sequence),
        last_timestamp: entry.last_append_ms,
        coordinator_epoch: -1,
        ..Default::default()
    }
}

fn respond(
    partition_index: i32,
    found: Result<Vec<ProducerState>, (ErrorCode, Option<Str>)>,
) -> PartitionResponse {
    match found {
        Ok(active_producers) => PartitionResponse { partition_index, active_producers, ..Default::default() },
        Err((error_code, error_message)) => {
            PartitionResponse { partition_index, error_code, error_message, ..Default::default() }
        }
    }
}
