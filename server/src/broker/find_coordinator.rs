//! FindCoordinator: which broker keeps a group. On a node of its own, this one.

use chronik_kafka::message::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use chronik_kafka::{ErrorCode, Str};

use super::{Broker, groups};
use crate::cluster::Broker as KnownBroker;

/// `key_type` of a consumer group.
const GROUP: i8 = 0;
/// First version that asks for several keys (KIP-699).
const BATCHED_FROM: i16 = 4;

/// Answers for every key.
pub(super) async fn find_coordinator(
    broker: &Broker,
    request: FindCoordinatorRequest,
    version: i16,
) -> FindCoordinatorResponse {
    // Whoever asks for a coordinator is about to need what it keeps groups in.
    let has_groups = request.key_type != GROUP || groups::ensure_topic(broker).await.is_ok();
    let state = broker.controller.state();
    let this = state.brokers.get(&broker.node_id).filter(|_| has_groups);
    let find = |key: Str| coordinator(this, request.key_type, key);
    if version >= BATCHED_FROM {
        let coordinators = request.coordinator_keys.into_iter().map(find).collect();
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let Coordinator { node_id, host, port, error_code, error_message, .. } = find(request.key);
    FindCoordinatorResponse { node_id, host, port, error_code, error_message, ..Default::default() }
}

fn coordinator(this: Option<&KnownBroker>, key_type: i8, key: Str) -> Coordinator {
    let refused = |error_code, message: &'static str| Coordinator {
        key: key.clone(),
        node_id: -1,
        port: -1,
        error_code,
        error_message: Some(Str::from_static(message)),
        ..Default::default()
    };
    match this {
        _ if key_type != GROUP => refused(
            ErrorCode::INVALID_REQUEST,
            "only consumer groups have a coordinator here: transactions and share groups are not served by this version",
        ),
        _ if key.is_empty() => refused(ErrorCode::INVALID_GROUP_ID, "the group id is empty"),
        None => refused(ErrorCode::COORDINATOR_NOT_AVAILABLE, "__consumer_offsets is not available yet"),
        Some(this) => Coordinator {
            key,
            node_id: this.node_id,
            host: this.host.as_str().into(),
            port: this.port.into(),
            ..Default::default()
        },
    }
}
