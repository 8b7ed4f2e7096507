//! Nodes are added and removed: what stands behind `AddRaftVoter` and `RemoveRaftVoter` (KIP-853).

use std::time::Duration;

use uuid::Uuid;

use super::super::command::{Command, Endpoint, Refusal};
use super::super::controller::{Controller, ProposeError};
use super::super::quorum::{QuorumMember, QuorumStanding};
use crate::limits;

/// Why nodes are as they were, or may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    /// The metadata was not changed, or that is not known.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The metadata was changed, and Raft's membership has not followed yet: it still will.
    #[error("{0}")]
    TimedOut(String),
    /// Whether the others would have a majority is not known, so nothing was changed.
    #[error(
        "whoever leads the metadata does not say how its group stands, so it is not known whether the others had a majority without node {0}: try again when somebody leads \
         ('chronik-server cluster status')"
    )]
    NotKnown(i32),
}

/// Why a node is not removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Objection {
    /// Nobody who leads has said who is heard of.
    NotKnown,
    /// Nobody else votes.
    OnlyVoter,
    /// Those that vote then have no majority that is heard of: so many are not.
    Silent(usize),
}

impl Objection {
    fn to_removing(self, node_id: i32) -> MembershipError {
        let message = match self {
            Self::NotKnown => return MembershipError::NotKnown(node_id),
            Self::OnlyVoter => format!(
                "node {node_id} is the only one that votes on the metadata: wait until another node has caught up and votes ('chronik-server cluster status')"
            ),
            Self::Silent(silent) => format!(
                "without node {node_id} there would be no majority: of the nodes that vote then, {silent} are not heard of. Start them, or remove those first"
            ),
        };
        ProposeError::from(Refusal::Invalid(message.into())).into()
    }
}

impl Controller {
    /// Makes a node part of the cluster; any node can be asked. Raft's membership follows.
    ///
    /// # Errors
    /// It was removed once, or is known with another directory; or the metadata could not be changed.
    pub async fn admit_node(
        &self,
        node_id: i32,
        directory_id: Uuid,
        endpoint: Endpoint,
    ) -> Result<(), MembershipError> {
        if self.peers().is_none() {
            let message = "this node is a cluster of its own that does not listen for others: restart it with inter.node.listener=HOST:PORT first";
            return Err(ProposeError::from(Refusal::Invalid(message.into())).into());
        }
        self.state().admit(node_id, directory_id).map_err(ProposeError::from)?; // as it will be refused, but without a majority too
        self.propose(Command::AddNode { node_id, directory_id, endpoint }).await?;
        Ok(())
    }

    /// The same, and waits until it votes, or is one of those that only listen because so many vote.
    ///
    /// # Errors
    /// As [`admit_node`](Self::admit_node), or it was not done in time.
    pub async fn add_node(
        &self,
        node_id: i32,
        directory_id: Uuid,
        endpoint: Endpoint,
        timeout: Duration,
    ) -> Result<(), MembershipError> {
        self.admit_node(node_id, directory_id, endpoint).await?;
        let is_done = |standing: &QuorumStanding| match standing.member(node_id) {
            Some(member) => member.is_voter || standing.voters().count() >= limits::MAX_VOTERS,
            None => false,
        };
        let what = format!(
            "node {node_id} belongs to the cluster, and has not caught up with the metadata yet: it gets its vote when it has. See that it runs"
        );
        self.quorum_until(is_done, timeout, what).await
    }

    /// Takes a node that has no replica out of the cluster, and waits until it is no member of Raft; any node can be asked.
    ///
    /// # Errors
    /// It has replicas, or is not known, or without it there would be no majority; or it was not done in time.
    pub async fn remove_node(
        &self,
        node_id: i32,
        directory_id: Option<Uuid>,
        timeout: Duration,
    ) -> Result<(), MembershipError> {
        let (standing, objection) = self.quorum_without(node_id).await;
        let state = self.state();
        if standing.member(node_id).is_none() && state.node(node_id).is_none() && !state.was_removed(node_id)
        {
            return Err(ProposeError::from(Refusal::UnknownNode(node_id)).into());
        }
        if let Some(objection) = objection {
            return Err(objection.to_removing(node_id));
        }
        self.propose(Command::RemoveNode { node_id, directory_id }).await?;
        if node_id == self.node_id() {
            return Ok(()); // the others will do without it, and will not tell it when they do
        }
        let is_done = |standing: &QuorumStanding| standing.member(node_id).is_none();
        let what = format!(
            "node {node_id} does not belong to the cluster any more, and is still a member of its Raft group: it leaves when a majority of the others is there"
        );
        self.quorum_until(is_done, timeout, what).await
    }

    /// How the group stands, and what speaks against removing the node. Raft forgets with each election timeout whom it has heard, so it is given some time.
    async fn quorum_without(&self, node_id: i32) -> (QuorumStanding, Option<Objection>) {
        let deadline = self.clock().uptime() + limits::QUORUM_PATIENCE;
        loop {
            let standing = self.quorum().await;
            let objection = standing.objection_to_removing(node_id);
            if objection.is_none() || self.clock().uptime() >= deadline {
                return (standing, objection);
            }
            self.clock().sleep(limits::MEMBERSHIP_INTERVAL).await;
        }
    }

    async fn quorum_until(
        &self,
        is_done: impl Fn(&QuorumStanding) -> bool,
        timeout: Duration,
        what: String,
    ) -> Result<(), MembershipError> {
        let deadline = self.clock().uptime() + timeout;
        loop {
            let standing = self.quorum().await;
            if standing.leader.is_some() && is_done(&standing) {
                return Ok(());
            }
            if self.clock().uptime() >= deadline {
                return Err(MembershipError::TimedOut(what));
            }
            self.clock().sleep(limits::MEMBERSHIP_INTERVAL).await;
        }
    }
}

impl QuorumStanding {
    fn member(&self, node_id: i32) -> Option<&QuorumMember> {
        self.members.iter().find(|member| member.node_id == node_id)
    }

    fn voters(&self) -> impl Iterator<Item = &QuorumMember> {
        self.members.iter().filter(|member| member.is_voter)
    }

    /// What speaks against a group without this node.
    fn objection_to_removing(&self, node_id: i32) -> Option<Objection> {
        if !self.is_of_who_leads() {
            return Some(Objection::NotKnown);
        }
        let left: Vec<_> = self.voters().filter(|member| member.node_id != node_id).collect();
        let silent = left.iter().filter(|member| !member.is_active).count();
        match left.is_empty() {
            true => Some(Objection::OnlyVoter),
            false => (2 * silent >= left.len()).then_some(Objection::Silent(silent)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_removed_if_the_rest_had_no_majority() {
        let standing = |voters: &[(i32, bool)]| {
            let member = |&(node_id, is_active): &(i32, bool)| QuorumMember {
                node_id,
                is_voter: true,
                matched: Some(1),
                is_active,
            };
            let members = voters.iter().map(member).collect();
            QuorumStanding { leader: Some(1), term: 1, committed: 1, members }
        };
        let silent = |silent| Some(Objection::Silent(silent));
        let table = [
            (vec![(1, true), (2, true), (3, true)], 3, None),
            (vec![(1, true), (2, true), (3, false)], 3, None),
            (vec![(1, true), (2, false), (3, true)], 3, silent(1)),
            (vec![(1, true), (2, false)], 1, silent(1)),
            (vec![(1, true), (2, true)], 1, None),
            (vec![(1, true), (2, false), (3, true), (4, true)], 4, None),
            (vec![(1, true)], 1, Some(Objection::OnlyVoter)),
            (vec![(1, true)], 2, None), // it has no vote
        ];
        for (voters, node_id, expected) in table {
            let objection = standing(&voters).objection_to_removing(node_id);
            assert_eq!(objection, expected, "{voters:?} without {node_id}");
        }
    }

    /// Who does not lead takes it for granted that all are there.
    #[test]
    fn who_does_not_know_whom_the_leader_hears_does_not_say_yes() {
        let member = |node_id| QuorumMember { node_id, is_voter: true, matched: None, is_active: true };
        let members = vec![member(1), member(2), member(3)];
        let standing = QuorumStanding { leader: Some(1), term: 1, committed: 1, members };
        assert_eq!(standing.objection_to_removing(3), Some(Objection::NotKnown));
    }

    #[test]
    fn an_objection_says_what_to_do() {
        for (objection, what_to_do) in [
            (Objection::NotKnown, "try again when somebody leads"),
            (Objection::OnlyVoter, "wait until another node has caught up and votes"),
            (Objection::Silent(1), "Start them, or remove those first"),
        ] {
            let said = objection.to_removing(3).to_string();
            assert!(said.contains("node 3") && said.contains(what_to_do), "{said}");
        }
    }
}
