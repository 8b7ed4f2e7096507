//! Who leads a partition next: a decision of values, made where the election is applied.
//!
//! A proposal says what its proposer has seen. Between then and its turn in the log the suspect may have been replaced, or the in-sync set
//! have changed; so applying it is a compare-and-set, and an election that comes too late changes nothing.

use std::collections::BTreeSet;

/// A partition in the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Node ids in order of preference.
    pub replicas: Vec<i32>,
    /// Those that have every committed record (KIP-101 and KIP-966 say why nobody else may lead).
    pub in_sync: BTreeSet<i32>,
    /// Node id; `None` while nobody may lead.
    pub leader: Option<i32>,
    /// Grows with each leader.
    pub leader_epoch: i32,
    /// Grows with each change (KIP-497).
    pub partition_epoch: i32,
}

/// A proposal to replace a leader, with what its proposer has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaceLeader {
    /// Node id of the leader that is suspected.
    pub leader: i32,
    /// The epoch in which it leads.
    pub leader_epoch: i32,
    /// The last change of the partition.
    pub partition_epoch: i32,
}

/// Why nobody was elected. The partition is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotElected {
    /// The partition has changed since the proposer looked.
    #[error(
        "the partition has changed since: it is in leader epoch {leader_epoch}, partition epoch {partition_epoch}"
    )]
    Outdated {
        /// Its leader epoch now.
        leader_epoch: i32,
        /// Its partition epoch now.
        partition_epoch: i32,
    },
    /// No other replica is both in sync and alive.
    #[error("no other replica is in sync and alive: the partition waits for one")]
    NoCandidate,
}

impl Partition {
    /// The first replica that is in sync, alive, and not `suspect`.
    pub fn candidate(&self, suspect: i32, alive: &BTreeSet<i32>) -> Option<i32> {
        let may_lead = |node: &i32| *node != suspect && self.in_sync.contains(node) && alive.contains(node);
        self.replicas.iter().copied().find(may_lead)
    }

    /// Applies a proposal: all of it or nothing. Returns who leads now.
    ///
    /// # Errors
    /// The proposer has seen another state, or nobody may lead.
    pub fn replace_leader(
        &mut self,
        proposal: ReplaceLeader,
        alive: &BTreeSet<i32>,
    ) -> Result<i32, NotElected> {
        let Self { leader_epoch, partition_epoch, .. } = *self;
        let seen = (proposal.leader_epoch, proposal.partition_epoch);
        if self.leader != Some(proposal.leader) || seen != (leader_epoch, partition_epoch) {
            return Err(NotElected::Outdated { leader_epoch, partition_epoch });
        }
        let leader = self.candidate(proposal.leader, alive).ok_or(NotElected::NoCandidate)?;
        self.leader = Some(leader);
        self.leader_epoch += 1;
        self.partition_epoch += 1;
        Ok(leader)
    }
}
