//! ElectLeaders (KIP-460): moves leadership to the preferred replicas, or to any replica where nobody leads.

use std::collections::BTreeMap;
use std::time::Duration;

use chronik_kafka::message::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult, TopicPartitions,
};
use chronik_kafka::{ErrorCode, Str};
use uuid::Uuid;

use super::Broker;
use super::error::{Refused, of_named_topic};
use crate::cluster::{Applied, ClusterState, Command, Election, ElectionKind};

/// Topic and partition, and what came of them.
type Results = Vec<(Str, i32, Result<(), Refused>)>;

/// Answers for every partition that was named; if all were meant, for those that needed an election.
pub(super) async fn elect_leaders(broker: &Broker, request: ElectLeadersRequest) -> ElectLeadersResponse {
    let Some(kind) = kind(request.election_type) else {
        return ElectLeadersResponse { error_code: ErrorCode::INVALID_REQUEST, ..Default::default() };
    };
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or_default());
    let state = broker.controller.state();
    let (partitions, mut results) = match request.topic_partitions {
        None => (None, Vec::new()),
        Some(topics) => {
            let (known, unknown) = resolve(&state, topics);
            (Some(known), unknown)
        }
    };
    let named = partitions.clone().unwrap_or_default();
    if partitions.is_none() || !named.is_empty() {
        let elect = broker.controller.propose(Command::ElectLeaders { kind, partitions });
        let refused = tokio::select! {
            biased;
            applied = elect => match applied {
                Ok(Applied::LeadersElected { elections, .. }) => {
                    results.extend(held(&state, elections));
                    None
                }
                Ok(other) => unreachable!("an election came to {other:?}"),
                Err(error) => Some(of_named_topic(&error)),
            },
            () = broker.clock.sleep(timeout) => {
                Some((ErrorCode::REQUEST_TIMED_OUT, "the elections are still being held".to_owned()))
            }
        };
        if let Some(refused) = refused {
            if named.is_empty() {
                return ElectLeadersResponse { error_code: refused.0, ..Default::default() };
            }
            let name = |id: &Uuid| state.topic_by_id(id).map(|topic| Str::from(topic.name.as_str()));
            let each = named.iter().filter_map(|(id, index)| Some((name(id)?, *index, Err(refused.clone()))));
            results.extend(each);
        }
    }
    ElectLeadersResponse { replica_election_results: by_topic(results), ..Default::default() }
}

fn kind(election_type: i8) -> Option<ElectionKind> {
    match election_type {
        0 => Some(ElectionKind::Preferred),
        1 => Some(ElectionKind::Unclean),
        _ => None,
    }
}

/// The partitions of topics that there are, and an answer for the others.
fn resolve(state: &ClusterState, topics: Vec<TopicPartitions>) -> (Vec<(Uuid, i32)>, Results) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for TopicPartitions { topic, partitions } in topics {
        match state.topic(&topic) {
            Some(found) => known.extend(partitions.into_iter().map(|index| (found.id, index))),
            None => {
                let refused = outcome(Election::UnknownPartition);
                unknown.extend(partitions.into_iter().map(|index| (topic.clone(), index, refused.clone())));
            }
        }
    }
    (known, unknown)
}

/// What came of elections, by name. A topic that is deleted by now is left out, where all were meant.
fn held(state: &ClusterState, elections: Vec<(Uuid, i32, Election)>) -> Results {
    let name = |id: &Uuid| state.topic_by_id(id).map(|topic| Str::from(topic.name.as_str()));
    elections.into_iter().filter_map(|(id, index, held)| Some((name(&id)?, index, outcome(held)))).collect()
}

fn outcome(election: Election) -> Result<(), Refused> {
    let refused = |code, message: &str| Err((code, message.to_owned()));
    match election {
        Election::Elected => Ok(()),
        Election::NotNeeded => {
            refused(ErrorCode::ELECTION_NOT_NEEDED, "the partition has the leader that it should have")
        }
        Election::PreferredNotAvailable => refused(
            ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE,
            "the preferred replica is not in sync, or its broker is fenced: wait until it has caught up",
        ),
        Election::NobodyEligible => refused(
            ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE,
            "the brokers of all replicas are fenced: start one of them",
        ),
        Election::UnknownPartition => {
            refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "there is no such partition")
        }
    }
}

fn by_topic(results: Results) -> Vec<ReplicaElectionResult> {
    let mut topics = BTreeMap::<Str, Vec<PartitionResult>>::new();
    for (topic, partition_id, outcome) in results {
        let (error_code, error_message) = super::error::split(outcome);
        let result = PartitionResult { partition_id, error_code, error_message };
        topics.entry(topic).or_default().push(result);
    }
    let result = |(topic, partition_result)| ReplicaElectionResult { topic, partition_result };
    topics.into_iter().map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::example::cluster;

    #[test]
    fn every_outcome_has_kafkas_code() {
        for (election, code) in [
            (Election::Elected, ErrorCode::NONE),
            (Election::NotNeeded, ErrorCode::ELECTION_NOT_NEEDED),
            (Election::PreferredNotAvailable, ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE),
            (Election::NobodyEligible, ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE),
            (Election::UnknownPartition, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ] {
            assert_eq!(outcome(election).map_err(|(code, _)| code).err().unwrap_or(ErrorCode::NONE), code);
        }
        assert_eq!((kind(0), kind(1)), (Some(ElectionKind::Preferred), Some(ElectionKind::Unclean)));
        assert_eq!((kind(2), kind(-1)), (None, None));
    }

    #[test]
    fn topics_that_there_are_not_have_an_answer_all_the_same() {
        let state = cluster(&[(None, false)]).with_topic("t", vec![vec![1]]);
        let asked = |topic: &str| TopicPartitions { topic: topic.into(), partitions: vec![0, 7] };
        let (known, unknown) = resolve(&state, vec![asked("t"), asked("nowhere")]);
        let id = state.topic("t").unwrap().id;
        assert_eq!(known, [(id, 0), (id, 7)]);
        let [topic] = &by_topic(unknown)[..] else { panic!() };
        assert_eq!((&*topic.topic, topic.partition_result.len()), ("nowhere", 2));
    }
}
