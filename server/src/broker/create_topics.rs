//! CreateTopics: checks what is asked for, completes it with defaults, proposes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chronik_kafka::message::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreatableTopicResult,
    CreateTopicsRequest, CreateTopicsResponse,
};
use chronik_kafka::{ErrorCode, Str};
use uuid::Uuid;

use super::error::{KafkaError, Refused};
use super::{Broker, describe_configs};
use crate::cluster::{Applied, ClusterState, Command, Partition, ProposeError, placement, topic_config};
use crate::limits;

/// "The broker's default", for partitions and replication factor (KIP-464).
const DEFAULT: i32 = -1;

/// A topic as it is asked for.
pub(super) struct NewTopic {
    name: String,
    partitions: i32,
    replication_factor: i32,
    /// Replicas by partition; empty to have them chosen.
    assignment: Vec<Vec<i32>>,
    configs: BTreeMap<String, String>,
}

/// A topic that can be created.
pub(super) struct Checked {
    assignment: Vec<Vec<i32>>,
    configs: BTreeMap<String, String>,
}

impl NewTopic {
    /// A topic of which only the name matters.
    pub(super) fn with_defaults(name: String) -> Self {
        Self {
            name,
            partitions: DEFAULT,
            replication_factor: DEFAULT,
            assignment: Vec::new(),
            configs: BTreeMap::new(),
        }
    }
}

/// Creates what can be created; says of the rest why not.
pub(super) async fn create_topics(broker: &Broker, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let deadline =
        broker.clock.uptime() + Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or_default());
    let mut named = BTreeSet::new();
    let twice: BTreeSet<Str> = request
        .topics
        .iter()
        .filter(|topic| !named.insert(topic.name.clone()))
        .map(|topic| topic.name.clone())
        .collect();
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in request.topics {
        let name = asked.name.clone();
        let created = if twice.contains(&name) {
            Err((ErrorCode::INVALID_REQUEST, "the request names this topic twice".to_owned()))
        } else {
            create_in_time(broker, asked, request.validate_only, deadline).await
        };
        topics.push(respond(broker, name, created));
    }
    CreateTopicsResponse { topics, ..Default::default() }
}

async fn create_in_time(
    broker: &Broker,
    asked: CreatableTopic,
    validate_only: bool,
    deadline: Duration,
) -> Result<(Uuid, Checked), Refused> {
    let new = new_topic(asked)?;
    if topic_config::is_internal(&new.name) {
        let message = "the server itself creates this topic when it needs it";
        return Err((ErrorCode::INVALID_TOPIC_EXCEPTION, message.to_owned()));
    }
    if validate_only {
        if broker.controller.state().topic(&new.name).is_some() {
            return Err((ErrorCode::TOPIC_ALREADY_EXISTS, format!("topic '{}' already exists", new.name)));
        }
        let checked = check(broker, &new)?;
        check_room(&broker.controller.state(), checked.assignment.len())?;
        return Ok((Uuid::nil(), checked));
    }
    tokio::select! {
        biased;
        created = create(broker, new) => created,
        () = broker.clock.sleep(deadline.saturating_sub(broker.clock.uptime())) => {
            Err((ErrorCode::REQUEST_TIMED_OUT, "the topic is still being created".to_owned()))
        }
    }
}

/// Creates one topic.
///
/// # Errors
/// Invalid, refused, or not stored.
pub(super) async fn create(broker: &Broker, new: NewTopic) -> Result<(Uuid, Checked), Refused> {
    let checked = check(broker, &new)?;
    let command = Command::CreateTopic {
        name: new.name,
        id: Uuid::nil(), // the controller chooses it
        assignment: checked.assignment.clone(),
        configs: checked.configs.clone(),
    };
    match broker.controller.propose(command).await {
        Ok(Applied::Created { id }) => Ok((id, checked)),
        Ok(other) => unreachable!("creating a topic came to {other:?}"),
        Err(error) => Err((error.code(), error.to_string())),
    }
}

fn new_topic(asked: CreatableTopic) -> Result<NewTopic, Refused> {
    let CreatableTopic { name, num_partitions, replication_factor, assignments, configs } = asked;
    if !assignments.is_empty() && (num_partitions != DEFAULT || i32::from(replication_factor) != DEFAULT) {
        let message = "with a manual assignment, the partition count and the replication factor must be -1";
        return Err((ErrorCode::INVALID_REQUEST, message.to_owned()));
    }
    let config = |config: CreatableTopicConfig| match config.value {
        Some(value) => Ok((config.name.to_string(), value.to_string())),
        None => Err((ErrorCode::INVALID_CONFIG, format!("'{}' has no value", config.name))),
    };
    Ok(NewTopic {
        name: name.to_string(),
        partitions: num_partitions,
        replication_factor: replication_factor.into(),
        assignment: ordered(assignments)?,
        configs: configs.into_iter().map(config).collect::<Result<_, _>>()?,
    })
}

/// A manual assignment names every partition once, from 0 on.
fn ordered(mut assignments: Vec<CreatableReplicaAssignment>) -> Result<Vec<Vec<i32>>, Refused> {
    assignments.sort_by_key(|assignment| assignment.partition_index);
    let consecutive =
        (0i32..).zip(&assignments).all(|(index, assignment)| assignment.partition_index == index);
    if !consecutive {
        let message = "the assignment must name every partition once, from 0 on";
        return Err((ErrorCode::INVALID_REPLICA_ASSIGNMENT, message.to_owned()));
    }
    Ok(assignments.into_iter().map(|assignment| assignment.broker_ids).collect())
}

fn check(broker: &Broker, new: &NewTopic) -> Result<Checked, Refused> {
    let refused = |error: topic_config::TopicConfigError| (error.code(), error.to_string());
    topic_config::validate_name(&new.name).map_err(refused)?;
    let effective = broker.settings.node.effective(&broker.controller.state());
    topic_config::validate(&effective, &new.configs).map_err(refused)?;
    let assignment = if new.assignment.is_empty() { choose(broker, new)? } else { new.assignment.clone() };
    check_assignment(&broker.controller.state(), &assignment)?;
    Ok(Checked { assignment, configs: new.configs.clone() })
}

/// Replicas for every partition.
fn choose(broker: &Broker, new: &NewTopic) -> Result<Vec<Vec<i32>>, Refused> {
    let partitions = if new.partitions == DEFAULT { broker.settings.num_partitions } else { new.partitions };
    if !(1..=limits::MAX_PARTITIONS_PER_TOPIC).contains(&partitions) {
        let message =
            format!("{partitions} partitions; a topic has 1 to {}", limits::MAX_PARTITIONS_PER_TOPIC);
        return Err((ErrorCode::INVALID_PARTITIONS, message));
    }
    let default = i32::from(broker.settings.default_replication_factor);
    let replicas = if new.replication_factor == DEFAULT { default } else { new.replication_factor };
    let replicas = usize::try_from(replicas).ok().filter(|replicas| *replicas > 0).ok_or_else(|| {
        let message =
            format!("replication factor {}; a partition has 1 replica or more", new.replication_factor);
        (ErrorCode::INVALID_REPLICATION_FACTOR, message)
    })?;
    spread(&broker.controller.state(), &[], usize::try_from(partitions).unwrap_or_default(), replicas)
}

/// Replicas for `count` new partitions of a topic that has those in `present`.
///
/// # Errors
/// `INVALID_REPLICATION_FACTOR`
pub(super) fn spread(
    state: &ClusterState,
    present: &[Partition],
    count: usize,
    replicas: usize,
) -> Result<Vec<Vec<i32>>, Refused> {
    placement::place(state, present, count, replicas)
        .map_err(|error| (ErrorCode::INVALID_REPLICATION_FACTOR, error.to_string()))
}

/// Whether every partition has replicas, on different brokers that there are, of which one at least is not fenced: it can lead.
///
/// # Errors
/// One has not.
pub(super) fn check_assignment(state: &ClusterState, assignment: &[Vec<i32>]) -> Result<(), Refused> {
    let refused = |message: &str| Err((ErrorCode::INVALID_REPLICA_ASSIGNMENT, message.to_owned()));
    for replicas in assignment {
        let distinct: BTreeSet<_> = replicas.iter().collect();
        let known = |id: &i32| state.brokers.contains_key(id);
        if replicas.is_empty() || distinct.len() != replicas.len() || !replicas.iter().all(known) {
            return refused("every partition needs replicas on different, known brokers");
        }
        if replicas.iter().all(|id| !state.is_live(*id)) {
            return refused("every partition needs a replica on a broker that is not fenced");
        }
    }
    Ok(())
}

/// Whether the cluster can have so many partitions more, as of now: what decides is what it has when they are created.
///
/// # Errors
/// `INVALID_PARTITIONS`
pub(super) fn check_room(state: &ClusterState, added: usize) -> Result<(), Refused> {
    let room = state.has_room_for(added, limits::MAX_PARTITIONS).map_err(ProposeError::from);
    room.map_err(|error| (error.code(), error.to_string()))
}

fn respond(broker: &Broker, name: Str, created: Result<(Uuid, Checked), Refused>) -> CreatableTopicResult {
    match created {
        Ok((topic_id, Checked { assignment, configs })) => CreatableTopicResult {
            name,
            topic_id,
            num_partitions: i32::try_from(assignment.len()).unwrap_or(i32::MAX),
            replication_factor: assignment.first().and_then(|r| i16::try_from(r.len()).ok()).unwrap_or(-1),
            configs: Some(describe_configs::of_new_topic(broker, &configs)),
            ..Default::default()
        },
        Err((error_code, message)) => CreatableTopicResult {
            name,
            error_code,
            error_message: Some(message.into()),
            ..Default::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::example::cluster;

    /// Brokers 1 and 2, and 3, which is fenced.
    fn state() -> ClusterState {
        cluster(&[(None, false), (None, false), (None, true)])
    }

    #[test]
    fn an_assignment_by_hand_names_different_brokers_that_there_are() {
        for (replicas, valid) in [
            (&[1][..], true),
            (&[2, 1], true),
            (&[3, 1], true),
            (&[3], false),
            (&[], false),
            (&[1, 1], false),
            (&[1, 4], false),
        ] {
            let checked = check_assignment(&state(), &[vec![1], replicas.to_vec()]);
            let code = checked.err().map(|(code, _)| code);
            let expected = (!valid).then_some(ErrorCode::INVALID_REPLICA_ASSIGNMENT);
            assert_eq!(code, expected, "{replicas:?}");
        }
    }

    #[test]
    fn a_replication_factor_needs_as_many_brokers_that_are_not_fenced() {
        assert_eq!(spread(&state(), &[], 1, 2), Ok(vec![vec![1, 2]]));
        let (code, message) = spread(&state(), &[], 1, 3).unwrap_err();
        assert_eq!(code, ErrorCode::INVALID_REPLICATION_FACTOR);
        assert!(message.contains("not fenced: 2; fenced") && message.ends_with(": 1"), "{message}");
    }

    #[test]
    fn a_cluster_has_so_many_partitions_and_no_more() {
        assert_eq!(check_room(&state(), limits::MAX_PARTITIONS), Ok(()));
        let (code, message) = check_room(&state(), limits::MAX_PARTITIONS + 1).unwrap_err();
        assert_eq!(code, ErrorCode::INVALID_PARTITIONS);
        assert!(message.contains("more than 50000"), "{message}");
    }
}
