//! An election in the hands of a worker.

use std::fmt;
use std::hash::Hash;

use super::{Heartbeat, HeartbeatMap, Suspect};
use crate::triggers::Election;

/// An election under way. However it ends, and also if its worker is dropped half-way: its end gives the partition back to those that are watched.
#[must_use = "dropped at once, the election is not held"]
pub struct UnderWay<'a, K: Ord + Hash + Copy> {
    heartbeats: &'a HeartbeatMap<K>,
    election: Election<K>,
    /// How the partition is watched afterwards: as it was, unless [`led`](Self::led) says otherwise. Then it is stale, and the next sweep tries again.
    then: Heartbeat,
}

impl<'a, K: Ord + Hash + Copy> UnderWay<'a, K> {
    pub(super) fn new(heartbeats: &'a HeartbeatMap<K>, election: Election<K>) -> Self {
        let then = election.suspect().last;
        Self { heartbeats, election, then }
    }

    /// Whose leader is suspected, and what was last heard of it.
    pub fn suspect(&self) -> Suspect<K> {
        self.election.suspect()
    }

    /// Whether the leader is still as silent as when it was suspected, and nobody newer leads.
    pub fn is_still_suspect(&self) -> bool {
        self.heartbeats.triggers.last_heard(&self.election) == Some(self.suspect().last)
    }

    /// The partition has a leader.
    pub fn led(&mut self, leader: Heartbeat) {
        self.then = self.then.max(leader);
    }
}

impl<K: Ord + Hash + Copy> Drop for UnderWay<'_, K> {
    /// In one critical section: the partition is never neither watched nor in an election, and one that is not followed any more does not come back.
    fn drop(&mut self) {
        let Self { heartbeats, election, then } = self;
        let partition = election.suspect().partition;
        heartbeats.triggers.settle(election, |last_heard| heartbeats.watch(partition, last_heard.max(*then)));
    }
}

impl<K: Ord + Hash + Copy + fmt::Debug> fmt::Debug for UnderWay<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnderWay").field("suspect", &self.suspect()).finish_non_exhaustive()
    }
}
