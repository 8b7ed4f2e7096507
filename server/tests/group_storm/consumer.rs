//! A consumer that does its work, and every now and then something unexpected.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use chronik_kafka::message::join_group::JoinGroupRequestProtocol;
use chronik_kafka::message::leave_group::MemberIdentity;
use chronik_kafka::message::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use chronik_kafka::message::offset_fetch::OffsetFetchRequestTopic;
use chronik_kafka::message::sync_group::SyncGroupRequestAssignment;
use chronik_kafka::message::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, OffsetCommitRequest,
    OffsetFetchRequest, SyncGroupRequest,
};
use chronik_kafka::{ErrorCode, Str};

use crate::ledger::Ledger;
use crate::support::raw::Raw;
use crate::{GO, PARTITIONS, REST, TOPIC, group_id};

const SESSION_MS: i32 = 2_000;
const REBALANCE_MS: i32 = 4_000;
/// Between two rounds of heartbeat and commit.
const ROUND: Duration = Duration::from_millis(150);

pub(crate) struct Consumer {
    kafka: SocketAddr,
    raw: Raw,
    group: usize,
    rng: fastrand::Rng,
    phase: Arc<AtomicU8>,
    ledger: Arc<Ledger>,
    member_id: Str,
    generation: i32,
    /// Partition, and the offset that is committed next.
    owned: Vec<(i32, i64)>,
}

impl Consumer {
    pub(crate) fn new(
        kafka: SocketAddr,
        group: usize,
        number: usize,
        phase: Arc<AtomicU8>,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self {
            kafka,
            raw: Raw::to(kafka),
            group,
            rng: fastrand::Rng::with_seed(number as u64),
            phase,
            ledger,
            member_id: Str::default(),
            generation: -1,
            owned: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) {
        std::thread::sleep(Duration::from_millis(self.rng.u64(..1_000)));
        while self.phase.load(Ordering::SeqCst) != GO {
            if self.join_and_sync() {
                self.work();
            }
        }
        self.leave();
    }

    /// Until this generation is over.
    fn work(&mut self) {
        loop {
            std::thread::sleep(ROUND);
            match self.phase.load(Ordering::SeqCst) {
                GO => return,
                REST => {}
                _ if self.surprise() => return,
                _ => {}
            }
            if !self.heartbeat() {
                return;
            }
            self.commit();
        }
    }

    /// Leaves, dies, or falls silent, once in a while.
    fn surprise(&mut self) -> bool {
        match self.rng.u32(..200) {
            0 | 1 => {
                self.leave();
                self.ledger.leaves.fetch_add(1, Ordering::Relaxed);
            }
            2 => {
                self.raw = Raw::to(self.kafka); // the old connection ends without a word
                self.ledger.deaths.fetch_add(1, Ordering::Relaxed);
            }
            3 => {
                std::thread::sleep(Duration::from_millis(SESSION_MS.unsigned_abs().into()) + ROUND);
                self.ledger.silences.fetch_add(1, Ordering::Relaxed);
                return false; // and finds out by its next heartbeat
            }
            _ => return false,
        }
        self.member_id = Str::default();
        true
    }

    fn join_and_sync(&mut self) -> bool {
        let joined = self.join();
        match joined.error_code {
            ErrorCode::NONE => {}
            ErrorCode::MEMBER_ID_REQUIRED => {
                self.member_id = joined.member_id;
                return false;
            }
            ErrorCode::UNKNOWN_MEMBER_ID => {
                self.member_id = Str::default();
                return false;
            }
            ErrorCode::REBALANCE_IN_PROGRESS => return false,
            code => panic!("a join came to {code}"),
        }
        self.ledger.generations.fetch_add(1, Ordering::Relaxed);
        (self.member_id, self.generation) = (joined.member_id.clone(), joined.generation_id);
        self.sync(&joined)
    }

    fn join(&mut self) -> JoinGroupResponse {
        let protocol = JoinGroupRequestProtocol {
            name: "range".into(),
            metadata: Bytes::from_static(b"\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff"),
        };
        let request = JoinGroupRequest {
            group_id: group_id(self.group).into(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: REBALANCE_MS,
            member_id: self.member_id.clone(),
            protocol_type: "consumer".into(),
            protocols: vec![protocol],
            ..Default::default()
        };
        self.raw.ask(7, &request)
    }

    /// Takes its partitions over. Returns whether it has any to take.
    fn sync(&mut self, joined: &JoinGroupResponse) -> bool {
        let leads = joined.leader == joined.member_id;
        let request = SyncGroupRequest {
            group_id: group_id(self.group).into(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            assignments: if leads { assignments(joined) } else { Vec::new() },
            ..Default::default()
        };
        let synced = self.raw.ask(3, &request);
        if !self.is_member_still(synced.error_code) {
            return false;
        }
        let partitions = assigned(&synced.assignment);
        let at_least: Vec<i64> =
            partitions.iter().map(|p| self.ledger.acknowledged(self.group, *p)).collect();
        let found = self.committed(&partitions);
        for ((partition, offset), at_least) in found.iter().zip(at_least) {
            assert!(
                *offset >= at_least,
                "group {}, partition {partition}: {offset} after {at_least}",
                self.group
            );
        }
        self.owned = found.into_iter().map(|(partition, offset)| (partition, offset + 1)).collect();
        true
    }

    fn committed(&mut self, partitions: &[i32]) -> Vec<(i32, i64)> {
        if partitions.is_empty() {
            return Vec::new();
        }
        let topic = OffsetFetchRequestTopic { name: TOPIC.into(), partition_indexes: partitions.to_vec() };
        let request = OffsetFetchRequest {
            group_id: group_id(self.group).into(),
            topics: Some(vec![topic]),
            ..Default::default()
        };
        let response = self.raw.ask(7, &request);
        assert_eq!(response.error_code, ErrorCode::NONE);
        response.topics[0].partitions.iter().map(|p| (p.partition_index, p.committed_offset)).collect()
    }

    /// Whether its generation goes on.
    fn heartbeat(&mut self) -> bool {
        let request = HeartbeatRequest {
            group_id: group_id(self.group).into(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            ..Default::default()
        };
        let started = Instant::now();
        let code = self.raw.ask(4, &request).error_code;
        self.ledger.heartbeat(started.elapsed());
        self.is_member_still(code)
    }

    fn is_member_still(&mut self, code: ErrorCode) -> bool {
        match code {
            ErrorCode::NONE => return true,
            ErrorCode::UNKNOWN_MEMBER_ID => self.member_id = Str::default(),
            ErrorCode::REBALANCE_IN_PROGRESS | ErrorCode::ILLEGAL_GENERATION => {}
            code => panic!("a member heard {code}"),
        }
        false
    }

    fn commit(&mut self) {
        if self.owned.is_empty() {
            return;
        }
        let partition = |(partition_index, committed_offset): &(i32, i64)| OffsetCommitRequestPartition {
            partition_index: *partition_index,
            committed_offset: *committed_offset,
            ..Default::default()
        };
        let topic = OffsetCommitRequestTopic {
            name: TOPIC.into(),
            partitions: self.owned.iter().map(partition).collect(),
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: group_id(self.group).into(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.member_id.clone(),
            topics: vec![topic],
            ..Default::default()
        };
        let response = self.raw.ask(7, &request);
        for ((partition, next), answer) in self.owned.iter_mut().zip(&response.topics[0].partitions) {
            if answer.error_code.is_none() {
                self.ledger.acknowledge(self.group, *partition, *next);
                *next += 1;
            }
        }
    }

    fn leave(&mut self) {
        let member = MemberIdentity { member_id: self.member_id.clone(), ..Default::default() };
        let group_id = group_id(self.group).into();
        let request = LeaveGroupRequest { group_id, members: vec![member], ..Default::default() };
        let _gone_already_or_not = self.raw.ask(4, &request);
    }
}

/// The partitions, to the members in turn.
fn assignments(joined: &JoinGroupResponse) -> Vec<SyncGroupRequestAssignment> {
    let members = &joined.members;
    let of_member = |number: usize| (0..PARTITIONS).skip(number).step_by(members.len()).collect::<Vec<i32>>();
    let assignment =
        |(number, member): (usize, &chronik_kafka::message::join_group::JoinGroupResponseMember)| {
            SyncGroupRequestAssignment {
                member_id: member.member_id.clone(),
                assignment: assignment(&of_member(number)),
            }
        };
    members.iter().enumerate().map(assignment).collect()
}

/// `ConsumerProtocolAssignment`
fn assignment(partitions: &[i32]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(1);
    bytes.put_i16(i16::try_from(TOPIC.len()).expect("short"));
    bytes.put_slice(TOPIC.as_bytes());
    bytes.put_i32(i32::try_from(partitions.len()).expect("few"));
    partitions.iter().for_each(|partition| bytes.put_i32(*partition));
    bytes.put_i32(-1);
    bytes.freeze()
}

/// The partitions of one.
pub(crate) fn assigned(assignment: &Bytes) -> Vec<i32> {
    if assignment.is_empty() {
        return Vec::new();
    }
    let mut bytes = assignment.slice(2 + 4 + 2 + TOPIC.len()..);
    let count = bytes.get_i32();
    (0..count).map(|_| bytes.get_i32()).collect()
}
