//! From one generation to the next.

use chronik_kafka::message::SyncGroupResponse;
use chronik_kafka::{ErrorCode, Str};

use super::event::Answer;
use super::join::refused;
use super::member::Member;
use super::stored::Continuation;
use super::{CONSUMER, Group, Initial, Phase, Turn, Unsynced, subscription};

impl Group {
    /// Members have changed, or want to: begins a rebalance, or completes the one that is under way if everyone is here.
    pub(super) fn rebalance(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Dead | Phase::Preparing { initial: Some(_), .. } => {}
            Phase::Preparing { initial: None, .. } => self.complete_if_all_joined(turn),
            Phase::Empty => self.prepare_first(turn),
            Phase::Completing { .. } | Phase::Stable => self.prepare(turn),
        }
    }

    /// A group that was empty gives others a little time to come, so that not each of them causes a rebalance (KIP-134).
    fn prepare_first(&mut self, turn: &mut Turn<'_>) {
        let delay_ms = turn.config.initial_rebalance_delay_ms;
        let remaining_ms = (self.members.rebalance_timeout_ms() - delay_ms).max(0);
        let initial = Some(Initial { delay_ms, remaining_ms, somebody_came: false });
        let deadline_ms = turn.now_ms + delay_ms;
        self.enter(turn, Phase::Preparing { deadline_ms, initial });
        self.wake(deadline_ms);
    }

    fn prepare(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.phase, Phase::Completing { .. }) {
            self.end_syncs(turn, ErrorCode::REBALANCE_IN_PROGRESS);
        }
        self.unsynced = None;
        let deadline_ms = turn.now_ms + self.members.rebalance_timeout_ms();
        self.enter(turn, Phase::Preparing { deadline_ms, initial: None });
        self.wake(deadline_ms);
        self.complete_if_all_joined(turn);
    }

    /// Answers every sync that waits with an error; nobody has an assignment.
    pub(super) fn end_syncs(&mut self, turn: &mut Turn<'_>, error_code: ErrorCode) {
        let (now_ms, mut wake_at_ms) = (turn.now_ms, self.wake_at_ms);
        for member in self.members.iter_mut() {
            member.assignment = bytes::Bytes::new();
            if let Some(token) = member.sync.take() {
                turn.answer(token, SyncGroupResponse { error_code, ..Default::default() });
                member.deadline_ms = now_ms + i64::from(member.session_timeout_ms);
                wake_at_ms = wake_at_ms.min(member.deadline_ms);
            }
        }
        self.wake(wake_at_ms);
    }

    fn complete_if_all_joined(&mut self, turn: &mut Turn<'_>) {
        if self.members.joining() == self.members.len() && self.pending.is_empty() {
            self.complete(turn);
        }
    }

    /// The time for members to join is up, or all have. Those that are not here are not in the next generation, unless they are static: these have
    /// until their session ends.
    pub(super) fn complete(&mut self, turn: &mut Turn<'_>) {
        let missing = self.members.iter().filter(|member| member.join.is_none() && member.instance.is_none());
        let missing: Vec<Str> = missing.map(|member| member.id.clone()).collect();
        for id in missing {
            tracing::info!(group = %self.id, member = %id, "did not join in time");
            self.remove_member(turn, &id);
        }
        if !self.elect_leader() && !self.members.is_empty() {
            // Only static members, none of which is here: wait until their sessions end.
            let deadline_ms = turn.now_ms + self.members.rebalance_timeout_ms();
            self.enter(turn, Phase::Preparing { deadline_ms, initial: None });
            self.wake(deadline_ms);
            return;
        }
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        if self.members.is_empty() { self.become_empty(turn) } else { self.start_generation(turn) }
    }

    /// A leader that is here. Returns whether there is one.
    fn elect_leader(&mut self) -> bool {
        let is_here = |id: &Str| self.members.get(id).is_some_and(|member| member.join.is_some());
        if !self.leader.as_ref().is_some_and(is_here) {
            let here = self.members.iter().find(|member| member.join.is_some());
            match here {
                Some(member) => self.leader = Some(member.id.clone()),
                None => return false,
            }
        }
        true
    }

    fn become_empty(&mut self, turn: &mut Turn<'_>) {
        self.protocol = None;
        self.subscribed = (self.protocol_type.as_deref() == Some(CONSUMER)).then(Default::default);
        self.unsynced = None;
        self.enter(turn, Phase::Empty);
        if self.stored || !self.offsets.is_empty() {
            let record = self.stored_with_own_assignments();
            self.append(turn, vec![record], Continuation::Emptied { answers: Vec::new() });
        }
    }

    fn start_generation(&mut self, turn: &mut Turn<'_>) {
        self.protocol = self.members.vote();
        self.subscribed = self.subscriptions();
        self.enter(turn, Phase::Completing { storing: false });
        tracing::info!(group = %self.id, generation = self.generation, members = self.members.len(), protocol = ?self.protocol, "new generation");
        let deadline_ms = turn.now_ms + self.members.rebalance_timeout_ms();
        let members = self.members.iter().map(|member| member.id.clone()).collect();
        self.unsynced = Some(Unsynced { deadline_ms, members });
        self.wake(deadline_ms);
        self.answer_joins(turn);
    }

    fn answer_joins(&mut self, turn: &mut Turn<'_>) {
        let waiting: Vec<Str> =
            self.members.iter().filter(|m| m.join.is_some()).map(|m| m.id.clone()).collect();
        for id in waiting {
            let Some(token) = self.members.end_join(&id) else { continue };
            if let Some(member) = self.members.get_mut(&id) {
                member.is_new = false;
            }
            self.renew(turn, &id);
            turn.answer(token, self.joined(&id, self.is_leader(&id)));
        }
    }

    /// What all members subscribe to.
    pub(super) fn subscriptions(&self) -> Option<std::collections::BTreeSet<Str>> {
        if self.protocol_type.as_deref() != Some(CONSUMER) {
            return None;
        }
        let protocol = self.protocol.as_deref()?;
        subscription::of_all(self.members.iter().map(|member| member.metadata(protocol)))
    }

    /// Takes a member out, and ends what waits for it. The caller sees to the rebalance.
    pub(super) fn remove_member(&mut self, turn: &mut Turn<'_>, id: &str) -> Option<Member> {
        let member = self.members.remove(id)?;
        if let Some(token) = member.join {
            turn.answer(token, refused(&member.id, ErrorCode::UNKNOWN_MEMBER_ID));
        }
        if let Some(token) = member.sync {
            let error_code = ErrorCode::UNKNOWN_MEMBER_ID;
            turn.answer(token, Answer::Sync(SyncGroupResponse { error_code, ..Default::default() }));
        }
        if self.is_leader(id) {
            self.leader = self.members.iter().next().map(|member| member.id.clone());
        }
        if let Some(unsynced) = &mut self.unsynced {
            unsynced.members.remove(id);
        }
        Some(member)
    }
}
