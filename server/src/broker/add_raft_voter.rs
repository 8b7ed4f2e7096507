//! AddRaftVoter (KIP-853): takes a node into the cluster.

use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_kafka::message::add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse, Listener};

use super::error::{KafkaError, Refused, split};
use super::{Broker, membership};
use crate::cluster::{Endpoint, MembershipError, ProposeError, Refusal};
use crate::config::{HostPort, Value, Voters};
use crate::limits;

/// Kafka's name for the listener on which those who agree on the metadata talk to each other.
const LISTENER: &str = "CONTROLLER";

/// Answers when the node votes, or waits for a place among the voters; where the client does not wait for that (KIP-1186), when the node has been taken in and
/// the others send it the metadata. To add a node again that is there is no error: the answer to the first request may have been lost.
pub(super) async fn add_raft_voter(broker: &Broker, request: AddRaftVoterRequest) -> AddRaftVoterResponse {
    let (error_code, error_message) = split(add(broker, request).await);
    AddRaftVoterResponse { error_code, error_message, ..Default::default() }
}

async fn add(broker: &Broker, request: AddRaftVoterRequest) -> Result<(), Refused> {
    membership::check_cluster(broker, request.cluster_id.as_ref())?;
    let endpoint = endpoint(&request).map_err(|why| (ErrorCode::INVALID_REQUEST, why))?;
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or_default());
    let timeout = timeout.min(limits::MAX_ADD_NODE_TIMEOUT);
    let (node_id, directory_id) = (request.voter_id, request.voter_directory_id);
    let added = async {
        match request.ack_when_committed {
            true => broker.controller.add_node(node_id, directory_id, endpoint, timeout).await,
            false => broker.controller.admit_node(node_id, directory_id, endpoint).await,
        }
    };
    membership::made(broker, timeout, added, code).await
}

fn code(error: &MembershipError) -> ErrorCode {
    match error {
        // It is not that a voter is missing: this one may not become one.
        MembershipError::Propose(ProposeError::Refused(Refusal::RemovedNode(_))) => {
            ErrorCode::INVALID_REQUEST
        }
        error => error.code(),
    }
}

/// Where the others reach the new node, if the request makes sense.
fn endpoint(request: &AddRaftVoterRequest) -> Result<Endpoint, String> {
    let AddRaftVoterRequest { voter_id, voter_directory_id, listeners, .. } = request;
    if *voter_id < 0 || voter_directory_id.is_nil() {
        return Err(format!(
            "a voter has an id from 0 on and the id of its data directory, not {voter_id} and {voter_directory_id}"
        ));
    }
    let named = listeners.iter().find(|listener| &*listener.name == LISTENER);
    let Some(Listener { host, port, .. }) = named.or(listeners.first()) else {
        return Err(format!("voter {voter_id} has no listener: say where the other nodes reach it"));
    };
    let place = HostPort::new(host, *port);
    // As strict as with the voters of a cluster that is configured.
    Voters::read(&format!("{voter_id}@{place}"))?;
    Ok(Endpoint { host: place.host, port: place.port })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn request(voter_id: i32, listeners: &[(&str, &str, u16)]) -> AddRaftVoterRequest {
        let listener = |(name, host, port): &(&str, &str, u16)| Listener {
            name: (*name).into(),
            host: (*host).into(),
            port: *port,
        };
        AddRaftVoterRequest {
            voter_id,
            voter_directory_id: Uuid::from_u128(7),
            listeners: listeners.iter().map(listener).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn the_listener_of_controllers_is_taken_or_else_the_first() {
        let place = |listeners| endpoint(&request(4, listeners)).map(|found| (found.host, found.port));
        assert_eq!(place(&[("A", "a", 1), ("CONTROLLER", "::1", 2)]), Ok(("::1".to_owned(), 2)));
        assert_eq!(place(&[("A", "a", 1), ("B", "b", 2)]), Ok(("a".to_owned(), 1)));
    }

    #[test]
    fn what_is_no_voter_is_refused() {
        let a = ("CONTROLLER", "a", 1);
        let no_directory = AddRaftVoterRequest { voter_directory_id: Uuid::nil(), ..request(4, &[a]) };
        for (request, why) in [
            (request(-1, &[a]), "an id from 0 on"),
            (no_directory, "the id of its data directory"),
            (request(4, &[]), "has no listener"),
            (request(4, &[("CONTROLLER", "a", 0)]), "port 0"),
            (request(4, &[("CONTROLLER", "", 1)]), "nobody can connect"),
            (request(4, &[("CONTROLLER", "0.0.0.0", 1)]), "nobody can connect"),
            (request(4, &[("CONTROLLER", "a b", 1)]), "not the name or the address"),
            (request(4, &[("CONTROLLER", "a:1,5@b", 1)]), "not the name or the address"),
            (request(4, &[("CONTROLLER", "a,5@b", 1)]), "must be id@host:port"),
        ] {
            let refused = endpoint(&request).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn a_node_that_was_taken_out_asks_for_what_is_not_possible() {
        let refused = |refusal: Refusal| code(&MembershipError::Propose(refusal.into()));
        assert_eq!(refused(Refusal::RemovedNode(4)), ErrorCode::INVALID_REQUEST);
        let other = Refusal::AnotherDirectory { node_id: 4, known: Uuid::nil() };
        assert_eq!(refused(other), ErrorCode::DUPLICATE_VOTER);
    }
}
