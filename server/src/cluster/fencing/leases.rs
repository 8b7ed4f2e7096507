//! The leases that brokers have from this node, as long as it leads the metadata. Plain data.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits;

/// How long a lease lasts on this side: clocks do not run quite alike.
const HERE: Duration = limits::BROKER_LEASE.saturating_add(limits::BROKER_LEASE_MARGIN);

/// Times are uptimes of this node's clock.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// Before it led, somebody else may have granted a lease to anybody.
    since: Duration,
    /// By node id, when the last heartbeat that was granted was heard.
    heard: BTreeMap<i32, Duration>,
}

impl Leases {
    /// This node has begun to lead, or does so again.
    pub(super) fn begin(&mut self, now: Duration) {
        self.since = self.since.max(now);
    }

    /// A heartbeat is granted that was heard at `heard`.
    pub(super) fn grant(&mut self, node_id: i32, heard: Duration) {
        let known = self.heard.entry(node_id).or_insert(heard);
        *known = heard.max(*known);
    }

    /// Whether the broker has certainly no lease any more, from this node or another.
    pub(super) fn has_expired(&self, node_id: i32, now: Duration) -> bool {
        now >= self.until(node_id)
    }

    /// Whether it has had none for as long as a lease lasts: no follower has said anything, and nobody else will.
    pub(super) fn is_abandoned(&self, node_id: i32, now: Duration) -> bool {
        now >= self.until(node_id) + HERE
    }

    /// For how long nothing was heard of it.
    pub(super) fn silence(&self, node_id: i32, now: Duration) -> Duration {
        now.saturating_sub(self.last(node_id))
    }

    /// When it expires if nothing more is heard of the broker.
    pub(super) fn until(&self, node_id: i32) -> Duration {
        self.last(node_id) + HERE
    }

    fn last(&self, node_id: i32) -> Duration {
        self.heard.get(&node_id).map_or(self.since, |heard| self.since.max(*heard))
    }
}
