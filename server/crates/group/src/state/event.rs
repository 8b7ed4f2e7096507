//! What goes into a group, and what comes out.

use std::collections::BTreeSet;

use bytes::Bytes;
use chronik_kafka::message::leave_group::MemberIdentity;
use chronik_kafka::message::{
    HeartbeatRequest, JoinGroupResponse, LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use chronik_kafka::{ErrorCode, Str};

use crate::records::Record;

/// Names a request that waits for its answer.
pub type Token = u64;
/// Names records that are on their way to the log. Counts up; appends of one group end in this order.
pub type AppendId = u64;
/// A topic's name and a partition's index.
pub type TopicPartition = (Str, i32);

/// What a group hears.
#[derive(Debug)]
pub enum Event {
    /// Somebody asks.
    Request(Token, Request),
    /// Whoever asked does not wait any more.
    Abandoned(Token),
    /// Records have become durable, or have not.
    Appended {
        /// Which.
        append: AppendId,
        /// Whether.
        outcome: Result<(), AppendError>,
    },
    /// Time has passed.
    Tick,
    /// Offsets that have expired are to go.
    ExpireOffsets,
    /// These topics are no more.
    TopicsDeleted(BTreeSet<Str>),
}

/// What is asked of a group. Strings and bytes may share a frame's memory: what a group keeps it copies.
#[derive(Debug)]
pub enum Request {
    /// JoinGroup
    Join(Box<Join>),
    /// SyncGroup
    Sync(SyncGroupRequest),
    /// Heartbeat
    Heartbeat(HeartbeatRequest),
    /// LeaveGroup
    Leave(Vec<MemberIdentity>),
    /// OffsetCommit
    Commit(Commit),
    /// OffsetDelete
    DeleteOffsets(Vec<TopicPartition>),
    /// DeleteGroups
    Delete,
}

/// JoinGroup.
#[derive(Clone, Debug, Default)]
pub struct Join {
    /// Empty for a member that has no id yet.
    pub member_id: Str,
    /// `group.instance.id` of a static member.
    pub group_instance_id: Option<Str>,
    /// The client's name.
    pub client_id: Str,
    /// Where it connects from.
    pub client_host: Str,
    /// How long the member may be silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// How long a rebalance waits for it, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// "consumer" for consumers.
    pub protocol_type: Str,
    /// Name and metadata, the most wanted first.
    pub protocols: Vec<(Str, Bytes)>,
    /// Why it joins (KIP-800).
    pub reason: Option<Str>,
    /// A new dynamic member must come back with the id that it is given (KIP-394; from version 4 on).
    pub requires_known_member_id: bool,
    /// It knows `skip_assignment` (from version 9 on).
    pub knows_skip_assignment: bool,
    /// The id for a member that has none, used by nobody else.
    pub new_member_id: Str,
}

/// OffsetCommit.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Empty for a consumer outside of the group's management.
    pub member_id: Str,
    /// `group.instance.id` of a static member.
    pub group_instance_id: Option<Str>,
    /// -1 for a consumer outside of the group's management.
    pub generation: i32,
    /// What to commit.
    pub offsets: Vec<NewOffset>,
    /// How long to keep it, in milliseconds; -1 for the server's own time.
    pub retention_time_ms: i64,
}

/// An offset to commit.
#[derive(Clone, Debug, Default)]
pub struct NewOffset {
    /// The topic's name.
    pub topic: Str,
    /// The partition's index.
    pub partition: i32,
    /// What the group reads next.
    pub offset: i64,
    /// Leader epoch of the record before it, or -1.
    pub leader_epoch: i32,
    /// What the client wants to keep with it.
    pub metadata: Str,
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Tell whoever asked.
    Answer(Token, Answer),
    /// Make records durable, and say so with [`Event::Appended`].
    Append {
        /// Names them.
        append: AppendId,
        /// The records, in order.
        records: Vec<Record>,
    },
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To a join. `protocol_name` is `None` where there is none.
    Join(JoinGroupResponse),
    /// To a sync.
    Sync(SyncGroupResponse),
    /// To a heartbeat, or to the deletion of a group.
    Code(ErrorCode),
    /// To a leave.
    Leave(LeaveGroupResponse),
    /// To a commit or a deletion of offsets: a code for each of them, in order.
    Each(Vec<ErrorCode>),
}

impl From<ErrorCode> for Answer {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<SyncGroupResponse> for Answer {
    fn from(response: SyncGroupResponse) -> Self {
        Self::Sync(response)
    }
}

impl From<JoinGroupResponse> for Answer {
    fn from(response: JoinGroupResponse) -> Self {
        Self::Join(response)
    }
}

/// Why records are not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Too much is under way; the request can be repeated.
    #[error("the group coordinator has too much to write")]
    Busy,
    /// This node cannot write the partition: it does not lead it, is stopping, or its disk is full.
    #[error("the partition of __consumer_offsets cannot be written")]
    Unwritable,
    /// The records are larger than the partition takes.
    #[error("the records are larger than __consumer_offsets takes")]
    TooLarge,
}

impl AppendError {
    /// What clients are told, as `GroupMetadataManager` tells them. The first two make them find the coordinator and try again.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Busy => ErrorCode::COORDINATOR_NOT_AVAILABLE,
            Self::Unwritable => ErrorCode::NOT_COORDINATOR,
            Self::TooLarge => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }
}
