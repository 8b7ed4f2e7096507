//! OffsetFetch: committed offsets, of one group, or of several from version 8 on (KIP-709).

use std::collections::BTreeMap;

use chronik_group::records::OffsetValue;
use chronik_group::state::TopicPartition;
use chronik_group::{Ask, Reply};
use chronik_kafka::message::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponse, OffsetFetchResponseGroup,
    OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use chronik_kafka::{ErrorCode, Str};
use uuid::Uuid;

use super::partition::TopicRef;
use super::{Broker, groups};
use crate::cluster::ClusterState;

/// First version that has an error for the whole answer.
const GROUP_ERROR_FROM: i16 = 2;
/// First version that asks for several groups.
const BATCHED_FROM: i16 = 8;
/// First version that names topics by id (KIP-848).
const TOPIC_IDS_FROM: i16 = 10;
/// "No offset", and "no leader epoch".
const NONE: i32 = -1;

/// Answers for every group. All offsets are stable: a commit is visible once it is durable, and there are no transactions.
pub(super) async fn offset_fetch(
    broker: &Broker,
    request: OffsetFetchRequest,
    version: i16,
) -> OffsetFetchResponse {
    if version < BATCHED_FROM {
        return single(broker, request, version).await;
    }
    let mut groups = Vec::with_capacity(request.groups.len());
    for group in request.groups {
        groups.push(of_group(broker, group, version).await);
    }
    OffsetFetchResponse { groups, ..Default::default() }
}

async fn single(broker: &Broker, request: OffsetFetchRequest, version: i16) -> OffsetFetchResponse {
    let asked: Option<Vec<TopicPartition>> = request.topics.map(|topics| {
        let of_topic = topics.into_iter().flat_map(|topic| named(topic.name, topic.partition_indexes));
        of_topic.collect()
    });
    let partition = |(index, value, error_code): (i32, Option<OffsetValue>, ErrorCode)| {
        let OffsetFetchResponsePartitions { committed_offset, committed_leader_epoch, metadata, .. } =
            respond(index, value, error_code);
        OffsetFetchResponsePartition {
            partition_index: index,
            committed_offset,
            committed_leader_epoch,
            metadata,
            error_code,
        }
    };
    let (offsets, error_code) = match fetch(broker, request.group_id, asked.clone()).await {
        Ok(offsets) => (offsets, ErrorCode::NONE),
        // Version 1 can say it only of each partition.
        Err(code) if version < GROUP_ERROR_FROM => {
            (asked.unwrap_or_default().into_iter().map(|asked| (asked, None)).collect(), code)
        }
        Err(error_code) => return OffsetFetchResponse { error_code, ..Default::default() },
    };
    let topics = by_topic(offsets).into_iter().map(|(name, partitions)| OffsetFetchResponseTopic {
        name,
        partitions: partitions
            .into_iter()
            .map(|(index, value)| partition((index, value, error_code)))
            .collect(),
    });
    OffsetFetchResponse { topics: topics.collect(), ..Default::default() }
}

async fn of_group(broker: &Broker, group: OffsetFetchRequestGroup, version: i16) -> OffsetFetchResponseGroup {
    let by_id = version >= TOPIC_IDS_FROM;
    let state = broker.controller.state();
    let mut unknown = Vec::new();
    let asked = group.topics.map(|topics| {
        let mut asked = Vec::new();
        for topic in topics {
            match (by_id, TopicRef::new(by_id, &topic.name, topic.topic_id).resolve(&state)) {
                (true, Err(code)) => {
                    unknown.push(unknown_topic(topic.topic_id, topic.partition_indexes, code));
                }
                (true, Ok(known)) => asked.extend(named(known.name.as_str().into(), topic.partition_indexes)),
                (false, _) => asked.extend(named(topic.name, topic.partition_indexes)),
            }
        }
        asked
    });
    match fetch(broker, group.group_id.clone(), asked).await {
        Err(error_code) => {
            OffsetFetchResponseGroup { group_id: group.group_id, error_code, ..Default::default() }
        }
        Ok(offsets) => {
            let found = by_topic(offsets).into_iter().filter_map(|(name, partitions)| {
                let topic_id = if by_id { id_of(&state, &name)? } else { Uuid::nil() };
                let partitions =
                    partitions.into_iter().map(|(index, value)| respond(index, value, ErrorCode::NONE));
                Some(OffsetFetchResponseTopics { name, topic_id, partitions: partitions.collect() })
            });
            let topics = found.chain(unknown).collect();
            OffsetFetchResponseGroup { group_id: group.group_id, topics, ..Default::default() }
        }
    }
}

fn id_of(state: &ClusterState, name: &str) -> Option<Uuid> {
    state.topic(name).map(|topic| topic.id)
}

fn unknown_topic(topic_id: Uuid, partitions: Vec<i32>, code: ErrorCode) -> OffsetFetchResponseTopics {
    let partitions = partitions.into_iter().map(|index| respond(index, None, code)).collect();
    OffsetFetchResponseTopics { topic_id, partitions, ..Default::default() }
}

fn named(topic: Str, partitions: Vec<i32>) -> impl Iterator<Item = TopicPartition> {
    partitions.into_iter().map(move |partition| (topic.clone(), partition))
}

/// A group without a topic to keep it in has no offsets, which is no error.
async fn fetch(
    broker: &Broker,
    group: Str,
    asked: Option<Vec<TopicPartition>>,
) -> Result<Vec<(TopicPartition, Option<OffsetValue>)>, ErrorCode> {
    groups::ensure_topic(broker).await?;
    match broker.groups.ask(Ask::Offsets(group, asked)).await {
        Reply::Offsets(offsets) => Ok(offsets),
        other => Err(groups::code(other)),
    }
}

/// A topic's partitions, each with its offset if it has one.
type OfTopic = (Str, Vec<(i32, Option<OffsetValue>)>);

/// In the order in which topics are first named.
fn by_topic(offsets: Vec<(TopicPartition, Option<OffsetValue>)>) -> Vec<OfTopic> {
    let mut places: BTreeMap<Str, usize> = BTreeMap::new();
    let mut topics: Vec<OfTopic> = Vec::new();
    for ((topic, partition), value) in offsets {
        let place = *places.entry(topic.clone()).or_insert(topics.len());
        if place == topics.len() {
            topics.push((topic, Vec::new()));
        }
        topics[place].1.push((partition, value));
    }
    topics
}

fn respond(
    partition_index: i32,
    value: Option<OffsetValue>,
    error_code: ErrorCode,
) -> OffsetFetchResponsePartitions {
    let (committed_offset, committed_leader_epoch, metadata) = match value {
        Some(OffsetValue { offset, leader_epoch, metadata, .. }) => (offset, leader_epoch, metadata),
        None => (NONE.into(), NONE, Str::default()),
    };
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset,
        committed_leader_epoch,
        metadata: Some(metadata),
        error_code,
    }
}
