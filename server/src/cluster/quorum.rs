//! How the group that agrees on the metadata stands. Whoever leads it knows; the others ask that node.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::controller::Controller;
use super::raft::{DESCRIBE_QUORUM, node_id, peer_id};
use crate::limits;

/// The group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumStanding {
    /// Node id of who leads it; `None` if nobody does, as far as is known.
    pub leader: Option<i32>,
    /// The Raft term.
    pub term: u64,
    /// Index up to which entries are committed.
    pub committed: u64,
    /// In order of node ids.
    pub members: Vec<QuorumMember>,
}

/// A member of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumMember {
    /// `node.id`
    pub node_id: i32,
    /// Whether it votes.
    pub is_voter: bool,
    /// Index up to which its log is durable and the leader's; `None` if nobody who was asked knows.
    pub matched: Option<u64>,
    /// Whether its leader has heard of it lately; taken for granted by who does not lead.
    pub is_active: bool,
}

impl QuorumStanding {
    /// Whether it is what the leader knows: nobody else knows who is heard of.
    pub(super) fn is_of_who_leads(&self) -> bool {
        self.members.iter().any(|member| member.matched.is_some())
    }
}

impl Controller {
    /// How the group stands, as whoever leads it says. If that node does not answer, what this one knows.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    pub async fn quorum(&self) -> QuorumStanding {
        if self.leads_in_term().is_none()
            && let (Some(peers), Some(leader)) = (self.peers(), self.leader())
        {
            let asked = peers.request(
                peer_id(leader),
                DESCRIBE_QUORUM,
                Bytes::new(),
                limits::DESCRIBE_QUORUM_TIMEOUT,
            );
            let answer = asked.await.ok().and_then(|answer| serde_json::from_slice(&answer).ok());
            if let Some(standing) = answer {
                return standing;
            }
        }
        self.quorum_here()
    }

    /// What another node understands that has asked for it.
    pub(super) fn quorum_for_another(&self) -> Bytes {
        serde_json::to_vec(&self.quorum_here()).expect("a standing has only keys that are strings").into()
    }

    /// The same as this one knows it.
    pub fn quorum_here(&self) -> QuorumStanding {
        let raft = self.raft();
        let (status, progress) = (raft.status(), raft.progress());
        let mut members: Vec<QuorumMember> = match progress {
            Some(progress) => progress
                .into_iter()
                .filter_map(|member| {
                    Some(QuorumMember {
                        node_id: node_id(member.node_id)?,
                        is_voter: member.is_voter,
                        matched: Some(member.matched_index),
                        is_active: member.recently_active,
                    })
                })
                .collect(),
            None => {
                let membership = raft.membership();
                let unknown = |is_voter: bool| {
                    move |id: &u64| {
                        Some(QuorumMember {
                            node_id: node_id(*id)?,
                            is_voter,
                            matched: None,
                            is_active: true,
                        })
                    }
                };
                let voters = membership.voters.iter().filter_map(unknown(true));
                voters.chain(membership.learners.iter().filter_map(unknown(false))).collect()
            }
        };
        members.sort_unstable_by_key(|member| member.node_id);
        QuorumStanding {
            leader: node_id(status.leadership.leader_id),
            term: status.leadership.term,
            committed: status.committed,
            members,
        }
    }
}
