//! UnregisterBroker: a broker that will not come back.

use chronik_kafka::message::{UnregisterBrokerRequest, UnregisterBrokerResponse};

use super::Broker;
use super::error::{KafkaError, split};
use crate::cluster::Command;

/// Refused as long as the broker runs or has replicas.
pub(super) async fn unregister_broker(
    broker: &Broker,
    request: &UnregisterBrokerRequest,
) -> UnregisterBrokerResponse {
    let proposed = broker.controller.propose(Command::UnregisterBroker { node_id: request.broker_id });
    let (error_code, error_message) =
        split(proposed.await.map_err(|error| (error.code(), error.to_string())));
    UnregisterBrokerResponse { error_code, error_message, ..Default::default() }
}
