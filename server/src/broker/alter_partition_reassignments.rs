//! AlterPartitionReassignments (KIP-455): moves replicas to other brokers, or leaves them where they were.

use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_kafka::message::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartitionResponse,
    ReassignableTopic, ReassignableTopicResponse,
};
use uuid::Uuid;

use super::Broker;
use super::error::{Refused, of_named_topic, split};
use crate::cluster::{Applied, ClusterState, Command, ProposeError, Reassigned, Reassignment};

/// Answers for every partition. That a reassignment is accepted does not mean that it is done.
pub(super) async fn alter_partition_reassignments(
    broker: &Broker,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or_default());
    let allow_replication_factor_change = request.allow_replication_factor_change;
    let partitions = named(&broker.controller.state(), &request.topics);
    let proposed = broker
        .controller
        .propose(Command::ReassignPartitions { partitions, allow_replication_factor_change });
    let outcomes = tokio::select! {
        biased;
        applied = proposed => reassigned(applied),
        () = broker.clock.sleep(timeout) => {
            Err((ErrorCode::REQUEST_TIMED_OUT, "the reassignments are still being begun".to_owned()))
        }
    };
    let answer =
        AlterPartitionReassignmentsResponse { allow_replication_factor_change, ..Default::default() };
    match outcomes {
        Ok(outcomes) => {
            AlterPartitionReassignmentsResponse { responses: respond(request.topics, outcomes), ..answer }
        }
        Err(refused) => {
            let (error_code, error_message) = split::<()>(Err(refused));
            AlterPartitionReassignmentsResponse { error_code, error_message, ..answer }
        }
    }
}

/// Those asked for, in that order. A topic that there is not has an id that no topic has.
fn named(state: &ClusterState, topics: &[ReassignableTopic]) -> Vec<Reassignment> {
    let mut partitions = Vec::new();
    for topic in topics {
        let topic_id = state.topic(&topic.name).map_or(Uuid::nil(), |topic| topic.id);
        partitions.extend(topic.partitions.iter().map(|asked| Reassignment {
            topic_id,
            partition: asked.partition_index,
            replicas: asked.replicas.clone(),
        }));
    }
    partitions
}

fn reassigned(applied: Result<Applied, ProposeError>) -> Result<Vec<Reassigned>, Refused> {
    match applied {
        Ok(Applied::PartitionsReassigned { outcomes }) => {
            Ok(outcomes.into_iter().map(|(.., outcome)| outcome).collect())
        }
        Ok(other) => unreachable!("a reassignment came to {other:?}"),
        Err(error) => Err(of_named_topic(&error)),
    }
}

fn respond(topics: Vec<ReassignableTopic>, outcomes: Vec<Reassigned>) -> Vec<ReassignableTopicResponse> {
    let mut outcomes = outcomes.into_iter();
    let mut responses = Vec::with_capacity(topics.len());
    for topic in topics {
        let partitions = topic.partitions.iter().zip(&mut outcomes).map(|(asked, outcome)| {
            let (error_code, error_message) = split(refusal(outcome));
            ReassignablePartitionResponse {
                partition_index: asked.partition_index,
                error_code,
                error_message,
            }
        });
        responses.push(ReassignableTopicResponse { partitions: partitions.collect(), name: topic.name });
    }
    responses
}

fn refusal(outcome: Reassigned) -> Result<(), Refused> {
    match outcome {
        Reassigned::Accepted => Ok(()),
        Reassigned::NoneInProgress => Err((
            ErrorCode::NO_REASSIGNMENT_IN_PROGRESS,
            "no reassignment of this partition is under way".to_owned(),
        )),
        Reassigned::UnknownPartition => {
            Err((ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "there is no such partition".to_owned()))
        }
        Reassigned::OtherFactor { present, asked } => Err((
            ErrorCode::INVALID_REPLICATION_FACTOR,
            format!(
                "the partition has {present} replicas, and {asked} were asked for: allow another replication factor, or name as many"
            ),
        )),
        Reassigned::Invalid(message) => Err((ErrorCode::INVALID_REPLICA_ASSIGNMENT, message)),
    }
}

#[cfg(test)]
mod tests {
    use chronik_kafka::message::alter_partition_reassignments::ReassignablePartition;

    use super::*;
    use crate::cluster::example::cluster;

    #[test]
    fn every_partition_has_its_own_answer() {
        let mut state = cluster(&[(None, false), (None, false)]).with_topic("t", vec![vec![1], vec![1]]);
        let asked = |name: &str, partitions: &[(i32, Option<&[i32]>)]| ReassignableTopic {
            name: name.into(),
            partitions: partitions
                .iter()
                .map(|(partition_index, replicas)| ReassignablePartition {
                    partition_index: *partition_index,
                    replicas: replicas.map(<[i32]>::to_vec),
                })
                .collect(),
        };
        let topics = vec![
            asked("nowhere", &[(0, None)]),
            asked("t", &[(1, Some(&[2])), (0, None), (2, Some(&[1])), (0, Some(&[1, 2])), (0, Some(&[7]))]),
        ];
        let partitions = named(&state, &topics);
        let command = Command::ReassignPartitions { partitions, allow_replication_factor_change: false };
        let outcomes = reassigned(Ok(state.apply(&command).unwrap())).unwrap();
        let codes: Vec<ErrorCode> = respond(topics, outcomes)
            .iter()
            .flat_map(|topic| &topic.partitions)
            .map(|partition| partition.error_code)
            .collect();
        let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
        assert_eq!(
            codes,
            [
                unknown,
                ErrorCode::NONE,
                ErrorCode::NO_REASSIGNMENT_IN_PROGRESS,
                unknown,
                ErrorCode::INVALID_REPLICATION_FACTOR,
                ErrorCode::INVALID_REPLICA_ASSIGNMENT
            ]
        );
    }
}
