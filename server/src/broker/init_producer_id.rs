//! InitProducerId: an id for an idempotent producer (KIP-98).

use chronik_kafka::ErrorCode;
use chronik_kafka::message::{InitProducerIdRequest, InitProducerIdResponse};

use super::Broker;
use super::error::KafkaError;

/// A new producer id with epoch 0. A producer that wants its epoch raised (KIP-360) gets a new id as well, as from Kafka.
pub(super) async fn init_producer_id(
    broker: &Broker,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let refused =
        |error_code| InitProducerIdResponse { error_code, producer_epoch: -1, ..Default::default() };
    match request.transactional_id {
        Some(id) if id.is_empty() => refused(ErrorCode::INVALID_REQUEST),
        // Final for a client, so that it stops: transactions are not served by this version.
        Some(_) => refused(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
        None => match broker.producer_ids.next().await {
            Ok(producer_id) => InitProducerIdResponse { producer_id, ..Default::default() },
            Err(error) => {
                tracing::warn!(%error, "no producer id could be given");
                refused(error.code())
            }
        },
    }
}
