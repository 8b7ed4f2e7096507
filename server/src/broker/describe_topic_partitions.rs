//! DescribeTopicPartitions (KIP-966): topics in pages of partitions.

use std::collections::BTreeSet;

use chronik_kafka::message::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use chronik_kafka::{ErrorCode, Str};

use super::Broker;
use super::error::KafkaError;
use super::metadata::TOPIC_OPERATIONS;
use crate::cluster::{ClusterState, Partition, Topic, topic_config};
use crate::limits;

/// One page, from the cursor on, in order of name.
pub(super) fn describe_topic_partitions(
    broker: &Broker,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let state = broker.controller.state();
    let asked: Vec<Str> = request.topics.into_iter().map(|topic| topic.name).collect();
    if !is_sound(&asked, request.cursor.as_ref()) {
        let refused = |name| unknown(name, ErrorCode::INVALID_REQUEST);
        return DescribeTopicPartitionsResponse {
            topics: asked.into_iter().map(refused).collect(),
            ..Default::default()
        };
    }
    let limit = usize::try_from(request.response_partition_limit).unwrap_or_default();
    page(&state, asked, request.cursor, limit.clamp(1, limits::MAX_DESCRIBED_PARTITIONS))
}

/// A cursor points into what is asked for.
fn is_sound(asked: &[Str], cursor: Option<&Cursor>) -> bool {
    cursor.is_none_or(|cursor| {
        cursor.partition_index >= 0 && (asked.is_empty() || asked.contains(&cursor.topic_name))
    })
}

fn page(
    state: &ClusterState,
    asked: Vec<Str>,
    cursor: Option<Cursor>,
    limit: usize,
) -> DescribeTopicPartitionsResponse {
    let from = cursor.unwrap_or(Cursor { topic_name: Str::default(), partition_index: 0 });
    let names: BTreeSet<Str> = if asked.is_empty() {
        state.topics().map(|topic| topic.name.as_str().into()).collect()
    } else {
        asked.into_iter().collect()
    };
    let (mut topics, mut left) = (Vec::new(), limit);
    for name in names.into_iter().filter(|name| **name >= *from.topic_name) {
        if left == 0 {
            let next_cursor = Some(Cursor { topic_name: name, partition_index: 0 });
            return DescribeTopicPartitionsResponse { topics, next_cursor, ..Default::default() };
        }
        let Some(topic) = state.topic(&name) else {
            let legal = topic_config::validate_name(&name).map_err(|error| error.code());
            topics.push(unknown(name, legal.err().unwrap_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)));
            continue;
        };
        let first = if name == from.topic_name { from.partition_index } else { 0 };
        let partitions: Vec<_> =
            topic.indexed().skip_while(|(index, _)| *index < first).take(left).map(describe).collect();
        left -= partitions.len();
        let next = partitions.last().map_or(0, |last| last.partition_index + 1);
        let unfinished = !partitions.is_empty() && topic.partition(next).is_some();
        topics.push(described(topic, partitions));
        if unfinished {
            let next_cursor = Some(Cursor { topic_name: name, partition_index: next });
            return DescribeTopicPartitionsResponse { topics, next_cursor, ..Default::default() };
        }
    }
    DescribeTopicPartitionsResponse { topics, ..Default::default() }
}

fn unknown(name: Str, error_code: ErrorCode) -> DescribeTopicPartitionsResponseTopic {
    let is_internal = topic_config::is_internal(&name);
    DescribeTopicPartitionsResponseTopic { error_code, name: Some(name), is_internal, ..Default::default() }
}

fn described(
    topic: &Topic,
    partitions: Vec<DescribeTopicPartitionsResponsePartition>,
) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.as_str().into()),
        topic_id: topic.id,
        is_internal: topic_config::is_internal(&topic.name),
        partitions,
        topic_authorized_operations: TOPIC_OPERATIONS,
        ..Default::default()
    }
}

fn describe((partition_index, partition): (i32, &Partition)) -> DescribeTopicPartitionsResponsePartition {
    let led = partition.leader.is_some();
    DescribeTopicPartitionsResponsePartition {
        error_code: if led { ErrorCode::NONE } else { ErrorCode::LEADER_NOT_AVAILABLE },
        partition_index,
        leader_id: partition.leader.unwrap_or(-1),
        leader_epoch: partition.leader_epoch,
        replica_nodes: partition.replicas.clone(),
        isr_nodes: partition.in_sync_replicas.clone(),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        offline_replicas: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::cluster::Command;

    fn state(topics: &[(&str, usize)]) -> ClusterState {
        let mut state = ClusterState::default();
        let (host, port) = ("h".into(), 1);
        let (rack, inter_node, incarnation, fenced) = (None, None, Uuid::nil(), false);
        let register =
            Command::RegisterBroker { node_id: 1, host, port, rack, inter_node, incarnation, fenced };
        state.apply(&register).unwrap();
        for (id, (name, partitions)) in (1..).zip(topics) {
            let create = Command::CreateTopic {
                name: (*name).into(),
                id: Uuid::from_u128(id),
                assignment: vec![vec![1]; *partitions],
                configs: BTreeMap::new(),
            };
            state.apply(&create).unwrap();
        }
        state
    }

    /// Topic and partition of everything that pages of `limit` show, and how many pages there are.
    fn walk(state: &ClusterState, asked: &[&str], limit: usize) -> (Vec<(String, i32)>, usize) {
        let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let asked = asked.iter().map(|name| Str::from(*name)).collect();
            let response = page(state, asked, cursor.take(), limit);
            pages += 1;
            let shown: usize = response.topics.iter().map(|topic| topic.partitions.len()).sum();
            assert!(shown <= limit, "{shown} of {limit}");
            for topic in response.topics {
                let name = topic.name.unwrap().to_string();
                found.extend(topic.partitions.iter().map(|p| (name.clone(), p.partition_index)));
            }
            cursor = response.next_cursor;
            if cursor.is_none() {
                return (found, pages);
            }
        }
    }

    #[test]
    fn pages_show_everything_once() {
        let state = state(&[("b", 3), ("a", 2), ("c", 1)]);
        let all = [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2), ("c", 0)];
        let all: Vec<_> = all.iter().map(|(name, index)| ((*name).to_owned(), *index)).collect();
        for (limit, pages) in [(1, 6), (2, 3), (3, 2), (4, 2), (5, 2), (6, 1), (7, 1)] {
            assert_eq!(walk(&state, &[], limit), (all.clone(), pages), "{limit} a page");
        }
        assert_eq!(walk(&state, &["c", "a"], 2).0.len(), 3);
    }

    #[test]
    fn an_unknown_topic_is_named_and_takes_no_room() {
        let state = state(&[("a", 1)]);
        let response = page(&state, vec!["a".into(), "b".into(), "/".into()], None, 2);
        let codes: Vec<_> = response.topics.iter().map(|topic| topic.error_code).collect();
        let expected =
            [ErrorCode::INVALID_TOPIC_EXCEPTION, ErrorCode::NONE, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION];
        assert_eq!(codes, expected, "in order of name");
        assert_eq!(response.next_cursor, None);
    }

    #[test]
    fn a_cursor_that_points_elsewhere_is_none() {
        let cursor = |name: &str, partition_index| Cursor { topic_name: name.into(), partition_index };
        assert!(is_sound(&[], Some(&cursor("gone", 3))) && is_sound(&["a".into()], None));
        assert!(!is_sound(&[], Some(&cursor("a", -1))));
        assert!(!is_sound(&["a".into()], Some(&cursor("b", 0))));
    }
}
