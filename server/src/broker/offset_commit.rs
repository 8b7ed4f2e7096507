//! OffsetCommit: answered when the offsets are durable.

use chronik_group::Ask;
use chronik_group::state::{Commit, NewOffset, Request};
use chronik_kafka::ErrorCode;
use chronik_kafka::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::partition::TopicRef;
use super::{Broker, groups};
use crate::cluster::ClusterState;

/// First version that has an error for a group that is not there (KIP-848).
const GROUP_ID_NOT_FOUND_FROM: i16 = 9;
/// First version that names topics by id (KIP-848).
const TOPIC_IDS_FROM: i16 = 10;

/// Commits what can be committed; says of the rest why not.
pub(super) async fn offset_commit(
    broker: &Broker,
    request: OffsetCommitRequest,
    version: i16,
) -> OffsetCommitResponse {
    let state = broker.controller.state();
    let mut offsets = Vec::new();
    let mut response = OffsetCommitResponse::default();
    for topic in request.topics {
        response.topics.push(check(&state, topic, version, &mut offsets));
    }
    if offsets.is_empty() {
        return response;
    }
    let commit = Commit {
        member_id: request.member_id,
        group_instance_id: request.group_instance_id,
        generation: request.generation_id_or_member_epoch,
        offsets,
        retention_time_ms: request.retention_time_ms,
    };
    let ask = Ask::Group(request.group_id, Request::Commit(commit));
    let codes = match groups::ensure_topic(broker).await {
        Ok(()) => groups::codes(broker.groups.ask(ask).await),
        Err(code) => Err(code),
    };
    fill_in(
        &mut response,
        codes.map(|codes| codes.into_iter().map(|code| known_to(version, code)).collect()),
    );
    response
}

/// The code by which `version` knows it.
fn known_to(version: i16, code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::GROUP_ID_NOT_FOUND if version < GROUP_ID_NOT_FOUND_FROM => ErrorCode::ILLEGAL_GENERATION,
        code => code,
    }
}

/// The topic's part of the answer. What can be asked of the group is added to `offsets`, and has no error yet.
fn check(
    state: &ClusterState,
    topic: OffsetCommitRequestTopic,
    version: i16,
    offsets: &mut Vec<NewOffset>,
) -> OffsetCommitResponseTopic {
    let OffsetCommitRequestTopic { name, topic_id, partitions } = topic;
    let known = TopicRef::new(version >= TOPIC_IDS_FROM, &name, topic_id).resolve(state);
    let check = |partition: OffsetCommitRequestPartition| {
        let partition_index = partition.partition_index;
        let error_code = match known {
            Err(code) => code,
            Ok(topic) if topic.partition(partition_index).is_none() => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            Ok(topic) => {
                offsets.push(NewOffset {
                    topic: topic.name.as_str().into(),
                    partition: partition_index,
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: partition.committed_metadata.unwrap_or_default(),
                });
                ErrorCode::NONE
            }
        };
        OffsetCommitResponsePartition { partition_index, error_code }
    };
    OffsetCommitResponseTopic { name, topic_id, partitions: partitions.into_iter().map(check).collect() }
}

/// Puts the group's codes, in order, where there is no error yet.
fn fill_in(response: &mut OffsetCommitResponse, codes: Result<Vec<ErrorCode>, ErrorCode>) {
    let open = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    let open = open.filter(|partition| partition.error_code.is_none());
    match codes {
        Ok(codes) => open.zip(codes).for_each(|(partition, code)| partition.error_code = code),
        Err(code) => open.for_each(|partition| partition.error_code = code),
    }
}
