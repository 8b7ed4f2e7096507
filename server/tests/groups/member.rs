//! A member of a group, with a connection of its own, that does what it is told.

use bytes::Bytes;
use chronik_kafka::ErrorCode;
use chronik_kafka::message::join_group::JoinGroupRequestProtocol;
use chronik_kafka::message::leave_group::MemberIdentity;
use chronik_kafka::message::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use chronik_kafka::message::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use chronik_kafka::message::sync_group::SyncGroupRequestAssignment;
use chronik_kafka::message::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, OffsetCommitRequest,
    OffsetFetchRequest, SyncGroupRequest,
};

use crate::support::Server;
use crate::support::raw::{Raw, Sent};

/// Settings that make groups quick.
pub(crate) const QUICK: [&str; 2] =
    ["group.initial.rebalance.delay.ms=0", "group.min.session.timeout.ms=100"];
/// How long a rebalance waits, in milliseconds.
const REBALANCE_MS: i32 = 10_000;

pub(crate) struct Member {
    pub(crate) raw: Raw,
    pub(crate) group: String,
    pub(crate) id: String,
    pub(crate) generation: i32,
    pub(crate) instance: Option<String>,
    pub(crate) session_ms: i32,
}

impl Member {
    pub(crate) fn connect(server: &Server, group: &str) -> Self {
        Self {
            raw: Raw::connect(server),
            group: group.to_owned(),
            id: String::new(),
            generation: -1,
            instance: None,
            session_ms: 10_000,
        }
    }

    /// The only member of a new group, with its assignment.
    pub(crate) fn alone(server: &Server, group: &str) -> Self {
        let mut member = Self::connect(server, group);
        let joined = member.join();
        assert_eq!(joined.error_code, ErrorCode::NONE);
        assert_eq!(member.sync(&[(&member.id.clone(), "all")]), Ok("all".to_owned()));
        member
    }

    pub(crate) fn join_request(&self) -> JoinGroupRequest {
        JoinGroupRequest {
            group_id: self.group.as_str().into(),
            session_timeout_ms: self.session_ms,
            rebalance_timeout_ms: REBALANCE_MS,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata: subscription() }],
            reason: Some("a test".into()),
        }
    }

    /// Joins, with the id that it is given if it has none.
    pub(crate) fn join(&mut self) -> JoinGroupResponse {
        let sent = self.send_join();
        self.receive_join(sent)
    }

    /// Sends a join, once it has an id. Static members get theirs with the answer.
    pub(crate) fn send_join(&mut self) -> Sent<JoinGroupResponse> {
        if self.id.is_empty() && self.instance.is_none() {
            let request = self.join_request();
            let given = self.raw.ask(9, &request);
            assert_eq!(given.error_code, ErrorCode::MEMBER_ID_REQUIRED);
            self.id = given.member_id.to_string();
        }
        let request = self.join_request();
        self.raw.send(9, &request)
    }

    pub(crate) fn receive_join(&mut self, sent: Sent<JoinGroupResponse>) -> JoinGroupResponse {
        let joined = self.raw.receive(sent);
        if joined.error_code.is_none() {
            (self.id, self.generation) = (joined.member_id.to_string(), joined.generation_id);
        }
        joined
    }

    /// Its assignment; the leader brings everyone's.
    pub(crate) fn sync(&mut self, assignments: &[(&str, &str)]) -> Result<String, ErrorCode> {
        let assignment = |(id, assignment): &(&str, &str)| SyncGroupRequestAssignment {
            member_id: (*id).into(),
            assignment: Bytes::copy_from_slice(assignment.as_bytes()),
        };
        let synced = self.raw.ask(
            5,
            &SyncGroupRequest {
                group_id: self.group.as_str().into(),
                generation_id: self.generation,
                member_id: self.id.as_str().into(),
                group_instance_id: self.instance.as_deref().map(Into::into),
                protocol_type: Some("consumer".into()),
                protocol_name: Some("range".into()),
                assignments: assignments.iter().map(assignment).collect(),
            },
        );
        if synced.error_code.is_none() {
            return Ok(String::from_utf8(synced.assignment.to_vec()).expect("text"));
        }
        Err(synced.error_code)
    }

    pub(crate) fn heartbeat(&mut self) -> ErrorCode {
        let request = HeartbeatRequest {
            group_id: self.group.as_str().into(),
            generation_id: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
        };
        self.raw.ask(4, &request).error_code
    }

    pub(crate) fn leave(&mut self) -> ErrorCode {
        let member = MemberIdentity {
            member_id: self.id.as_str().into(),
            group_instance_id: None,
            reason: Some("a test".into()),
        };
        let request = LeaveGroupRequest {
            group_id: self.group.as_str().into(),
            members: vec![member],
            ..Default::default()
        };
        let left = self.raw.ask(5, &request);
        if left.error_code.is_none() { left.members[0].error_code } else { left.error_code }
    }

    pub(crate) fn commit(&mut self, topic: &str, partition: i32, offset: i64) -> ErrorCode {
        let request = OffsetCommitRequest {
            group_id: self.group.as_str().into(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            ..commit_request(topic, partition, offset)
        };
        self.raw.ask(9, &request).topics[0].partitions[0].error_code
    }

    /// The committed offset of a partition.
    pub(crate) fn committed(&mut self, topic: &str, partition: i32) -> i64 {
        committed(&mut self.raw, &self.group, topic, partition)
    }
}

/// The front of a subscription to "orders".
pub(crate) fn subscription() -> Bytes {
    Bytes::from_static(b"\x00\x00\x00\x00\x00\x01\x00\x06orders\xff\xff\xff\xff")
}

/// A commit of nobody's.
pub(crate) fn commit_request(topic: &str, partition: i32, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition {
        partition_index: partition,
        committed_offset: offset,
        committed_leader_epoch: 0,
        committed_metadata: Some("note".into()),
    };
    let topic =
        OffsetCommitRequestTopic { name: topic.into(), partitions: vec![partition], ..Default::default() };
    OffsetCommitRequest { topics: vec![topic], ..Default::default() }
}

/// Commits beside the group.
pub(crate) fn commit(raw: &mut Raw, group: &str, topic: &str, partition: i32, offset: i64) -> ErrorCode {
    let request = OffsetCommitRequest { group_id: group.into(), ..commit_request(topic, partition, offset) };
    raw.ask(9, &request).topics[0].partitions[0].error_code
}

/// The committed offset of a partition, once the group is served.
pub(crate) fn committed(raw: &mut Raw, group: &str, topic: &str, partition: i32) -> i64 {
    let topic = OffsetFetchRequestTopics {
        name: topic.into(),
        partition_indexes: vec![partition],
        ..Default::default()
    };
    let group =
        OffsetFetchRequestGroup { group_id: group.into(), topics: Some(vec![topic]), ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![group], require_stable: true, ..Default::default() };
    crate::support::wait_for("the group to be loaded", || {
        let group = raw.ask(9, &request).groups.remove(0);
        if group.error_code == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS {
            return None;
        }
        assert_eq!(group.error_code, ErrorCode::NONE);
        Some(group.topics[0].partitions[0].committed_offset)
    })
}
