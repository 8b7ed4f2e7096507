//! The APIs of consumer groups: dispatch, and what their answers count as.

use chronik_group::Reply;
use chronik_group::state::Answer;
use chronik_kafka::ErrorCode;
use chronik_kafka::message::{RequestBody, ResponseBody};

use super::{
    Broker, Caller, delete_groups, describe_groups, heartbeat, join_group, leave_group, list_groups,
    offset_commit, offset_delete, offset_fetch, sync_group,
};

/// Carries a request out, if it is one of groups.
///
/// # Errors
/// It is not; it comes back.
pub(super) async fn answer(
    broker: &Broker,
    request: RequestBody,
    version: i16,
    caller: &Caller<'_>,
) -> Result<ResponseBody, Box<RequestBody>> {
    Ok(match request {
        RequestBody::JoinGroup(request) => {
            join_group::join_group(broker, request, version, caller).await.into()
        }
        RequestBody::SyncGroup(request) => sync_group::sync_group(broker, request, caller).await.into(),
        RequestBody::Heartbeat(request) => heartbeat::heartbeat(broker, request).await.into(),
        RequestBody::LeaveGroup(request) => leave_group::leave_group(broker, request, version).await.into(),
        RequestBody::OffsetCommit(request) => {
            offset_commit::offset_commit(broker, request, version).await.into()
        }
        RequestBody::OffsetFetch(request) => {
            offset_fetch::offset_fetch(broker, request, version).await.into()
        }
        RequestBody::DescribeGroups(request) => {
            describe_groups::describe_groups(broker, request, version).await.into()
        }
        RequestBody::ListGroups(request) => list_groups::list_groups(broker, request).await.into(),
        RequestBody::DeleteGroups(request) => delete_groups::delete_groups(broker, request).await.into(),
        RequestBody::OffsetDelete(request) => offset_delete::offset_delete(broker, request).await.into(),
        other => return Err(Box::new(other)),
    })
}

/// The errors that an answer carries, in order.
pub(super) fn errors(response: &ResponseBody) -> Vec<ErrorCode> {
    match response {
        ResponseBody::JoinGroup(response) => vec![response.error_code],
        ResponseBody::SyncGroup(response) => vec![response.error_code],
        ResponseBody::Heartbeat(response) => vec![response.error_code],
        ResponseBody::ListGroups(response) => vec![response.error_code],
        ResponseBody::LeaveGroup(response) => {
            let each = response.members.iter().map(|member| member.error_code);
            std::iter::once(response.error_code).chain(each).collect()
        }
        ResponseBody::OffsetCommit(response) => {
            response.topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code).collect()
        }
        ResponseBody::OffsetFetch(response) => {
            let old = response.topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code);
            let groups = response.groups.iter().map(|group| group.error_code);
            std::iter::once(response.error_code).chain(groups).chain(old).collect()
        }
        ResponseBody::DescribeGroups(response) => {
            response.groups.iter().map(|group| group.error_code).collect()
        }
        ResponseBody::DeleteGroups(response) => {
            response.results.iter().map(|result| result.error_code).collect()
        }
        ResponseBody::OffsetDelete(response) => {
            let each = response.topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code);
            std::iter::once(response.error_code).chain(each).collect()
        }
        _ => Vec::new(),
    }
}

/// What a reply says that answers with one code, or why there is none.
pub(super) fn code(reply: Reply) -> ErrorCode {
    match reply {
        Reply::NotNow(code) | Reply::Group(Answer::Code(code)) => code,
        other => unreachable!("a code was asked for, and came as {other:?}"),
    }
}

/// What a reply says that answers each of `count` questions with a code.
///
/// # Errors
/// One code for all.
pub(super) fn codes(reply: Reply) -> Result<Vec<ErrorCode>, ErrorCode> {
    match reply {
        Reply::Group(Answer::Each(codes)) => Ok(codes),
        Reply::NotNow(code) | Reply::Group(Answer::Code(code)) => Err(code),
        other => unreachable!("codes were asked for, and came as {other:?}"),
    }
}

/// Makes sure that there is somewhere to keep groups.
///
/// # Errors
/// There is not, for now.
pub(super) async fn ensure_topic(broker: &Broker) -> Result<(), ErrorCode> {
    broker.groups.ensure_topic().await.map_err(|error| {
        tracing::warn!(%error, "__consumer_offsets could not be created");
        ErrorCode::COORDINATOR_NOT_AVAILABLE
    })
}

/// Ends what waits for a group: the client is gone, or the server is about to be.
pub(super) async fn ended(broker: &Broker, caller: &Caller<'_>) {
    tokio::select! {
        biased;
        () = broker.shutdown.requested() => {}
        () = caller.gone.requested() => {}
    }
}
