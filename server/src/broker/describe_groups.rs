//! DescribeGroups: state and members.

use chronik_group::{Ask, Reply};
use chronik_kafka::ErrorCode;
use chronik_kafka::message::describe_groups::DescribedGroup;
use chronik_kafka::message::{DescribeGroupsRequest, DescribeGroupsResponse};

use super::{Broker, groups};

/// First version that says of an unknown group that it is unknown (KIP-1043); before, it is "Dead", which is no error.
const NOT_FOUND_FROM: i16 = 6;
/// Operations on a group, as bits by `AclOperation` code: all of them, since there is no authorizer.
const GROUP_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

/// Describes each group, in the order asked.
pub(super) async fn describe_groups(
    broker: &Broker,
    request: DescribeGroupsRequest,
    version: i16,
) -> DescribeGroupsResponse {
    let names = request.groups.clone();
    let mut response = match broker.groups.ask(Ask::Describe(request.groups)).await {
        Reply::Described(response) => response,
        other => {
            let error_code = groups::code(other);
            let refused = |group_id| DescribedGroup { error_code, group_id, ..Default::default() };
            DescribeGroupsResponse { groups: names.into_iter().map(refused).collect(), ..Default::default() }
        }
    };
    for group in &mut response.groups {
        if version < NOT_FOUND_FROM && group.error_code == ErrorCode::GROUP_ID_NOT_FOUND {
            group.error_code = ErrorCode::NONE;
        }
        if request.include_authorized_operations {
            group.authorized_operations = GROUP_OPERATIONS;
        }
    }
    response
}
