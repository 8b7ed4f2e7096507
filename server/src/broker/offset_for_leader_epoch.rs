//! OffsetForLeaderEpoch: where an epoch ends, so that a reader can find where its history and ours part (KIP-101, KIP-320).

use chronik_kafka::ErrorCode;
use chronik_kafka::message::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
};

use super::Broker;
use super::partition;
use crate::cluster::Topic;
use crate::storage::Durable;

/// Answers for every partition asked for.
pub(super) fn offset_for_leader_epoch(
    broker: &Broker,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let state = broker.controller.state();
    let topics = request.topics.into_iter().map(|asked| {
        let topic = state.topic(&asked.topic);
        let partitions =
            asked.partitions.iter().map(|partition| find(broker, topic.map(|topic| &**topic), partition));
        OffsetForLeaderTopicResult { partitions: partitions.collect(), topic: asked.topic }
    });
    OffsetForLeaderEpochResponse { topics: topics.collect(), ..Default::default() }
}

fn find(broker: &Broker, topic: Option<&Topic>, asked: &OffsetForLeaderPartition) -> EpochEndOffset {
    let found = topic
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
        .and_then(|topic| partition::led(broker, topic, asked.partition, asked.current_leader_epoch));
    match found {
        Err(error_code) => EpochEndOffset { error_code, partition: asked.partition, ..Default::default() },
        Ok(led) => {
            let Durable { view, log_end_offset } = led.partition.durable();
            let (leader_epoch, end_offset) =
                view.end_offset_for_epoch(asked.leader_epoch, led.leader_epoch, log_end_offset);
            EpochEndOffset {
                error_code: ErrorCode::NONE,
                partition: asked.partition,
                leader_epoch,
                end_offset,
            }
        }
    }
}
