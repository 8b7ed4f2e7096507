//! CreatePartitions: more partitions for topics that there are.

use std::collections::BTreeSet;
use std::time::Duration;

use chronik_kafka::message::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};
use chronik_kafka::{ErrorCode, Str};
use uuid::Uuid;

use super::Broker;
use super::create_topics::{check_assignment, check_room, spread};
use super::error::{Refused, of_named_topic, split};
use crate::cluster::{Command, topic_config};
use crate::limits;

/// Answers for every topic.
pub(super) async fn create_partitions(
    broker: &Broker,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or_default());
    let deadline = broker.clock.uptime() + timeout;
    let mut named = BTreeSet::new();
    let twice: BTreeSet<Str> = request
        .topics
        .iter()
        .map(|topic| topic.name.clone())
        .filter(|name| !named.insert(name.clone()))
        .collect();
    let mut results = Vec::with_capacity(request.topics.len());
    for asked in request.topics {
        let created = if twice.contains(&asked.name) {
            Err((ErrorCode::INVALID_REQUEST, "the request names this topic twice".to_owned()))
        } else {
            create(broker, &asked, request.validate_only, deadline).await
        };
        let (error_code, error_message) = split(created);
        results.push(CreatePartitionsTopicResult { name: asked.name, error_code, error_message });
    }
    CreatePartitionsResponse { results, ..Default::default() }
}

async fn create(
    broker: &Broker,
    asked: &CreatePartitionsTopic,
    validate_only: bool,
    deadline: Duration,
) -> Result<(), Refused> {
    let (id, present, assignment) = plan(broker, asked)?;
    if validate_only {
        return Ok(());
    }
    let proposed = broker.controller.propose(Command::CreatePartitions { id, present, assignment });
    tokio::select! {
        biased;
        created = proposed => created.map(drop).map_err(|error| of_named_topic(&error)),
        () = broker.clock.sleep(deadline.saturating_sub(broker.clock.uptime())) => {
            Err((ErrorCode::REQUEST_TIMED_OUT, "the partitions are still being created".to_owned()))
        }
    }
}

/// The topic, how many partitions it has, and the replicas of the new ones.
fn plan(broker: &Broker, asked: &CreatePartitionsTopic) -> Result<(Uuid, usize, Vec<Vec<i32>>), Refused> {
    let state = broker.controller.state();
    let unknown =
        || (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, format!("the topic '{}' does not exist", asked.name));
    let topic = state.topic(&asked.name).ok_or_else(unknown)?;
    if topic_config::is_internal(&asked.name) {
        let message = "what the server keeps in this topic is spread over the partitions that it has";
        return Err((ErrorCode::INVALID_REQUEST, message.to_owned()));
    }
    let present = topic.partitions.len();
    let added = added(present, asked.count)?;
    let replicas = topic.partitions.first().map_or(1, |partition| partition.target_replicas().len());
    let assignment = match &asked.assignments {
        Some(assignments) => manual(assignments, added, replicas)?,
        None => spread(&state, &topic.partitions, added, replicas)?,
    };
    check_assignment(&state, &assignment)?;
    check_room(&state, added)?;
    Ok((topic.id, present, assignment))
}

/// How many partitions are to be added so that there are `count`.
fn added(present: usize, count: i32) -> Result<usize, Refused> {
    let invalid = |message| Err((ErrorCode::INVALID_PARTITIONS, message));
    match usize::try_from(count) {
        Ok(count) if count == present => invalid(format!("the topic already has {present} partitions")),
        Ok(count) if count > present => match count {
            _ if asked_too_many(count) => invalid(format!(
                "{count} partitions; a topic has at most {}",
                limits::MAX_PARTITIONS_PER_TOPIC
            )),
            _ => Ok(count - present),
        },
        _ => invalid(format!("the topic has {present} partitions; {count} would not be more")),
    }
}

fn asked_too_many(count: usize) -> bool {
    i32::try_from(count).is_ok_and(|count| count > limits::MAX_PARTITIONS_PER_TOPIC)
}

/// An assignment by hand names every new partition, each with as many replicas as the topic has.
fn manual(
    assignments: &[CreatePartitionsAssignment],
    added: usize,
    replicas: usize,
) -> Result<Vec<Vec<i32>>, Refused> {
    let invalid = |message| Err((ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
    if assignments.len() != added {
        return invalid(format!("{added} partitions are added, but {} are assigned", assignments.len()));
    }
    if let Some(other) = assignments.iter().find(|assignment| assignment.broker_ids.len() != replicas) {
        let found = other.broker_ids.len();
        return invalid(format!("a partition has {found} replicas, those of this topic have {replicas}"));
    }
    Ok(assignments.iter().map(|assignment| assignment.broker_ids.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_only_grows() {
        for (present, count, expected) in [
            (1, 3, Ok(2)),
            (3, 3, Err(ErrorCode::INVALID_PARTITIONS)),
            (3, 2, Err(ErrorCode::INVALID_PARTITIONS)),
            (3, -1, Err(ErrorCode::INVALID_PARTITIONS)),
            (3, 10_000, Ok(9_997)),
            (3, 10_001, Err(ErrorCode::INVALID_PARTITIONS)),
            (3, i32::MAX, Err(ErrorCode::INVALID_PARTITIONS)),
        ] {
            assert_eq!(added(present, count).map_err(|(code, _)| code), expected, "{present} to {count}");
        }
    }

    #[test]
    fn an_assignment_by_hand_fits_what_is_added() {
        let assignment = |broker_ids: &[i32]| CreatePartitionsAssignment { broker_ids: broker_ids.to_vec() };
        assert_eq!(manual(&[assignment(&[1]), assignment(&[2])], 2, 1), Ok(vec![vec![1], vec![2]]));
        for (assignments, added, replicas) in
            [(vec![assignment(&[1])], 2, 1), (vec![assignment(&[1, 2])], 1, 1), (vec![], 1, 1)]
        {
            let refused = manual(&assignments, added, replicas).unwrap_err();
            assert_eq!(refused.0, ErrorCode::INVALID_REPLICA_ASSIGNMENT);
        }
    }
}
