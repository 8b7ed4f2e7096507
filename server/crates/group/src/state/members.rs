//! The members of a group, and what is counted over all of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use chronik_kafka::Str;

use super::event::Token;
use super::member::{Member, own};

/// All members, by id.
#[derive(Debug, Default)]
pub(super) struct Members {
    by_id: BTreeMap<Str, Member>,
    /// Id of each static member, by `group.instance.id`.
    by_instance: BTreeMap<Str, Str>,
    /// How many members offer a protocol.
    support: BTreeMap<Str, usize>,
    /// How many members wait in a join.
    joining: usize,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many wait in a join.
    pub(super) fn joining(&self) -> usize {
        self.joining
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Member> {
        self.by_id.get(id)
    }

    /// For everything but `protocols` and `join`.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Member> {
        self.by_id.get_mut(id)
    }

    /// In order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_id.values()
    }

    /// For everything but `protocols` and `join`.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.by_id.values_mut()
    }

    /// The id of a static member.
    pub(super) fn of_instance(&self, instance: &str) -> Option<&Str> {
        self.by_instance.get(instance)
    }

    pub(super) fn insert(&mut self, member: Member) {
        debug_assert!(!self.contains(&member.id));
        for (name, _) in &member.protocols {
            *self.support.entry(name.clone()).or_default() += 1;
        }
        if let Some(instance) = &member.instance {
            self.by_instance.insert(instance.clone(), member.id.clone());
        }
        self.joining += usize::from(member.join.is_some());
        self.by_id.insert(member.id.clone(), member);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Member> {
        let member = self.by_id.remove(id)?;
        self.forget_protocols(&member.protocols);
        if let Some(instance) = &member.instance {
            self.by_instance.remove(instance);
        }
        self.joining -= usize::from(member.join.is_some());
        Some(member)
    }

    fn forget_protocols(&mut self, protocols: &[(Str, Bytes)]) {
        for (name, _) in protocols {
            if let Some(count) = self.support.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    self.support.remove(name);
                }
            }
        }
    }

    /// Gives a member other protocols; they are copied.
    pub(super) fn set_protocols(&mut self, id: &str, protocols: &[(Str, Bytes)]) {
        let Some(member) = self.by_id.get_mut(id) else { return };
        let before = std::mem::replace(&mut member.protocols, own(protocols));
        for (name, _) in &member.protocols {
            *self.support.entry(name.clone()).or_default() += 1;
        }
        self.forget_protocols(&before);
    }

    /// The member waits in a join from now on; its earlier one, if it had one.
    pub(super) fn start_join(&mut self, id: &str, token: Token) -> Option<Token> {
        let member = self.by_id.get_mut(id)?;
        let before = member.join.replace(token);
        self.joining += usize::from(before.is_none());
        before
    }

    /// The member waits in no join any more.
    pub(super) fn end_join(&mut self, id: &str) -> Option<Token> {
        let token = self.by_id.get_mut(id)?.join.take();
        self.joining -= usize::from(token.is_some());
        token
    }

    /// Whether all members offer one of these protocols.
    pub(super) fn all_offer_one_of(&self, protocols: &[(Str, Bytes)]) -> bool {
        protocols.iter().any(|(name, _)| self.all_offer(name))
    }

    fn all_offer(&self, protocol: &str) -> bool {
        self.support.get(protocol) == Some(&self.len())
    }

    /// The protocol with the most votes: each member's is for what it wants most of what all offer. Of several with as many, the first by name.
    pub(super) fn vote(&self) -> Option<Str> {
        let mut votes: BTreeMap<&Str, usize> = BTreeMap::new();
        for member in self.by_id.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| self.all_offer(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let most = votes.values().max()?;
        votes.iter().find(|(_, count)| *count == most).map(|(name, _)| (*name).clone())
    }

    /// How long a rebalance waits: as long as the most patient member, in milliseconds.
    pub(super) fn rebalance_timeout_ms(&self) -> i64 {
        let most = self.by_id.values().map(|member| member.rebalance_timeout_ms).max();
        most.map_or(1, |most| i64::from(most.max(1)))
    }
}
