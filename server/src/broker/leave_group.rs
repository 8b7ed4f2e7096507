//! LeaveGroup: one member, or several at once from version 3 on (KIP-345).

use chronik_group::state::{Answer, Request};
use chronik_group::{Ask, Reply};
use chronik_kafka::ErrorCode;
use chronik_kafka::message::leave_group::MemberIdentity;
use chronik_kafka::message::{LeaveGroupRequest, LeaveGroupResponse};

use super::{Broker, groups};

/// First version that names several members.
const BATCHED_FROM: i16 = 3;

/// Takes members out of a group.
pub(super) async fn leave_group(
    broker: &Broker,
    request: LeaveGroupRequest,
    version: i16,
) -> LeaveGroupResponse {
    let refused = |error_code| LeaveGroupResponse { error_code, ..Default::default() };
    if request.group_id.is_empty() {
        return refused(ErrorCode::INVALID_GROUP_ID);
    }
    let members = if version >= BATCHED_FROM {
        request.members
    } else {
        vec![MemberIdentity { member_id: request.member_id, ..Default::default() }]
    };
    match broker.groups.ask(Ask::Group(request.group_id, Request::Leave(members))).await {
        Reply::Group(Answer::Leave(response)) if version < BATCHED_FROM => {
            let own = response.members.first().map_or(ErrorCode::NONE, |member| member.error_code);
            refused(if response.error_code.is_none() { own } else { response.error_code })
        }
        Reply::Group(Answer::Leave(response)) => response,
        other => refused(groups::code(other)),
    }
}
