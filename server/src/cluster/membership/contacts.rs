//! The task that dials whoever comes, and nobody who has gone; and that ends this node when it is the one that has gone.
//!
//! A node that was removed has a vote until the entry that takes it out of Raft is committed, and that needs a majority of those that voted before. Once it is, nobody tells the node
//! anything: so when nobody leads here, it asks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concurrency_models::image::Image;
use futures_util::future::join_all;

use super::super::raft::{Node, raft_id};
use super::super::state::ClusterState;
use super::roster::Roster;
use crate::clock::Clock;
use crate::limits;
use crate::peer::{NodeId, Peers};
use crate::shutdown::Shutdown;
use crate::telemetry::Pulse;

/// Kind of the request that asks whether the other one does without the node that asks. The answer is `true` or `false`, as JSON.
pub(in super::super) const DO_WITHOUT_ME: u16 = 6;

/// See the module.
pub(in super::super) struct Contacts {
    pub(in super::super) roster: Roster,
    pub(in super::super) control: Peers,
    /// What is applied here.
    pub(in super::super) committed: Arc<Image<ClusterState>>,
    pub(in super::super) raft: Node,
    pub(in super::super) clock: Clock,
    /// Requested when this node was removed and is not needed any more.
    pub(in super::super) gone: Shutdown,
}

/// What this node knows of its own part.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// The metadata says so here.
    was_removed: bool,
    /// Of Raft, as far as entries are applied here.
    is_member: bool,
    /// Since when nobody leads, as far as is known here; `None` if somebody does.
    leaderless_for: Option<Duration>,
}

/// Whether this node is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    Yes,
    No,
    /// The others know.
    Ask,
}

impl Part {
    fn is_needed(self) -> Needed {
        match self {
            Self { was_removed: true, is_member: false, .. } => Needed::No,
            Self { was_removed: true, leaderless_for: Some(_), .. } => Needed::Ask,
            // It may have been removed while it was down.
            Self { leaderless_for: Some(silence), .. } if silence >= limits::REMOVED_PATIENCE => Needed::Ask,
            _ => Needed::Yes,
        }
    }
}

impl Contacts {
    /// Runs until the Raft loop has ended.
    pub(in super::super) async fn run(self, pulse: Pulse) {
        let own = self.roster.own();
        let mut led = self.clock.uptime();
        loop {
            let leadership = self.raft.leadership();
            let (seen, seen_leader) = (self.committed.version(), leadership.version());
            let state = self.committed.load();
            let membership = self.raft.membership();
            let members = [membership.voters, membership.learners].concat();
            pulse.beat();
            if self.roster.follow(&state, &members) {
                self.control.set(&self.roster.peers());
            }
            let (now, nobody_leads) = (self.clock.uptime(), leadership.load().leader_id == 0);
            if !nobody_leads {
                led = now;
            }
            let part = Part {
                was_removed: state.was_removed(own),
                is_member: members.contains(&raft_id(own)),
                leaderless_for: nobody_leads.then(|| now.saturating_sub(led)),
            };
            let somebody_leaves = state.removed().any(|id| members.contains(&raft_id(id)));
            pulse.idle();
            if !self.gone.is_requested() && self.is_gone(part).await {
                self.gone.request();
            }
            tokio::select! {
                biased;
                changed = self.committed.at_least(seen + 1) => if changed.is_err() { return },
                changed = leadership.at_least(seen_leader + 1) => if changed.is_err() { return },
                () = self.clock.sleep(limits::MEMBERSHIP_INTERVAL), if somebody_leaves || nobody_leads => {}
            }
        }
    }

    async fn is_gone(&self, part: Part) -> bool {
        match part.is_needed() {
            Needed::Yes => false,
            Needed::No => true,
            Needed::Ask => {
                let others = self.roster.peers();
                join_all(others.into_keys().map(|other| self.does_without_me(other))).await.contains(&true)
            }
        }
    }

    async fn does_without_me(&self, other: NodeId) -> bool {
        let asked =
            self.control.request(other, DO_WITHOUT_ME, Bytes::new(), limits::REMOVED_QUESTION_TIMEOUT);
        asked.await.is_ok_and(|answer| serde_json::from_slice(&answer).unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_ends_when_it_is_no_member_and_asks_when_nobody_tells_it() {
        let (a_moment, long) = (Some(Duration::ZERO), Some(limits::REMOVED_PATIENCE));
        for (was_removed, is_member, leaderless_for, expected) in [
            (false, true, None, Needed::Yes),
            (false, true, a_moment, Needed::Yes),
            (false, true, long, Needed::Ask),
            (false, false, a_moment, Needed::Yes), // it joins
            (true, true, None, Needed::Yes),
            (true, true, a_moment, Needed::Ask),
            (true, true, long, Needed::Ask),
            (true, false, None, Needed::No),
            (true, false, long, Needed::No),
        ] {
            let part = Part { was_removed, is_member, leaderless_for };
            assert_eq!(part.is_needed(), expected, "{part:?}");
        }
    }
}
