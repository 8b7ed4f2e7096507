//! RemoveRaftVoter (KIP-853): takes a node out of the cluster, which then does not wait for it any more.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::remove_raft_voter::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};

use super::error::{KafkaError, Refused, split};
use super::{Broker, membership};
use crate::cluster::{MembershipError, ProposeError, Refusal};
use crate::limits;

/// Refused as long as the node has replicas.
pub(super) async fn remove_raft_voter(
    broker: &Broker,
    request: RemoveRaftVoterRequest,
) -> RemoveRaftVoterResponse {
    let (error_code, error_message) = split(remove(broker, request).await);
    RemoveRaftVoterResponse { error_code, error_message, ..Default::default() }
}

async fn remove(broker: &Broker, request: RemoveRaftVoterRequest) -> Result<(), Refused> {
    membership::check_cluster(broker, request.cluster_id.as_ref())?;
    let RemoveRaftVoterRequest { voter_id, voter_directory_id, .. } = request;
    if voter_id < 0 {
        return Err((ErrorCode::INVALID_REQUEST, format!("a voter has an id from 0 on, not {voter_id}")));
    }
    // Without the id of a directory, whichever the node has is meant.
    let directory_id = Some(voter_directory_id).filter(|id| !id.is_nil());
    let timeout = limits::REMOVE_NODE_TIMEOUT;
    let removed = broker.controller.remove_node(voter_id, directory_id, timeout);
    membership::made(broker, timeout, removed, code).await
}

fn code(error: &MembershipError) -> ErrorCode {
    match error {
        // The voter that is meant is not the one that is known.
        MembershipError::Propose(ProposeError::Refused(Refusal::AnotherDirectory { .. })) => {
            ErrorCode::VOTER_NOT_FOUND
        }
        error => error.code(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_voter_with_another_directory_is_not_the_one_that_is_meant() {
        let refused = |refusal: Refusal| code(&MembershipError::Propose(refusal.into()));
        let other = Refusal::AnotherDirectory { node_id: 4, known: Uuid::nil() };
        for refusal in [other, Refusal::RemovedNode(4), Refusal::UnknownNode(4)] {
            assert_eq!(refused(refusal), ErrorCode::VOTER_NOT_FOUND);
        }
        assert_eq!(refused(Refusal::Invalid("it has replicas".into())), ErrorCode::INVALID_REQUEST);
    }
}
