//! SyncGroup: the leader brings everyone's assignment, each member takes its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use chronik_kafka::message::{SyncGroupRequest, SyncGroupResponse};
use chronik_kafka::{ErrorCode, Str};

use super::event::Token;
use super::stored::Continuation;
use super::{Group, Phase, Turn};
use crate::records::{GroupMetadata, Record, group_record};

/// Assignments by member id, with memory of their own.
pub(super) type Assignments = BTreeMap<Str, Bytes>;

impl Group {
    pub(super) fn sync(&mut self, turn: &mut Turn<'_>, token: Token, request: SyncGroupRequest) {
        let refused = |error_code| SyncGroupResponse { error_code, ..Default::default() };
        if let Err(code) = self.check_sync(&request) {
            return turn.answer(token, refused(code));
        }
        let member_id = request.member_id.clone();
        match self.phase {
            Phase::Empty | Phase::Dead => turn.answer(token, refused(ErrorCode::UNKNOWN_MEMBER_ID)),
            Phase::Preparing { .. } => turn.answer(token, refused(ErrorCode::REBALANCE_IN_PROGRESS)),
            Phase::Stable => {
                self.synced(&member_id);
                self.renew(turn, &member_id);
                turn.answer(token, self.assigned(&member_id));
            }
            Phase::Completing { storing } => {
                self.synced(&member_id);
                self.await_assignment(turn, token, &member_id);
                if self.is_leader(&member_id) && !storing {
                    self.store_assignment(turn, request);
                }
            }
        }
    }

    fn check_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        self.check_generation(&request.member_id, request.group_instance_id.as_ref(), request.generation_id)?;
        let differs = |asked: &Option<Str>, own: &Option<Str>| asked.is_some() && asked != own;
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        Ok(())
    }

    /// The member has asked for its assignment.
    fn synced(&mut self, member_id: &str) {
        if let Some(unsynced) = &mut self.unsynced {
            unsynced.members.remove(member_id);
        }
    }

    fn await_assignment(&mut self, turn: &mut Turn<'_>, token: Token, member_id: &str) {
        let Some(member) = self.members.get_mut(member_id) else { return };
        if let Some(earlier) = member.sync.replace(token) {
            let error_code = ErrorCode::REBALANCE_IN_PROGRESS;
            turn.answer(earlier, SyncGroupResponse { error_code, ..Default::default() });
        }
    }

    /// The assignment must be durable before anybody acts on it: a coordinator that starts again must know who has what.
    fn store_assignment(&mut self, turn: &mut Turn<'_>, request: SyncGroupRequest) {
        let given = request.assignments.into_iter();
        let assignments: Assignments = given
            .map(|given| (given.member_id.detached(), Bytes::copy_from_slice(&given.assignment)))
            .collect();
        self.phase = Phase::Completing { storing: true };
        let record = self.stored_with(|id| assignments.get(id).cloned().unwrap_or_default());
        self.append(turn, vec![record], Continuation::Assigned { generation: self.generation, assignments });
    }

    /// The assignment is durable: everyone who waits gets its own.
    pub(super) fn assign(&mut self, turn: &mut Turn<'_>, assignments: &Assignments) {
        let mut waiting = Vec::new();
        for member in self.members.iter_mut() {
            member.assignment = assignments.get(&member.id).cloned().unwrap_or_default();
            waiting.extend(member.sync.take().map(|token| (member.id.clone(), token)));
        }
        self.enter(turn, Phase::Stable);
        for (id, token) in waiting {
            self.renew(turn, &id);
            turn.answer(token, self.assigned(&id));
        }
    }

    fn assigned(&self, member_id: &str) -> SyncGroupResponse {
        SyncGroupResponse {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment: self
                .members
                .get(member_id)
                .map(|member| member.assignment.clone())
                .unwrap_or_default(),
            ..Default::default()
        }
    }

    /// The group's record, with the assignments that its members have.
    pub(super) fn stored_with_own_assignments(&self) -> Record {
        self.stored_with(|id| {
            self.members.get(id).map(|member| member.assignment.clone()).unwrap_or_default()
        })
    }

    fn stored_with(&self, assignment: impl Fn(&str) -> Bytes) -> Record {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let members = self.members.iter().map(|member| member.to_stored(protocol, assignment(&member.id)));
        let value = GroupMetadata {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_timestamp_ms: self.phase_since_ms,
            members: members.collect(),
        };
        group_record(&self.id, Some(&value))
    }
}
