//! JoinGroup: waits until the rebalance that it is part of completes.

use chronik_group::Reply;
use chronik_group::state::{Answer, Join, Request};
use chronik_kafka::message::{JoinGroupRequest, JoinGroupResponse};
use chronik_kafka::{ErrorCode, Str};

use super::{Broker, Caller, groups};

/// First version in which a new member must come back with the id that it is given (KIP-394).
const KNOWN_MEMBER_ID_FROM: i16 = 4;
/// First version that knows `skip_assignment` (KIP-814).
const SKIP_ASSIGNMENT_FROM: i16 = 9;
/// First version in which the name of a protocol may be null.
const NULL_PROTOCOL_FROM: i16 = 7;

/// Joins a group.
pub(super) async fn join_group(
    broker: &Broker,
    request: JoinGroupRequest,
    version: i16,
    caller: &Caller<'_>,
) -> JoinGroupResponse {
    let member_id = request.member_id.clone();
    let mut response = match join(broker, request, version, caller).await {
        Ok(response) => response,
        Err(error_code) => JoinGroupResponse { error_code, member_id, ..Default::default() },
    };
    if version < NULL_PROTOCOL_FROM {
        response.protocol_name.get_or_insert_default();
    }
    response
}

async fn join(
    broker: &Broker,
    request: JoinGroupRequest,
    version: i16,
    caller: &Caller<'_>,
) -> Result<JoinGroupResponse, ErrorCode> {
    if request.group_id.is_empty() {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    groups::ensure_topic(broker).await?;
    let join = Join {
        member_id: request.member_id,
        group_instance_id: request.group_instance_id,
        client_id: caller.client_id.cloned().unwrap_or_default(),
        client_host: Str::from(format!("/{}", caller.peer)), // as Java writes an address
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        protocol_type: request.protocol_type,
        protocols: request.protocols.into_iter().map(|protocol| (protocol.name, protocol.metadata)).collect(),
        reason: request.reason,
        requires_known_member_id: version >= KNOWN_MEMBER_ID_FROM,
        knows_skip_assignment: version >= SKIP_ASSIGNMENT_FROM,
        new_member_id: Str::default(), // the coordinator chooses it
    };
    let join = Request::Join(Box::new(join));
    match broker.groups.ask_until(request.group_id, join, groups::ended(broker, caller)).await {
        Reply::Group(Answer::Join(response)) => Ok(response),
        other => Err(groups::code(other)),
    }
}
