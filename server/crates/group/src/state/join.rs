//! JoinGroup: into a group, or back into it (`GroupMetadataManager.classicGroupJoin`).

use std::collections::BTreeSet;

use chronik_kafka::message::JoinGroupResponse;
use chronik_kafka::message::join_group::JoinGroupResponseMember;
use chronik_kafka::{ErrorCode, Str};

use super::event::{Answer, Join, Token};
use super::member::Member;
use super::{Group, Phase, Turn};
use crate::limits;

/// An answer that says why not.
pub(super) fn refused(member_id: &Str, error_code: ErrorCode) -> Answer {
    JoinGroupResponse { error_code, member_id: member_id.clone(), ..Default::default() }.into()
}

impl Group {
    pub(super) fn join(&mut self, turn: &mut Turn<'_>, token: Token, mut join: Join) {
        if join.rebalance_timeout_ms < 0 {
            join.rebalance_timeout_ms = join.session_timeout_ms; // version 0 has none
        }
        let known = match self.check_join(turn, &join) {
            Ok(known) => known,
            Err(code) => return turn.answer(token, refused(&join.member_id, code)),
        };
        tracing::debug!(group = %self.id, member = %join.member_id, instance = ?join.group_instance_id, reason = ?join.reason, "join");
        match known {
            Known::Static(old) => self.replace_static(turn, token, &join, &old),
            Known::No if join.group_instance_id.is_none() && join.requires_known_member_id => {
                self.give_member_id(turn, token, &join);
            }
            Known::No => self.add(turn, token, &join, join.new_member_id.clone()),
            Known::Pending => {
                self.pending.remove(&join.member_id);
                let id = join.member_id.detached();
                self.add(turn, token, &join, id);
            }
            Known::Member => self.rejoin(turn, token, &join),
        }
    }

    /// Whether the join is one, and who it comes from.
    fn check_join(&self, turn: &Turn<'_>, join: &Join) -> Result<Known, ErrorCode> {
        let allowed = turn.config.min_session_timeout_ms..=turn.config.max_session_timeout_ms;
        if !allowed.contains(&join.session_timeout_ms) {
            return Err(ErrorCode::INVALID_SESSION_TIMEOUT);
        }
        if !self.has_room_for(turn, &join.member_id) {
            return Err(ErrorCode::GROUP_MAX_SIZE_REACHED);
        }
        if self.phase == Phase::Dead {
            return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
        }
        if !self.fits(join) {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        self.who_joins(join)
    }

    fn who_joins(&self, join: &Join) -> Result<Known, ErrorCode> {
        let instance = join.group_instance_id.as_ref();
        if join.member_id.is_empty() {
            let known = instance.and_then(|instance| self.members.of_instance(instance));
            return Ok(known.map_or(Known::No, |id| Known::Static(id.clone())));
        }
        if self.pending.contains_key(&join.member_id) {
            // Only dynamic members are given an id to come back with.
            return if instance.is_none() { Ok(Known::Pending) } else { Err(ErrorCode::UNKNOWN_MEMBER_ID) };
        }
        self.check_member(&join.member_id, instance)?;
        Ok(Known::Member)
    }

    /// `group.max.size`
    fn has_room_for(&self, turn: &Turn<'_>, member_id: &str) -> bool {
        let most = turn.config.max_size;
        match self.phase {
            Phase::Empty | Phase::Dead => true,
            Phase::Preparing { .. } => {
                let waits = self.members.get(member_id).is_some_and(|member| member.join.is_some());
                waits || self.members.joining() < most
            }
            Phase::Completing { .. } | Phase::Stable => {
                self.members.contains(member_id) || self.members.len() < most
            }
        }
    }

    /// Whether the joiner has a protocol in common with all members.
    fn fits(&self, join: &Join) -> bool {
        let sound = !join.protocol_type.is_empty()
            && !join.protocols.is_empty()
            && join.protocols.len() <= limits::MAX_PROTOCOLS
            && join.protocols.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len()
                == join.protocols.len();
        sound
            && (self.members.is_empty()
                || (self.protocol_type.as_ref() == Some(&join.protocol_type)
                    && self.members.all_offer_one_of(&join.protocols)))
    }

    /// MEMBER_ID_REQUIRED (KIP-394): who cannot hear this never becomes a member.
    fn give_member_id(&mut self, turn: &mut Turn<'_>, token: Token, join: &Join) {
        if self.pending.len() >= limits::MAX_PENDING_MEMBERS {
            return turn.answer(token, refused(&join.member_id, ErrorCode::GROUP_MAX_SIZE_REACHED));
        }
        let expires_at_ms = turn.now_ms + i64::from(join.session_timeout_ms);
        self.pending.insert(join.new_member_id.clone(), expires_at_ms);
        self.wake(expires_at_ms);
        turn.answer(token, refused(&join.new_member_id, ErrorCode::MEMBER_ID_REQUIRED));
    }

    /// A new member waits for the rebalance that it causes.
    fn add(&mut self, turn: &mut Turn<'_>, token: Token, join: &Join, id: Str) {
        if self.members.is_empty() {
            self.protocol_type = Some(join.protocol_type.detached());
        }
        if let Phase::Preparing { initial: Some(initial), .. } = &mut self.phase {
            initial.somebody_came = true;
        }
        let deadline_ms = turn.now_ms + limits::NEW_MEMBER_JOIN_TIMEOUT_MS;
        self.members.insert(Member { join: Some(token), deadline_ms, ..Member::of_join(id.clone(), join) });
        self.wake(deadline_ms);
        if self.leader.is_none() {
            self.leader = Some(id);
        }
        self.rebalance(turn);
    }

    /// A member joins again.
    fn rejoin(&mut self, turn: &mut Turn<'_>, token: Token, join: &Join) {
        let id = join.member_id.clone();
        let same = self.members.get(&id).is_some_and(|member| member.offers(&join.protocols));
        let needs_rebalance = match self.phase {
            Phase::Preparing { .. } => true,
            // It may not have got the answer to its first join.
            Phase::Completing { .. } => !same,
            // The leader joins again when something that it assigns by has changed.
            Phase::Stable => !same || self.is_leader(&id),
            Phase::Empty | Phase::Dead => {
                return turn.answer(token, refused(&id, ErrorCode::UNKNOWN_MEMBER_ID));
            }
        };
        if !needs_rebalance {
            self.renew(turn, &id);
            return turn.answer(token, self.joined(&id, self.phase != Phase::Stable && self.is_leader(&id)));
        }
        self.update(turn, &id, token, join);
        self.rebalance(turn);
    }

    /// What a member wants now; it waits in a join.
    pub(super) fn update(&mut self, turn: &mut Turn<'_>, id: &Str, token: Token, join: &Join) {
        self.members.set_protocols(id, &join.protocols);
        if let Some(member) = self.members.get_mut(id) {
            member.rebalance_timeout_ms = join.rebalance_timeout_ms;
            member.session_timeout_ms = join.session_timeout_ms;
            member.client_id = join.client_id.detached();
            member.client_host = join.client_host.detached();
        }
        if let Some(earlier) = self.members.start_join(id, token) {
            turn.answer(earlier, refused(id, ErrorCode::REBALANCE_IN_PROGRESS)); // nobody is left without an answer
        }
    }

    /// The answer to a join: this generation, for the leader with everyone in it.
    pub(super) fn joined(&self, id: &Str, with_members: bool) -> JoinGroupResponse {
        JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: id.clone(),
            members: if with_members { self.joined_members() } else { Vec::new() },
            ..Default::default()
        }
    }

    fn joined_members(&self) -> Vec<JoinGroupResponseMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let member = |member: &Member| JoinGroupResponseMember {
            member_id: member.id.clone(),
            group_instance_id: member.instance.clone(),
            metadata: member.metadata(protocol),
        };
        self.members.iter().map(member).collect()
    }
}

/// Who joins.
enum Known {
    /// Nobody knows it.
    No,
    /// It was given its id and comes back with it.
    Pending,
    /// A member.
    Member,
    /// A static member that has started again; with its old id.
    Static(Str),
}
