//! What goes on when records are durable, or are not.

use chronik_kafka::{ErrorCode, Str};

use super::event::{Answer, AppendError, AppendId, Token, TopicPartition};
use super::join::refused;
use super::member::Member;
use super::sync::Assignments;
use super::{Group, Phase, Turn};
use crate::records::OffsetValue;

/// What waits for records to become durable.
#[derive(Debug)]
pub(super) enum Continuation {
    /// The leader's assignment.
    Assigned { generation: i32, assignments: Assignments },
    /// A static member's new id.
    Replaced {
        token: Token,
        id: Str,
        /// The member as it was, to go back to.
        before: Box<Member>,
        generation: i32,
        leader_before: Option<Str>,
        skip_assignment: bool,
    },
    /// The group without members, and whom to tell.
    Emptied { answers: Vec<(Token, Answer)> },
    /// Offsets, and a code for each that was asked for.
    Committed { token: Token, offsets: Vec<(TopicPartition, OffsetValue)>, codes: Vec<ErrorCode> },
    /// The end of offsets; whom to tell, if anybody asked.
    Deleted { answer: Option<(Token, Vec<ErrorCode>)>, partitions: Vec<TopicPartition> },
    /// The end of the group; whom to tell, if anybody asked.
    Ended { token: Option<Token> },
}

impl Group {
    pub(super) fn appended(
        &mut self,
        turn: &mut Turn<'_>,
        append: AppendId,
        outcome: Result<(), AppendError>,
    ) {
        let Some(then) = self.appends.remove(&append) else { return };
        if let Err(error) = outcome {
            tracing::warn!(group = %self.id, %error, "records of the group were not written");
        }
        match then {
            Continuation::Assigned { generation, assignments } => {
                self.stored |= outcome.is_ok();
                // The group may have gone on meanwhile.
                if matches!(self.phase, Phase::Completing { .. }) && self.generation == generation {
                    match outcome {
                        Ok(()) => self.assign(turn, &assignments),
                        Err(error) => {
                            self.end_syncs(turn, error.code());
                            self.rebalance(turn);
                        }
                    }
                }
            }
            Continuation::Replaced { token, id, before, generation, leader_before, skip_assignment } => {
                let replaced = Replaced { token, id, generation, leader_before, skip_assignment };
                self.replaced(turn, replaced, &before, outcome);
            }
            Continuation::Emptied { answers } => {
                self.stored |= outcome.is_ok();
                for (token, answer) in answers {
                    turn.answer(
                        token,
                        outcome.map_or_else(|error| failed(answer.clone(), error), |()| answer.clone()),
                    );
                }
            }
            Continuation::Committed { token, offsets, codes } => {
                let codes = self.committed(offsets, codes, outcome);
                turn.answer(token, Answer::Each(codes));
            }
            Continuation::Deleted { answer, partitions } => {
                if outcome.is_ok() {
                    partitions.iter().for_each(|(topic, partition)| self.offsets.remove(topic, *partition));
                }
                if let Some((token, codes)) = answer {
                    turn.answer(token, Answer::Each(after(codes, outcome.err().map(AppendError::code))));
                }
            }
            Continuation::Ended { token } => self.ended(turn, token, outcome),
        }
    }

    fn ended(&mut self, turn: &mut Turn<'_>, token: Option<Token>, outcome: Result<(), AppendError>) {
        if outcome.is_ok() {
            self.offsets.clear();
            self.stored = false; // it is vacant now
        } else {
            self.enter(turn, Phase::Empty);
        }
        if let Some(token) = token {
            turn.answer(token, outcome.err().map_or(ErrorCode::NONE, AppendError::code));
        }
    }

    fn replaced(
        &mut self,
        turn: &mut Turn<'_>,
        replaced: Replaced,
        before: &Member,
        outcome: Result<(), AppendError>,
    ) {
        let Replaced { token, id, generation, leader_before, skip_assignment } = replaced;
        let still =
            self.generation == generation && self.phase == Phase::Stable && self.members.contains(&id);
        match outcome {
            Err(error) => {
                if self.members.get(&id).is_some_and(|member| member.join.is_none()) {
                    self.undo_rename(turn, &id, before);
                }
                turn.answer(token, refused(&id, error.code()));
            }
            // A rebalance has begun meanwhile: the member joins it.
            Ok(()) if !still => turn.answer(token, refused(&id, ErrorCode::REBALANCE_IN_PROGRESS)),
            Ok(()) => {
                let leads = self.is_leader(&id);
                let mut response = self.joined(&id, skip_assignment && leads);
                response.skip_assignment = skip_assignment && leads;
                if !skip_assignment {
                    // Under its old id it led; it must not take itself for the leader, or it would assign again.
                    response.leader = leader_before.unwrap_or_default();
                }
                self.renew(turn, &id);
                turn.answer(token, response);
            }
        }
    }

    /// The new id was not stored: the member has its old one, its old wishes, and its session to come back in.
    fn undo_rename(&mut self, turn: &mut Turn<'_>, new: &Str, before: &Member) {
        let old = before.id.clone();
        if self.rename(turn, new, &old).is_some() {
            self.members.set_protocols(&old, &before.protocols);
            if let Some(member) = self.members.get_mut(&old) {
                member.session_timeout_ms = before.session_timeout_ms;
                member.rebalance_timeout_ms = before.rebalance_timeout_ms;
            }
            self.renew(turn, &old);
        }
    }
}

/// What the answer to a static member's join depends on.
struct Replaced {
    token: Token,
    id: Str,
    generation: i32,
    leader_before: Option<Str>,
    skip_assignment: bool,
}

/// The codes, with those that said "done" replaced by `error`, if there is one.
pub(super) fn after(mut codes: Vec<ErrorCode>, error: Option<ErrorCode>) -> Vec<ErrorCode> {
    if let Some(error) = error {
        codes.iter_mut().filter(|code| code.is_none()).for_each(|code| *code = error);
    }
    codes
}

/// An answer that was ready, to a request whose records were not written.
fn failed(answer: Answer, error: AppendError) -> Answer {
    match answer {
        Answer::Leave(mut response) => {
            response.error_code = error.code();
            Answer::Leave(response)
        }
        other => other,
    }
}
