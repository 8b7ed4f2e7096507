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
        let (standing, silent) = self.quorum_without(node_id).await;
        let state = self.state();
        if standing.member(node_id).is_none() && state.node(node_id).is_none() && !state.was_removed(node_id)
        {
            return Err(ProposeError::from(Refusal::UnknownNode(node_id)).into());
        }
        if let Some(silent) = silent {
            let message = format!(
                "without node {node_id} there would be no majority: of the nodes that vote then, {silent} are not heard of. Start them, or remove those first"
            );
            return Err(ProposeError::from(Refusal::Invalid(message.into())).into());
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

    /// How the group stands, and how many are not heard of if the others have no majority that is. Raft forgets with each election timeout whom it has heard, so it is given some time.
    async fn quorum_without(&self, node_id: i32) -> (QuorumStanding, Option<usize>) {
        let deadline = self.clock().uptime() + limits::QUORUM_PATIENCE;
        loop {
            let standing = self.quorum().await;
            let silent = standing.silent_without(node_id);
            if silent.is_none() || self.clock().uptime() >= deadline {
                return (standing, silent);
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

    /// If the voters besides this one have no majority that is heard of: how many are not.
    fn silent_without(&self, node_id: i32) -> Option<usize> {
        let left: Vec<_> = self.voters().filter(|member| member.node_id != node_id).collect();
        let silent = left.iter().filter(|member| !member.is_active).count();
        (2 * silent >= left.len()).then_some(silent).filter(|silent| *silent > 0)
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
                matched: None,
                is_active,
            };
            let members = voters.iter().map(member).collect();
            QuorumStanding { leader: Some(1), term: 1, committed: 1, members }
        };
        let table = [
            (vec![(1, true), (2, true), (3, true)], 3, None),
            (vec![(1, true), (2, true), (3, false)], 3, None),
            (vec![(1, true), (2, false), (3, true)], 3, Some(1)),
            (vec![(1, true), (2, false)], 1, Some(1)),
            (vec![(1, true), (2, true)], 1, None),
            (vec![(1, true), (2, false), (3, true), (4, true)], 4, None),
        ];
        for (voters, node_id, expected) in table {
            assert_eq!(standing(&voters).silent_without(node_id), expected, "{voters:?} without {node_id}");
        }
    }
}
