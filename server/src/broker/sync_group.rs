//! SyncGroup: waits until the leader has brought the assignment, and it is durable.

use chronik_group::Reply;
use chronik_group::state::{Answer, Request};
use chronik_kafka::ErrorCode;
use chronik_kafka::message::{SyncGroupRequest, SyncGroupResponse};

use super::{Broker, Caller, groups};

/// Asks for an assignment.
pub(super) async fn sync_group(
    broker: &Broker,
    request: SyncGroupRequest,
    caller: &Caller<'_>,
) -> SyncGroupResponse {
    let refused = |error_code| SyncGroupResponse { error_code, ..Default::default() };
    if request.group_id.is_empty() {
        return refused(ErrorCode::INVALID_GROUP_ID);
    }
    let (group, end) = (request.group_id.clone(), groups::ended(broker, caller));
    match broker.groups.ask_until(group, Request::Sync(request), end).await {
        Reply::Group(Answer::Sync(response)) => response,
        other => refused(groups::code(other)),
    }
}
