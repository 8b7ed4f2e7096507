//! ListPartitionReassignments (KIP-455): which replicas are moving.

use chronik_kafka::message::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, OngoingPartitionReassignment,
    OngoingTopicReassignment,
};

use crate::cluster::{ClusterState, Topic};

/// Of the partitions asked for, or of all, those that are being reassigned.
pub(super) fn list_partition_reassignments(
    state: &ClusterState,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let all = |_| true;
    let ongoing: Vec<OngoingTopicReassignment> = match request.topics {
        None => state.topics().map(|topic| under_way(topic, all)).collect(),
        Some(asked) => asked
            .iter()
            .filter_map(|asked| {
                let topic = state.topic(&asked.name)?;
                Some(under_way(topic, |index| asked.partition_indexes.contains(&index)))
            })
            .collect(),
    };
    let topics = ongoing.into_iter().filter(|topic| !topic.partitions.is_empty()).collect();
    ListPartitionReassignmentsResponse { topics, ..Default::default() }
}

fn under_way(topic: &Topic, is_asked_for: impl Fn(i32) -> bool) -> OngoingTopicReassignment {
    let ongoing = topic.indexed().filter(|(index, known)| known.is_reassigning() && is_asked_for(*index));
    let partition =
        |(partition_index, known): (i32, &crate::cluster::Partition)| OngoingPartitionReassignment {
            partition_index,
            replicas: known.replicas.clone(),
            adding_replicas: known.adding_replicas.clone(),
            removing_replicas: known.removing_replicas.clone(),
        };
    OngoingTopicReassignment {
        name: topic.name.as_str().into(),
        partitions: ongoing.map(partition).collect(),
    }
}

#[cfg(test)]
mod tests {
    use chronik_kafka::message::list_partition_reassignments::ListPartitionReassignmentsTopics;

    use super::*;
    use crate::cluster::example::cluster;
    use crate::cluster::{Command, Reassignment};

    #[test]
    fn what_is_moving_is_listed() {
        let mut state = cluster(&[(None, false), (None, false)]).with_topic("t", vec![vec![1], vec![1]]);
        let topic_id = state.topic("t").unwrap().id;
        let partitions = vec![Reassignment { topic_id, partition: 1, replicas: Some(vec![2]) }];
        state
            .apply(&Command::ReassignPartitions { partitions, allow_replication_factor_change: false })
            .unwrap();
        let list = |topics: Option<&[(&str, &[i32])]>| {
            let topic = |(name, indexes): &(&str, &[i32])| ListPartitionReassignmentsTopics {
                name: (*name).into(),
                partition_indexes: indexes.to_vec(),
            };
            let topics = topics.map(|topics| topics.iter().map(topic).collect());
            list_partition_reassignments(&state, ListPartitionReassignmentsRequest { topics, timeout_ms: 1 })
                .topics
        };
        let all = list(None);
        let [found] = &all[0].partitions[..] else { panic!("{all:?}") };
        assert_eq!((found.partition_index, &found.replicas[..]), (1, &[2, 1][..]));
        assert_eq!((&found.adding_replicas[..], &found.removing_replicas[..]), (&[2][..], &[1][..]));
        assert_eq!(list(Some(&[("t", &[0, 1])])), all);
        assert_eq!(list(Some(&[("t", &[0]), ("nowhere", &[0])])), []);
    }
}
