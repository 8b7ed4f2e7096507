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
        let partitions = topic.indexed().skip_while(|(index, _)| *index < first).take(left);
        let partitions: Vec<_> = partitions.map(|(index, known)| describe(state, index, known)).collect();
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

fn describe(
    state: &ClusterState,
    partition_index: i32,
    known: &Partition,
) -> DescribeTopicPartitionsResponsePartition {
    let leader = state.live_leader(known);
    DescribeTopicPartitionsResponsePartition {
        error_code: leader.map_or(ErrorCode::LEADER_NOT_AVAILABLE, |_| ErrorCode::NONE),
        partition_index,
        leader_id: leader.map_or(-1, |leader| leader.node_id),
        leader_epoch: known.leader_epoch,
        replica_nodes: known.replicas.clone(),
        isr_nodes: known.in_sync_replicas.clone(),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        offline_replicas: state.offline_replicas(known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::example::cluster;

    fn state(topics: &[(&str, usize)]) -> ClusterState {
        let topics = topics.iter();
        topics.fold(cluster(&[(None, false)]), |state, (name, partitions)| {
            state.with_topic(name, vec![vec![1]; *partitions])
        })
    }

    #[test]
    fn replicas_and_leaders_that_are_not_there_are_named() {
        let state = cluster(&[(None, false); 3]);
        let state = state.with_topic("t", vec![vec![3, 1], vec![3]]).after_the_end_of(3);
        let response = page(&state, vec!["t".into()], None, 10);
        let found: Vec<_> = response.topics[0]
            .partitions
            .iter()
            .map(|p| (p.error_code, p.leader_id, p.isr_nodes.clone(), p.offline_replicas.clone()))
            .collect();
        let expected =
            [(ErrorCode::NONE, 1, vec![1], vec![3]), (ErrorCode::LEADER_NOT_AVAILABLE, -1, vec![3], vec![3])];
        assert_eq!(found, expected);
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
