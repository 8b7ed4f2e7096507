//! What AddRaftVoter and RemoveRaftVoter share (KIP-853): which cluster is meant, and when it is no use waiting.

use std::time::Duration;

use chronik_kafka::{ErrorCode, Str};

use super::Broker;
use super::error::Refused;
use super::metadata::cluster_id;
use crate::cluster::MembershipError;

/// Whether the client means this cluster. One that does not say which means this one.
pub(super) fn check_cluster(broker: &Broker, asked: Option<&Str>) -> Result<(), Refused> {
    let own = cluster_id(broker, &broker.controller.state());
    same_cluster(own.as_deref(), asked.map(|asked| &**asked))
}

fn same_cluster(own: Option<&str>, asked: Option<&str>) -> Result<(), Refused> {
    match asked {
        None => Ok(()),
        asked if asked == own => Ok(()),
        Some(asked) => {
            let own = own.unwrap_or("without an id yet");
            let message = format!("this is the cluster {own}, and '{asked}' is meant");
            Err((ErrorCode::INCONSISTENT_CLUSTER_ID, message))
        }
    }
}

/// Waits for a change of the members to be made, at most so long, and until the node stops. `code` is Kafka's for what can go wrong with it.
pub(super) async fn made(
    broker: &Broker,
    timeout: Duration,
    change: impl Future<Output = Result<(), MembershipError>>,
    code: impl FnOnce(&MembershipError) -> ErrorCode,
) -> Result<(), Refused> {
    let refused = |message: &str| Err((ErrorCode::REQUEST_TIMED_OUT, message.to_owned()));
    tokio::select! {
        biased;
        made = change => made.map_err(|error| (code(&error), error.to_string())),
        () = broker.shutdown.requested() => refused("this node is shutting down: ask another one"),
        () = broker.clock.sleep(timeout) => refused("the members are still being changed: ask again"),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::error::KafkaError;
    use super::*;
    use crate::cluster::{ProposeError, Refusal};

    #[test]
    fn only_the_own_cluster_is_meant() {
        let code = |own, asked| same_cluster(own, asked).map_err(|(code, _)| code);
        assert_eq!(code(Some("c"), None), Ok(()));
        assert_eq!(code(Some("c"), Some("c")), Ok(()));
        for (own, asked) in [(Some("c"), "d"), (Some("c"), ""), (None, "c")] {
            assert_eq!(code(own, Some(asked)), Err(ErrorCode::INCONSISTENT_CLUSTER_ID), "{own:?} {asked}");
        }
    }

    #[test]
    fn every_error_has_kafkas_code() {
        let refused = |refusal: Refusal| MembershipError::Propose(refusal.into());
        for (error, code) in [
            (
                refused(Refusal::AnotherDirectory { node_id: 4, known: Uuid::nil() }),
                ErrorCode::DUPLICATE_VOTER,
            ),
            (refused(Refusal::RemovedNode(4)), ErrorCode::VOTER_NOT_FOUND),
            (refused(Refusal::UnknownNode(4)), ErrorCode::VOTER_NOT_FOUND),
            (refused(Refusal::Invalid("the last one".into())), ErrorCode::INVALID_REQUEST),
            (ProposeError::NotController { leader: None }.into(), ErrorCode::REQUEST_TIMED_OUT),
            (ProposeError::Unknown("no majority".into()).into(), ErrorCode::REQUEST_TIMED_OUT),
            (ProposeError::Closed.into(), ErrorCode::REQUEST_TIMED_OUT),
            (MembershipError::TimedOut("behind".into()), ErrorCode::REQUEST_TIMED_OUT),
            (MembershipError::NotKnown(4), ErrorCode::REQUEST_TIMED_OUT),
        ] {
            assert_eq!(error.code(), code, "{error}");
        }
    }
}
