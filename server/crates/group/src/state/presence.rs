//! Heartbeat and LeaveGroup: here still, and gone. And those who went without a word.

use chronik_kafka::message::leave_group::{MemberIdentity, MemberResponse};
use chronik_kafka::message::{HeartbeatRequest, LeaveGroupResponse};
use chronik_kafka::{ErrorCode, Str};

use super::event::{Action, Answer, Token};
use super::stored::Continuation;
use super::{Group, Phase, Turn};

impl Group {
    pub(super) fn heartbeat(&mut self, turn: &mut Turn<'_>, token: Token, request: &HeartbeatRequest) {
        let instance = request.group_instance_id.as_ref();
        let checked = self.check_generation(&request.member_id, instance, request.generation_id);
        let code = match (checked, &self.phase) {
            (Err(code), _) => code,
            (Ok(()), Phase::Empty | Phase::Dead) => ErrorCode::UNKNOWN_MEMBER_ID,
            (Ok(()), Phase::Preparing { .. }) => {
                self.renew(turn, &request.member_id);
                ErrorCode::REBALANCE_IN_PROGRESS
            }
            // Consumers may send heartbeats between their join and their sync.
            (Ok(()), Phase::Completing { .. } | Phase::Stable) => {
                self.renew(turn, &request.member_id);
                ErrorCode::NONE
            }
        };
        turn.answer(token, code);
    }

    /// The answer waits for the record, if the last member leaves.
    pub(super) fn leave(&mut self, turn: &mut Turn<'_>, token: Token, leaving: Vec<MemberIdentity>) {
        if self.phase == Phase::Dead {
            let error_code = ErrorCode::COORDINATOR_NOT_AVAILABLE;
            return turn
                .answer(token, Answer::Leave(LeaveGroupResponse { error_code, ..Default::default() }));
        }
        let appends_before = self.next_append;
        let (mut members, mut somebody_left) = (Vec::with_capacity(leaving.len()), false);
        for identity in leaving {
            let left = self.remove(turn, &identity);
            somebody_left |= left.is_ok();
            members.push(MemberResponse {
                error_code: left.err().unwrap_or(ErrorCode::NONE),
                member_id: identity.member_id,
                group_instance_id: identity.group_instance_id,
            });
        }
        if somebody_left && self.phase != Phase::Empty {
            self.rebalance(turn);
        }
        let answer = Answer::Leave(LeaveGroupResponse { members, ..Default::default() });
        match self.appends.range_mut(appends_before..).next() {
            Some((_, Continuation::Emptied { answers })) => answers.push((token, answer)),
            _ => turn.actions.push(Action::Answer(token, answer)),
        }
    }

    fn remove(&mut self, turn: &mut Turn<'_>, identity: &MemberIdentity) -> Result<(), ErrorCode> {
        let MemberIdentity { member_id, group_instance_id, reason } = identity;
        let instance = group_instance_id.as_ref();
        let id = if member_id.is_empty() {
            // An administrator removes a static member by its instance id alone.
            let known = instance.and_then(|instance| self.members.of_instance(instance));
            known.cloned().ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?
        } else if self.pending.remove(member_id).is_some() {
            return Ok(());
        } else {
            self.check_member(member_id, instance)?;
            member_id.clone()
        };
        tracing::info!(group = %self.id, member = %id, ?reason, "left");
        self.remove_member(turn, &id);
        Ok(())
    }

    /// Nobody waits for this answer any more: its client's connection has ended. The member is not removed, since it may connect again; but from now
    /// on its session runs, so that a dead client does not hold up a rebalance.
    pub(super) fn abandoned(&mut self, turn: &mut Turn<'_>, token: Token) {
        let waits = |tokens: [Option<Token>; 2]| tokens.contains(&Some(token));
        let found = self.members.iter().find(|member| waits([member.join, member.sync]));
        let Some(id) = found.map(|member| member.id.clone()) else { return };
        if self.members.get(&id).is_some_and(|member| member.join == Some(token)) {
            self.members.end_join(&id);
        } else if let Some(member) = self.members.get_mut(&id) {
            member.sync = None;
        }
        self.renew(turn, &id);
    }

    /// Tokens of all who wait for this group.
    pub fn waiting(&self) -> Vec<Token> {
        self.members.iter().flat_map(|member| [member.join, member.sync]).flatten().collect()
    }

    /// Removes the members whose sessions have ended, and the ids that nobody came back with.
    pub(super) fn expire_members(&mut self, turn: &mut Turn<'_>) {
        let now_ms = turn.now_ms;
        let pending_before = self.pending.len();
        self.pending.retain(|_, expires_at_ms| *expires_at_ms > now_ms);
        let dead = self.members.iter().filter(|m| m.expires_at_ms().is_some_and(|at_ms| at_ms <= now_ms));
        let dead: Vec<Str> = dead.map(|member| member.id.clone()).collect();
        for id in &dead {
            tracing::info!(group = %self.id, member = %id, "its session has ended");
            self.remove_member(turn, id);
        }
        let pending_gone =
            self.pending.len() < pending_before && matches!(self.phase, Phase::Preparing { .. });
        if !dead.is_empty() || pending_gone {
            self.rebalance(turn);
        }
    }
}
