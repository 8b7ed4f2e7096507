//! How a member stands, for those who look.

use raft::eraftpb::ConfState;
use raft::{Progress, RawNode, StateRole};

use super::node::{Leadership, leadership_of};
use super::{LogStore, Node};

/// What a member does in its term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It takes what the leader sends.
    #[default]
    Follower,
    /// It asks whether it would be voted for (Raft thesis, 9.6).
    PreCandidate,
    /// It asks for votes.
    Candidate,
    /// It leads.
    Leader,
}

/// A member as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Who leads.
    pub leadership: Leadership,
    /// What this member does.
    pub role: Role,
    /// Whether it gets the log and has no vote.
    pub is_learner: bool,
    /// Index of the first entry that it still has in memory.
    pub first_index: u64,
    /// Index of the last entry, durable or not.
    pub last_index: u64,
    /// Index up to which entries are committed.
    pub committed: u64,
    /// Index up to which they are applied.
    pub applied: u64,
}

/// How far a member has come, as its leader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberProgress {
    /// Node id of the member.
    pub node_id: u64,
    /// Whether it votes.
    pub is_voter: bool,
    /// Index up to which its log is durable and the leader's.
    pub matched_index: u64,
    /// Whether it has been heard of since the leader last looked, which is once in an election timeout.
    pub recently_active: bool,
}

impl<S: LogStore, T> Node<S, T> {
    /// How the member stands.
    pub fn status(&self) -> Status {
        status_of(&self.shared.raw.read())
    }

    /// The membership as of the last entry that is applied, in order of node ids.
    pub fn membership(&self) -> ConfState {
        let mut membership = self.shared.raw.read().raft.prs().conf().to_conf_state();
        let ConfState { voters, learners, voters_outgoing, learners_next, .. } = &mut membership;
        [voters, learners, voters_outgoing, learners_next].into_iter().for_each(|ids| ids.sort_unstable());
        membership
    }

    /// How far all members have come, this one too, in order of node ids; `None` if this node does not lead.
    pub fn progress(&self) -> Option<Vec<MemberProgress>> {
        let mut members = {
            let raw = self.shared.raw.read();
            if raw.raft.state != StateRole::Leader {
                return None;
            }
            let members = raw.raft.prs().iter();
            members.map(|(&node_id, progress)| progress_of(&raw, node_id, progress)).collect::<Vec<_>>()
        };
        members.sort_unstable_by_key(|member| member.node_id);
        Some(members)
    }
}

fn status_of<S: LogStore>(raw: &RawNode<S>) -> Status {
    let (raft, log) = (&raw.raft, &raw.raft.raft_log);
    Status {
        leadership: leadership_of(raw),
        role: match raft.state {
            StateRole::Follower => Role::Follower,
            StateRole::PreCandidate => Role::PreCandidate,
            StateRole::Candidate => Role::Candidate,
            StateRole::Leader => Role::Leader,
        },
        is_learner: raft.prs().conf().learners().contains(&raft.id),
        first_index: log.first_index(),
        last_index: log.last_index(),
        committed: log.committed,
        applied: log.applied,
    }
}

fn progress_of<S: LogStore>(raw: &RawNode<S>, node_id: u64, progress: &Progress) -> MemberProgress {
    MemberProgress {
        node_id,
        is_voter: raw.raft.prs().conf().voters().contains(node_id),
        matched_index: progress.matched,
        recently_active: progress.recent_active || node_id == raw.raft.id,
    }
}
