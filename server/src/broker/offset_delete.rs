//! OffsetDelete: committed offsets of topics that the group does not read (KIP-496).

use chronik_group::Ask;
use chronik_group::state::{Request, TopicPartition};
use chronik_kafka::ErrorCode;
use chronik_kafka::message::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};

use super::{Broker, groups};

/// Deletes what can be deleted; says of the rest why not.
pub(super) async fn offset_delete(broker: &Broker, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let state = broker.controller.state();
    let mut asked: Vec<TopicPartition> = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let known = state.topic(&topic.name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let partition_index = partition.partition_index;
            let exists = known.is_some_and(|known| known.partition(partition_index).is_some());
            if exists {
                asked.push((topic.name.clone(), partition_index));
            }
            let error_code = if exists { ErrorCode::NONE } else { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION };
            partitions.push(OffsetDeleteResponsePartition { partition_index, error_code });
        }
        topics.push(OffsetDeleteResponseTopic { name: topic.name, partitions });
    }
    let ask = Ask::Group(request.group_id, Request::DeleteOffsets(asked));
    let codes = match groups::ensure_topic(broker).await {
        Ok(()) => groups::codes(broker.groups.ask(ask).await),
        Err(code) => Err(code),
    };
    match codes {
        Err(error_code) => OffsetDeleteResponse { error_code, ..Default::default() },
        Ok(codes) => {
            let open = topics.iter_mut().flat_map(|topic| &mut topic.partitions);
            let open = open.filter(|partition| partition.error_code.is_none());
            open.zip(codes).for_each(|(partition, code)| partition.error_code = code);
            OffsetDeleteResponse { topics, ..Default::default() }
        }
    }
}
