//! The state machine, event by event. A [`Table`] is a group with a clock and a log that does what the test says.

mod joining;
mod offsets;
mod restoring;
mod static_members;
mod syncing;
mod timing;

use std::collections::BTreeMap;

use bytes::Bytes;
use chronik_kafka::message::leave_group::MemberIdentity;
use chronik_kafka::message::sync_group::SyncGroupRequestAssignment;
use chronik_kafka::message::{HeartbeatRequest, JoinGroupResponse, SyncGroupRequest, SyncGroupResponse};

use super::*;
use crate::records::Record;

const SESSION_MS: i32 = 10_000;
const REBALANCE_MS: i32 = 60_000;

/// A group under test.
struct Table {
    group: Group,
    now_ms: i64,
    config: GroupConfig,
    next_token: Token,
    answers: BTreeMap<Token, Answer>,
    /// Appends that have neither failed nor succeeded.
    under_way: Vec<(AppendId, Vec<Record>)>,
    /// Everything that is durable.
    log: Vec<Record>,
    /// Appends succeed at once.
    disk_is_quick: bool,
}

impl Table {
    /// No initial delay, and a quick disk.
    fn new() -> Self {
        Self::with(GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() })
    }

    fn with(config: GroupConfig) -> Self {
        Self {
            group: Group::new("group".into(), 0),
            now_ms: 0,
            config,
            next_token: 0,
            answers: BTreeMap::new(),
            under_way: Vec::new(),
            log: Vec::new(),
            disk_is_quick: true,
        }
    }

    fn event(&mut self, event: Event) {
        for action in self.group.handle(event, self.now_ms, &self.config) {
            match action {
                Action::Answer(token, answer) => {
                    assert_eq!(self.answers.insert(token, answer), None, "answered twice");
                }
                Action::Append { append, records } => self.under_way.push((append, records)),
            }
        }
        if self.disk_is_quick {
            self.disk(Ok(()));
        }
    }

    /// The log does everything that is under way, or nothing of it.
    fn disk(&mut self, outcome: Result<(), AppendError>) {
        for (append, records) in std::mem::take(&mut self.under_way) {
            if outcome.is_ok() {
                self.log.extend(records);
            }
            self.event(Event::Appended { append, outcome });
        }
    }

    fn ask(&mut self, request: Request) -> Token {
        let token = self.next_token;
        self.next_token += 1;
        self.event(Event::Request(token, request));
        token
    }

    /// Time passes, with a tick for each deadline.
    fn pass(&mut self, ms: i64) {
        let until = self.now_ms + ms;
        while self.group.wake_at_ms() <= until {
            self.now_ms = self.group.wake_at_ms().max(self.now_ms);
            self.event(Event::Tick);
        }
        self.now_ms = until;
    }

    fn answer(&self, token: Token) -> Option<&Answer> {
        self.answers.get(&token)
    }

    fn joined(&self, token: Token) -> &JoinGroupResponse {
        match self.answer(token) {
            Some(Answer::Join(response)) => response,
            other => panic!("a join came to {other:?}"),
        }
    }

    fn synced(&self, token: Token) -> &SyncGroupResponse {
        match self.answer(token) {
            Some(Answer::Sync(response)) => response,
            other => panic!("a sync came to {other:?}"),
        }
    }

    fn code(&self, token: Token) -> ErrorCode {
        match self.answer(token) {
            Some(Answer::Code(code)) => *code,
            Some(Answer::Join(response)) => response.error_code,
            Some(Answer::Sync(response)) => response.error_code,
            Some(Answer::Each(codes)) => codes[0],
            Some(Answer::Leave(response)) => {
                if response.error_code.is_none() {
                    response.members[0].error_code
                } else {
                    response.error_code
                }
            }
            None => panic!("request {token} has no answer"),
        }
    }

    fn join(&mut self, join: Join) -> Token {
        self.ask(Request::Join(Box::new(join)))
    }

    fn sync(&mut self, member: &str, generation_id: i32, assignments: &[(&str, &'static str)]) -> Token {
        let given = |(id, assignment): &(&str, &'static str)| SyncGroupRequestAssignment {
            member_id: (*id).into(),
            assignment: Bytes::from_static(assignment.as_bytes()),
        };
        self.ask(Request::Sync(SyncGroupRequest {
            generation_id,
            member_id: member.into(),
            assignments: assignments.iter().map(given).collect(),
            ..Default::default()
        }))
    }

    fn heartbeat(&mut self, member: &str, generation_id: i32) -> ErrorCode {
        let request = HeartbeatRequest { generation_id, member_id: member.into(), ..Default::default() };
        let token = self.ask(Request::Heartbeat(request));
        self.code(token)
    }

    fn leave(&mut self, member: &str) -> Token {
        self.ask(Request::Leave(vec![MemberIdentity { member_id: member.into(), ..Default::default() }]))
    }

    /// A stable group of these members, in generation 1, each with its own name as its assignment. The first leads.
    fn stable(members: &[&'static str]) -> Self {
        let mut table = Self::with(GroupConfig { initial_rebalance_delay_ms: 100, ..GroupConfig::default() });
        for id in members {
            table.join(named(id));
        }
        table.pass(300);
        let assignments: Vec<(&str, &'static str)> = members.iter().map(|id| (*id, *id)).collect();
        for id in members {
            let token = table.sync(id, 1, if *id == members[0] { &assignments } else { &[] });
            if *id == members[members.len() - 1] {
                assert_eq!(table.synced(token).assignment, id.as_bytes());
            }
        }
        assert_eq!((table.state(), table.group.generation()), ("Stable", 1));
        table
    }

    fn state(&self) -> &'static str {
        self.group.state_name()
    }
}

/// A member that did not wait for its id (JoinGroup below version 4); it gets this one.
fn named(id: &str) -> Join {
    Join {
        client_id: id.into(),
        client_host: "/127.0.0.1".into(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: REBALANCE_MS,
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), subscription("t"))],
        new_member_id: id.into(),
        ..Default::default()
    }
}

/// The same member, which knows its id.
fn again(id: &str) -> Join {
    Join { member_id: id.into(), ..named(id) }
}

/// A static member without a member id; it gets this one.
fn instance(instance: &str, id: &str) -> Join {
    Join { group_instance_id: Some(instance.into()), ..named(id) }
}

/// A consumer's metadata.
fn subscription(topic: &str) -> Bytes {
    let mut bytes = vec![0, 0, 0, 0, 0, 1, 0, u8::try_from(topic.len()).expect("short")];
    bytes.extend_from_slice(topic.as_bytes());
    bytes.extend_from_slice(&[0xff; 4]);
    bytes.into()
}
