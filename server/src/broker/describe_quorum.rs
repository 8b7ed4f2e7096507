//! DescribeQuorum (KIP-595): who agrees on the metadata, and how far each of them is. Kafka keeps it in a topic of one partition, and so clients ask for that.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, PartitionData, ReplicaState, TopicData,
};

use super::Broker;
use crate::cluster::{ClusterState, QuorumMember, QuorumStanding};

/// Kafka's name for what the metadata is kept in.
const METADATA_TOPIC: &str = "__cluster_metadata";
/// Its only partition.
const METADATA_PARTITION: i32 = 0;
/// "Not known".
const UNKNOWN: i64 = -1;

/// Answers with what whoever leads the metadata says, or else with what this node knows.
pub(super) async fn describe_quorum(
    broker: &Broker,
    request: DescribeQuorumRequest,
) -> DescribeQuorumResponse {
    let asks_for_the_metadata = request.topics.iter().any(|topic| is_metadata(&topic.topic_name, 0));
    let standing = match asks_for_the_metadata {
        true => Some(broker.controller.quorum().await),
        false => None,
    };
    let state = broker.controller.state();
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let index = asked.partition_index;
            match standing.as_ref().filter(|_| is_metadata(&topic.topic_name, index)) {
                Some(standing) => describe(&state, standing, broker.clock.now_ms()),
                None => unknown(index),
            }
        });
        TopicData { partitions: partitions.collect(), topic_name: topic.topic_name.clone() }
    });
    DescribeQuorumResponse {
        error_message: None,
        topics: topics.collect(),
        nodes: standing.map_or_else(Vec::new, |standing| nodes(&state, &standing)),
        ..Default::default()
    }
}

fn is_metadata(topic: &str, partition: i32) -> bool {
    topic == METADATA_TOPIC && partition == METADATA_PARTITION
}

fn unknown(partition_index: i32) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        error_message: Some(format!("only partition 0 of {METADATA_TOPIC} has a quorum").into()),
        leader_id: -1,
        ..Default::default()
    }
}

fn describe(state: &ClusterState, standing: &QuorumStanding, now_ms: i64) -> PartitionData {
    let of = |is_voter| {
        let members = standing.members.iter().filter(move |member| member.is_voter == is_voter);
        members.map(|member| replica(state, standing, member, now_ms)).collect()
    };
    PartitionData {
        partition_index: METADATA_PARTITION,
        error_code: ErrorCode::NONE,
        error_message: None,
        leader_id: standing.leader.unwrap_or(-1),
        leader_epoch: i32::try_from(standing.term).unwrap_or(i32::MAX),
        high_watermark: offset_after(standing.committed),
        current_voters: of(true),
        observers: of(false),
    }
}

/// When the others were heard of last is not kept. The id of a data directory is what `RemoveRaftVoter` asks for.
fn replica(
    state: &ClusterState,
    standing: &QuorumStanding,
    member: &QuorumMember,
    now_ms: i64,
) -> ReplicaState {
    let leads = standing.leader == Some(member.node_id);
    ReplicaState {
        replica_id: member.node_id,
        replica_directory_id: state.node(member.node_id).map(|node| node.directory_id).unwrap_or_default(),
        log_end_offset: member.matched.map_or(UNKNOWN, offset_after),
        last_caught_up_timestamp: if leads { now_ms } else { UNKNOWN },
        ..Default::default()
    }
}

/// Raft counts entries from 1 and names the last one; Kafka names the offset after it.
fn offset_after(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1)
}

fn nodes(state: &ClusterState, standing: &QuorumStanding) -> Vec<Node> {
    let node = |member: &QuorumMember| {
        let known = state.node(member.node_id).map(|node| &node.endpoint);
        let listener = |endpoint: &crate::cluster::Endpoint| Listener {
            name: "CONTROLLER".into(),
            host: endpoint.host.as_str().into(),
            port: endpoint.port,
        };
        Node { node_id: member.node_id, listeners: known.map(listener).into_iter().collect() }
    };
    standing.members.iter().map(node).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::cluster::{Command, Endpoint};

    #[test]
    fn voters_are_as_far_as_the_leader_knows() {
        let member =
            |node_id, is_voter, matched| QuorumMember { node_id, is_voter, matched, is_active: true };
        let members = vec![member(1, true, Some(9)), member(2, true, None), member(3, false, Some(4))];
        let (mut state, directory_id) = (ClusterState::default(), Uuid::from_u128(7));
        let endpoint = Endpoint { host: "h".into(), port: 1 };
        state
            .apply(&Command::AddNode { node_id: 1, directory_id, endpoint })
            .expect("a node that nobody knows");
        let standing = QuorumStanding { leader: Some(1), term: 5, committed: 9, members };
        let described = describe(&state, &standing, 1_000);
        assert_eq!((described.leader_id, described.leader_epoch, described.high_watermark), (1, 5, 10));
        let voters: Vec<_> = described
            .current_voters
            .iter()
            .map(|voter| (voter.replica_id, voter.log_end_offset, voter.last_caught_up_timestamp))
            .collect();
        assert_eq!(voters, [(1, 10, 1_000), (2, -1, -1)]);
        let directories = described.current_voters.iter().map(|voter| voter.replica_directory_id);
        assert_eq!(directories.collect::<Vec<_>>(), [directory_id, Uuid::nil()]);
        assert_eq!((described.observers.len(), described.observers[0].log_end_offset), (1, 5));
        assert_eq!(describe(&state, &QuorumStanding { leader: None, ..standing }, 0).leader_id, -1);
    }
}
