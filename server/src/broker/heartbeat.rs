//! Heartbeat: the member is here still.

use chronik_group::Ask;
use chronik_group::state::Request;
use chronik_kafka::ErrorCode;
use chronik_kafka::message::{HeartbeatRequest, HeartbeatResponse};

use super::{Broker, groups};

/// Keeps a membership alive.
pub(super) async fn heartbeat(broker: &Broker, request: HeartbeatRequest) -> HeartbeatResponse {
    let group = request.group_id.clone();
    let error_code = if group.is_empty() {
        ErrorCode::INVALID_GROUP_ID
    } else {
        match groups::code(broker.groups.ask(Ask::Group(group, Request::Heartbeat(request))).await) {
            // Consumers take this for the end of their membership, and it is not: Kafka says "go on" too.
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => ErrorCode::NONE,
            code => code,
        }
    };
    HeartbeatResponse { error_code, ..Default::default() }
}
