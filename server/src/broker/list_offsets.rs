//! ListOffsets: offsets by timestamp, and by the special timestamps.

use std::collections::BTreeSet;

use chronik_kafka::ErrorCode;
use chronik_kafka::message::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};
use chronik_log::{FoundTimestamp, ReadError};

use concurrency_models::publication::Readable;

use super::Broker;
use super::error::KafkaError;
use super::partition;
use crate::cluster::Topic;

/// The end of the log: the high watermark.
const LATEST: i64 = -1;
/// The start of the log.
const EARLIEST: i64 = -2;
/// The record with the highest timestamp (KIP-734).
const MAX_TIMESTAMP: i64 = -3;
/// The start of what is on this node's disk (KIP-405): the same as [`EARLIEST`], since there is no remote storage.
const EARLIEST_LOCAL: i64 = -4;
/// The end of what is in remote storage (KIP-1005): nothing is.
const LATEST_TIERED: i64 = -5;
/// What is to be uploaded to remote storage next (KIP-1023): nothing is.
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// The answer when no record fits.
const NONE: (i64, i64, i32) = (-1, -1, -1);

/// First version that knows a special timestamp; `None` where none does. (Kafka: `timestampMinSupportedVersion`)
fn known_from(timestamp: i64) -> Option<i16> {
    match timestamp {
        0.. | LATEST | EARLIEST => Some(1),
        MAX_TIMESTAMP => Some(7),
        EARLIEST_LOCAL => Some(8),
        LATEST_TIERED => Some(9),
        EARLIEST_PENDING_UPLOAD => Some(11),
        _ => None,
    }
}

/// First version that knows OFFSET_NOT_AVAILABLE (KIP-207).
const OFFSET_NOT_AVAILABLE_FROM: i16 = 5;

/// Answers for every partition asked for.
pub(super) async fn list_offsets(
    broker: &Broker,
    request: ListOffsetsRequest,
    version: i16,
) -> ListOffsetsResponse {
    let state = broker.controller.state();
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in request.topics {
        let topic = state.topic(&asked.name);
        let mut seen = BTreeSet::new();
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for partition in asked.partitions {
            let found = match topic {
                _ if !seen.insert(partition.partition_index) => Err(ErrorCode::INVALID_REQUEST),
                None => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
                _ if known_from(partition.timestamp).is_none_or(|first| version < first) => {
                    Err(ErrorCode::UNSUPPORTED_VERSION)
                }
                Some(topic) => find(broker, topic, &partition, version).await,
            };
            partitions.push(respond(partition.partition_index, found));
        }
        topics.push(ListOffsetsTopicResponse { name: asked.name, partitions });
    }
    ListOffsetsResponse { topics, ..Default::default() }
}

fn respond(partition_index: i32, found: Result<(i64, i64, i32), ErrorCode>) -> ListOffsetsPartitionResponse {
    let (error_code, (timestamp, offset, leader_epoch)) = match found {
        Ok(found) => (ErrorCode::NONE, found),
        Err(error_code) => (error_code, NONE),
    };
    ListOffsetsPartitionResponse { partition_index, error_code, timestamp, offset, leader_epoch }
}

/// (timestamp, offset, leader epoch)
async fn find(
    broker: &Broker,
    topic: &Topic,
    asked: &ListOffsetsPartition,
    version: i16,
) -> Result<(i64, i64, i32), ErrorCode> {
    let led = partition::led(broker, topic, asked.partition_index, asked.current_leader_epoch)?;
    let established = led.partition.isr().is_established(); // before the high watermark is read
    let Readable { view, high_watermark } = led.partition.read();
    match asked.timestamp {
        EARLIEST | EARLIEST_LOCAL | LATEST_TIERED | EARLIEST_PENDING_UPLOAD => {}
        _ if established => {}
        _ if version < OFFSET_NOT_AVAILABLE_FROM => return Err(ErrorCode::LEADER_NOT_AVAILABLE),
        _ => return Err(ErrorCode::OFFSET_NOT_AVAILABLE),
    }
    match asked.timestamp {
        LATEST => Ok((-1, high_watermark, led.leader_epoch)),
        EARLIEST | EARLIEST_LOCAL => {
            Ok((-1, view.log_start_offset(), view.epoch_of(view.log_start_offset())))
        }
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => Ok(NONE),
        timestamp => {
            let search = move || match timestamp {
                MAX_TIMESTAMP => view.max_timestamp(high_watermark),
                _ => view.offset_for_timestamp(timestamp, high_watermark),
            };
            let found = broker.spawner.blocking(search).await.map_err(|error: ReadError| error.code())?;
            Ok(found.map_or(NONE, |FoundTimestamp { offset, timestamp_ms, leader_epoch }| {
                (timestamp_ms, offset, leader_epoch)
            }))
        }
    }
}
