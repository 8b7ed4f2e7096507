//! One group: a function of (state, event, time) to (state, actions). Nothing here waits, knows a clock, or makes an id.
//!
//! ```text
//!            join                    all joined, or time is up              leader's assignment is durable
//! Empty ───────────► Preparing ────────────────────────────► Completing ───────────────────────────────► Stable
//!   ▲                 ▲  │ nobody is left      join, leave, timeout │                join, leave, timeout │
//!   └─────────────────┼──┘                                          │                                     │
//!                     └─────────────────────────────────────────────┴─────────────────────────────────────┘
//! ```
//!
//! The rules are those of Kafka's classic groups (`GroupMetadataManager`, `ClassicGroup`), with these differences: a join whose client is gone
//! does not keep its member alive, and a group that was never stored vanishes with its last member.

mod describe;
mod event;
mod expiry;
mod join;
mod member;
mod members;
mod offsets;
mod presence;
mod rebalance;
mod restore;
mod static_member;
mod stored;
mod subscription;
mod sync;
mod timers;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chronik_kafka::{ErrorCode, Str};

pub(crate) use describe::DEAD;
pub use event::{
    Action, Answer, AppendError, AppendId, Commit, Event, Join, NewOffset, Request, Token, TopicPartition,
};
pub use offsets::GroupOffsets;

use crate::config::GroupConfig;
use crate::records::Record;
use members::Members;
use stored::Continuation;

/// `protocol_type` of consumers, whose metadata says what they subscribe to.
const CONSUMER: &str = "consumer";
/// No deadline.
const NEVER: i64 = i64::MAX;

/// A classic consumer group.
#[derive(Debug)]
pub struct Group {
    id: Str,
    phase: Phase,
    /// When it came into its phase, in milliseconds since the epoch.
    phase_since_ms: i64,
    /// Grows with every rebalance that completes.
    generation: i32,
    /// That of its members; kept by an empty group, `None` if it never had one.
    protocol_type: Option<Str>,
    /// What the members of this generation agreed on.
    protocol: Option<Str>,
    /// A member, unless there is none.
    leader: Option<Str>,
    members: Members,
    /// Member ids that were given out and not yet used (KIP-394), with the time at which each expires.
    pending: BTreeMap<Str, i64>,
    /// Members that have not yet asked for their assignment in this generation; only while completing or stable.
    unsynced: Option<Unsynced>,
    /// Topics of all members of this generation; `None` if that cannot be known.
    subscribed: Option<BTreeSet<Str>>,
    offsets: GroupOffsets,
    /// What goes on when records that were handed out are durable, by the number of the append. It empties in order.
    appends: BTreeMap<AppendId, Continuation>,
    next_append: AppendId,
    /// Whether the log has a record of this group, so that its end needs a tombstone.
    stored: bool,
    /// Nothing is due before this time. It may be early: then a tick finds nothing to do.
    wake_at_ms: i64,
}

/// Where a group is between two generations.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// No members.
    Empty,
    /// Members are awaited, until this time.
    Preparing {
        deadline_ms: i64,
        /// An empty group waits a little for more members to come (KIP-134).
        initial: Option<Initial>,
    },
    /// The leader's assignment is awaited.
    Completing {
        /// It has come and is on its way to the log.
        storing: bool,
    },
    /// Everyone has an assignment, or can have it.
    Stable,
    /// It is being deleted.
    Dead,
}

/// The first rebalance of a group that was empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Initial {
    /// How long the wait under way is.
    delay_ms: i64,
    /// How much more it may be extended.
    remaining_ms: i64,
    /// Whether somebody has come since it began.
    somebody_came: bool,
}

/// Who has not synced, and until when they may.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unsynced {
    deadline_ms: i64,
    members: BTreeSet<Str>,
}

/// One event: what it is handled with, and what comes of it.
struct Turn<'a> {
    now_ms: i64,
    config: &'a GroupConfig,
    actions: Vec<Action>,
}

impl Turn<'_> {
    fn answer(&mut self, token: Token, answer: impl Into<Answer>) {
        self.actions.push(Action::Answer(token, answer.into()));
    }
}

impl Group {
    /// An empty group that nobody has heard of.
    #[must_use]
    pub fn new(id: Str, now_ms: i64) -> Self {
        Self {
            id,
            phase: Phase::Empty,
            phase_since_ms: now_ms,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: Members::default(),
            pending: BTreeMap::new(),
            unsynced: None,
            subscribed: None,
            offsets: GroupOffsets::default(),
            appends: BTreeMap::new(),
            next_append: 0,
            stored: false,
            wake_at_ms: NEVER,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &Str {
        &self.id
    }

    /// When the next [`Event::Tick`] is due; `i64::MAX` for never.
    #[must_use]
    pub fn wake_at_ms(&self) -> i64 {
        self.wake_at_ms
    }

    /// Whether nothing is lost when this value is dropped: no members, no offsets, nothing in the log or on its way there.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        matches!(self.phase, Phase::Empty | Phase::Dead)
            && self.members.is_empty()
            && self.pending.is_empty()
            && self.offsets.is_empty()
            && self.appends.is_empty()
            && !self.stored
    }

    /// Takes an event in. The actions are to be carried out in order.
    #[must_use]
    pub fn handle(&mut self, event: Event, now_ms: i64, config: &GroupConfig) -> Vec<Action> {
        let mut turn = Turn { now_ms, config, actions: Vec::new() };
        match event {
            Event::Request(token, request) => self.request(&mut turn, token, request),
            Event::Abandoned(token) => self.abandoned(&mut turn, token),
            Event::Appended { append, outcome } => self.appended(&mut turn, append, outcome),
            Event::Tick => {}
            Event::ExpireOffsets => self.expire_offsets(&mut turn),
            Event::TopicsDeleted(topics) => self.topics_deleted(&mut turn, &topics),
        }
        self.run_timers(&mut turn);
        turn.actions
    }

    fn request(&mut self, turn: &mut Turn<'_>, token: Token, request: Request) {
        match request {
            Request::Join(join) => self.join(turn, token, *join),
            Request::Sync(request) => self.sync(turn, token, request),
            Request::Heartbeat(request) => self.heartbeat(turn, token, &request),
            Request::Leave(members) => self.leave(turn, token, members),
            Request::Commit(commit) => self.commit(turn, token, commit),
            Request::DeleteOffsets(partitions) => self.delete_offsets(turn, token, partitions),
            Request::Delete => self.delete(turn, token),
        }
    }

    /// Hands records out, to go on with `then` when they are durable.
    fn append(&mut self, turn: &mut Turn<'_>, records: Vec<Record>, then: Continuation) {
        let append = self.next_append;
        self.next_append += 1;
        self.appends.insert(append, then);
        turn.actions.push(Action::Append { append, records });
    }

    fn enter(&mut self, turn: &Turn<'_>, phase: Phase) {
        self.phase = phase;
        self.phase_since_ms = turn.now_ms;
    }

    /// Something is due at `at_ms`.
    fn wake(&mut self, at_ms: i64) {
        self.wake_at_ms = self.wake_at_ms.min(at_ms);
    }

    /// Checks that a request comes from a member (KIP-345).
    fn check_member(&self, member_id: &str, instance: Option<&Str>) -> Result<(), ErrorCode> {
        if let Some(instance) = instance {
            match self.members.of_instance(instance) {
                None => return Err(ErrorCode::UNKNOWN_MEMBER_ID),
                Some(known) if *known != member_id => return Err(ErrorCode::FENCED_INSTANCE_ID),
                Some(_) => {}
            }
        }
        if self.members.contains(member_id) { Ok(()) } else { Err(ErrorCode::UNKNOWN_MEMBER_ID) }
    }

    /// Checks that a request comes from a member of this generation.
    fn check_generation(
        &self,
        member_id: &str,
        instance: Option<&Str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        if self.phase == Phase::Dead {
            return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
        }
        self.check_member(member_id, instance)?;
        if generation == self.generation { Ok(()) } else { Err(ErrorCode::ILLEGAL_GENERATION) }
    }

    fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// The member has shown life.
    fn renew(&mut self, turn: &Turn<'_>, member_id: &str) {
        if let Some(member) = self.members.get_mut(member_id) {
            let deadline_ms = turn.now_ms + i64::from(member.session_timeout_ms);
            member.deadline_ms = deadline_ms;
            self.wake(deadline_ms);
        }
    }
}
