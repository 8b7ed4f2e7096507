//! Static members (KIP-345): one that starts again takes over its own place under a new member id.

use chronik_kafka::message::SyncGroupResponse;
use chronik_kafka::{ErrorCode, Str};

use super::event::{Join, Token};
use super::join::refused;
use super::member::Member;
use super::stored::Continuation;
use super::{Group, Phase, Turn};

impl Group {
    /// The static member `old` has started again. Whoever still runs under its old id is fenced.
    pub(super) fn replace_static(&mut self, turn: &mut Turn<'_>, token: Token, join: &Join, old: &Str) {
        let leader_before = self.leader.clone();
        let Some(before) = self.rename(turn, old, &join.new_member_id) else {
            return turn.answer(token, refused(&join.new_member_id, ErrorCode::UNKNOWN_MEMBER_ID));
        };
        self.update(turn, &join.new_member_id, token, join);
        self.renew(turn, &join.new_member_id);
        match self.phase {
            Phase::Stable if self.members.vote() == self.protocol => {
                // Nothing changes for the others: the member gets its place and its assignment back, once its new id is durable.
                self.members.end_join(&join.new_member_id);
                let then = Continuation::Replaced {
                    token,
                    id: join.new_member_id.clone(),
                    before: Box::new(before),
                    generation: self.generation,
                    leader_before,
                    skip_assignment: join.knows_skip_assignment,
                };
                let record = self.stored_with_own_assignments();
                self.append(turn, vec![record], then);
            }
            // While completing, the leader may be assigning to the old id: a new rebalance, or the member would go without (KAFKA-9737).
            Phase::Stable | Phase::Completing { .. } | Phase::Preparing { .. } => self.rebalance(turn),
            Phase::Empty | Phase::Dead => {
                self.members.end_join(&join.new_member_id);
                turn.answer(token, refused(&join.new_member_id, ErrorCode::UNKNOWN_MEMBER_ID));
            }
        }
    }

    /// Gives a member another id and ends what waits under the old one. Returns the member as it was.
    pub(super) fn rename(&mut self, turn: &mut Turn<'_>, old: &Str, new: &Str) -> Option<Member> {
        let before = self.members.remove(old)?;
        if let Some(token) = before.join {
            turn.answer(token, refused(old, ErrorCode::FENCED_INSTANCE_ID));
        }
        if let Some(token) = before.sync {
            let error_code = ErrorCode::FENCED_INSTANCE_ID;
            turn.answer(token, SyncGroupResponse { error_code, ..Default::default() });
        }
        self.members.insert(Member {
            id: new.clone(),
            join: None,
            sync: None,
            is_new: false,
            ..before.clone()
        });
        if self.is_leader(old) {
            self.leader = Some(new.clone());
        }
        if let Some(unsynced) = &mut self.unsynced
            && unsynced.members.remove(old)
        {
            unsynced.members.insert(new.clone());
        }
        Some(before)
    }
}
