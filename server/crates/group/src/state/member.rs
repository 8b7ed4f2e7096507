//! A member of a group.

use bytes::Bytes;
use chronik_kafka::Str;

use super::event::{Join, Token};
use crate::records::StoredMember;

/// A member.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: Str,
    /// `group.instance.id`; it does not change.
    pub(super) instance: Option<Str>,
    pub(super) client_id: Str,
    pub(super) client_host: Str,
    pub(super) session_timeout_ms: i32,
    pub(super) rebalance_timeout_ms: i32,
    /// Name and metadata, the most wanted first. Changed through [`super::members::Members`] only, which counts them.
    pub(super) protocols: Vec<(Str, Bytes)>,
    /// What the leader gave it in the generation that is stable.
    pub(super) assignment: Bytes,
    /// Its join that waits for the rebalance to complete. Changed through [`super::members::Members`] only, which counts them.
    pub(super) join: Option<Token>,
    /// Its sync that waits for the assignment.
    pub(super) sync: Option<Token>,
    /// Its first join is not answered: it may not know its id, so that nobody can renew it.
    pub(super) is_new: bool,
    /// When it counts as dead. Only for a member that is not waiting for us, or that is new.
    pub(super) deadline_ms: i64,
}

impl Member {
    /// The member that `join` describes. It has memory of its own.
    pub(super) fn of_join(id: Str, join: &Join) -> Self {
        Self {
            id,
            instance: join.group_instance_id.as_ref().map(Str::detached),
            client_id: join.client_id.detached(),
            client_host: join.client_host.detached(),
            session_timeout_ms: join.session_timeout_ms,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            protocols: own(&join.protocols),
            assignment: Bytes::new(),
            join: None,
            sync: None,
            is_new: true,
            deadline_ms: i64::MAX,
        }
    }

    /// The member as it was stored; `protocol` is that of the group.
    pub(super) fn of_stored(stored: StoredMember, protocol: Option<&Str>, now_ms: i64) -> Self {
        let protocols = protocol.map(|name| (name.clone(), stored.subscription)).into_iter().collect();
        Self {
            id: stored.member_id,
            instance: stored.group_instance_id,
            client_id: stored.client_id,
            client_host: stored.client_host,
            session_timeout_ms: stored.session_timeout_ms,
            rebalance_timeout_ms: stored.rebalance_timeout_ms,
            protocols,
            assignment: stored.assignment,
            join: None,
            sync: None,
            is_new: false,
            deadline_ms: now_ms + i64::from(stored.session_timeout_ms),
        }
    }

    /// The member with this assignment, as it is stored.
    pub(super) fn to_stored(&self, protocol: &str, assignment: Bytes) -> StoredMember {
        StoredMember {
            member_id: self.id.clone(),
            group_instance_id: self.instance.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            session_timeout_ms: self.session_timeout_ms,
            subscription: self.metadata(protocol),
            assignment,
        }
    }

    /// Its metadata for a protocol; empty if it does not know it.
    pub(super) fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|(name, _)| *name == protocol)
            .map_or_else(Bytes::new, |(_, metadata)| metadata.clone())
    }

    /// Whether it is the same member still, with the same wishes.
    pub(super) fn offers(&self, protocols: &[(Str, Bytes)]) -> bool {
        self.protocols == protocols
    }

    /// When it counts as dead; `None` while it waits for us.
    pub(super) fn expires_at_ms(&self) -> Option<i64> {
        let waits = self.join.is_some() || self.sync.is_some();
        (!waits || self.is_new).then_some(self.deadline_ms)
    }
}

/// Copies with memory of their own.
pub(super) fn own(protocols: &[(Str, Bytes)]) -> Vec<(Str, Bytes)> {
    protocols.iter().map(|(name, metadata)| (name.detached(), Bytes::copy_from_slice(metadata))).collect()
}
