//! The group that agrees on the metadata: shown, with a member more, with one less.

use std::collections::BTreeMap;
use std::time::Duration;

use chronik_kafka::Str;
use chronik_kafka::message::add_raft_voter::{AddRaftVoterRequest, Listener};
use chronik_kafka::message::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, PartitionRequest, ReplicaState, TopicRequest,
};
use chronik_kafka::message::remove_raft_voter::RemoveRaftVoterRequest;
use uuid::Uuid;

use super::{Client, ClientError};
use crate::config::HostPort;

/// Kafka's name for the listener on which members of the group talk to each other.
const LISTENER: &str = "CONTROLLER";
/// How much sooner than the client a server gives up, so that its answer says why.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);

/// The group that agrees on the metadata.
#[derive(Clone, Debug, Default)]
pub struct QuorumInfo {
    /// Node id of who leads; -1 for nobody.
    pub leader: i32,
    /// The Raft term.
    pub term: i32,
    /// Offset after the last entry that is committed.
    pub high_watermark: i64,
    /// Node id of each voter and the offset after the last entry that it has; -1 if that is not known.
    pub voters: Vec<(i32, i64)>,
    /// The same of those that have the metadata, or come to have it, and do not vote.
    pub learners: Vec<(i32, i64)>,
    /// Where members reach each other, by node id, as far as is known. Servers before version 2 of DescribeQuorum do not say.
    pub places: BTreeMap<i32, HostPort>,
}

/// A node that is to be taken into the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVoter {
    /// `node.id`
    pub node_id: i32,
    /// The id of its data directory.
    pub directory_id: Uuid,
    /// Where the other nodes reach it.
    pub place: HostPort,
}

impl Client {
    /// How the group that agrees on the metadata stands.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn describe_quorum(&self) -> Result<QuorumInfo, ClientError> {
        let partitions = vec![PartitionRequest { partition_index: 0 }];
        let topic = TopicRequest { topic_name: Str::from_static("__cluster_metadata"), partitions };
        let response = self.bootstrap().call(DescribeQuorumRequest { topics: vec![topic] }).await?;
        QuorumInfo::read(&response)
    }

    /// Takes a node into the cluster `cluster_id`. Returns when it votes, or waits for a place among the voters; unless `until_it_votes`, when it has been taken
    /// in. A node that is there already is well.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn add_raft_voter(
        &self,
        cluster_id: Option<&str>,
        voter: &NewVoter,
        until_it_votes: bool,
    ) -> Result<(), ClientError> {
        let NewVoter { node_id, directory_id, place } = voter;
        let timeout = self.options.timeout.saturating_sub(ANSWER_MARGIN).max(self.options.timeout / 2);
        let listener = Listener { name: LISTENER.into(), host: place.host.as_str().into(), port: place.port };
        let request = AddRaftVoterRequest {
            cluster_id: cluster_id.map(Str::from),
            timeout_ms: i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX),
            voter_id: *node_id,
            voter_directory_id: *directory_id,
            listeners: vec![listener],
            ack_when_committed: until_it_votes,
        };
        let response = self.bootstrap().call(request).await?;
        let what = || format!("taking node {node_id} at {place} into the cluster");
        ClientError::check(what, response.error_code, response.error_message.as_deref())
    }

    /// Takes a node out of the cluster that has no replicas, whatever its data directory.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn remove_raft_voter(&self, node_id: i32) -> Result<(), ClientError> {
        let request =
            RemoveRaftVoterRequest { cluster_id: None, voter_id: node_id, voter_directory_id: Uuid::nil() };
        let response = self.bootstrap().call(request).await?;
        let what = || format!("taking node {node_id} out of the cluster");
        ClientError::check(what, response.error_code, response.error_message.as_deref())
    }
}

impl QuorumInfo {
    fn read(response: &DescribeQuorumResponse) -> Result<Self, ClientError> {
        let what = || "asking for the quorum of the metadata".to_owned();
        ClientError::check(what, response.error_code, response.error_message.as_deref())?;
        let found = response.topics.iter().flat_map(|topic| &topic.partitions).next();
        let found = found.ok_or_else(|| ClientError::no_result(what()))?;
        ClientError::check(what, found.error_code, found.error_message.as_deref())?;
        let ends = |replicas: &[ReplicaState]| {
            replicas.iter().map(|replica| (replica.replica_id, replica.log_end_offset)).collect()
        };
        Ok(Self {
            leader: found.leader_id,
            term: found.leader_epoch,
            high_watermark: found.high_watermark,
            voters: ends(&found.current_voters),
            learners: ends(&found.observers),
            places: places(response),
        })
    }

    /// Offset after the last entry that a member has; -1 if that is not known. `None`: it is no member.
    pub fn end_of(&self, node_id: i32) -> Option<i64> {
        let members = self.voters.iter().chain(&self.learners);
        members.into_iter().find(|(member, _)| *member == node_id).map(|(_, end)| *end)
    }

    /// Whether the node votes.
    pub fn votes(&self, node_id: i32) -> bool {
        self.voters.iter().any(|(voter, _)| *voter == node_id)
    }
}

/// Of each node the listener with Kafka's name, or else the first.
fn places(response: &DescribeQuorumResponse) -> BTreeMap<i32, HostPort> {
    let mut places = BTreeMap::new();
    for node in &response.nodes {
        let named = node.listeners.iter().find(|listener| &*listener.name == LISTENER);
        if let Some(listener) = named.or(node.listeners.first()) {
            places.insert(node.node_id, HostPort::new(&listener.host, listener.port));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use chronik_kafka::ErrorCode;
    use chronik_kafka::message::describe_quorum::{
        Listener as KnownListener, Node, PartitionData, TopicData,
    };

    use super::*;

    fn answer(error_code: ErrorCode) -> DescribeQuorumResponse {
        let replica =
            |replica_id, log_end_offset| ReplicaState { replica_id, log_end_offset, ..Default::default() };
        let partition = PartitionData {
            error_code,
            leader_id: 1,
            leader_epoch: 3,
            high_watermark: 20,
            current_voters: vec![replica(1, 20), replica(2, -1)],
            observers: vec![replica(4, 7)],
            ..Default::default()
        };
        let listener = |name: &str, port| KnownListener { name: name.into(), host: "h".into(), port };
        let node = |node_id, listeners| Node { node_id, listeners };
        DescribeQuorumResponse {
            topics: vec![TopicData { partitions: vec![partition], ..Default::default() }],
            nodes: vec![
                node(1, vec![listener("A", 1), listener("CONTROLLER", 2)]),
                node(2, vec![listener("A", 3)]),
                node(4, Vec::new()),
            ],
            ..Default::default()
        }
    }

    #[test]
    fn members_are_known_with_their_ends_and_places() {
        let quorum = QuorumInfo::read(&answer(ErrorCode::NONE)).unwrap();
        assert_eq!((quorum.leader, quorum.term, quorum.high_watermark), (1, 3, 20));
        assert_eq!([1, 2, 4, 5].map(|id| quorum.end_of(id)), [Some(20), Some(-1), Some(7), None]);
        assert_eq!([1, 2, 4].map(|id| quorum.votes(id)), [true, true, false]);
        let places: Vec<_> = quorum.places.iter().map(|(id, place)| (*id, place.port)).collect();
        assert_eq!(places, [(1, 2), (2, 3)]);
    }

    #[test]
    fn a_quorum_without_a_partition_is_none() {
        let refused = QuorumInfo::read(&answer(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)).unwrap_err();
        assert_eq!(refused.code(), Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
        assert!(QuorumInfo::read(&DescribeQuorumResponse::default()).is_err());
    }
}
