//! Metadata as small as an election needs them. The server's are `cluster::state`, which is a function of values and tested as one: what the scenarios here
//! are about is the way of an election to where it is applied, and back.

/// A partition in the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Node ids in order of preference.
    pub(crate) replicas: Vec<i32>,
    /// Those that may lead.
    pub(crate) in_sync: Vec<i32>,
    /// Node id.
    pub(crate) leader: i32,
    /// Grows with each leader.
    pub(crate) leader_epoch: i32,
}

/// A proposal to replace a leader, with what its proposer has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplaceLeader {
    /// Node id of the leader that is suspected.
    pub(crate) leader: i32,
    /// The epoch in which it leads.
    pub(crate) leader_epoch: i32,
}

impl Partition {
    /// Another leads, unless that is so already: between a proposal and its turn in the log the suspect may have been replaced.
    pub(crate) fn replace_leader(&mut self, suspect: ReplaceLeader) {
        let Self { leader, leader_epoch, .. } = *self;
        let may_lead = |node: &&i32| **node != leader && self.in_sync.contains(node);
        if suspect == (ReplaceLeader { leader, leader_epoch })
            && let Some(next) = self.replicas.iter().find(may_lead)
        {
            (self.leader, self.leader_epoch) = (*next, leader_epoch + 1);
        }
    }
}
