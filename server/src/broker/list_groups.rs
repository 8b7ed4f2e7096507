//! ListGroups: all groups, or those in some states (KIP-518) and of some types (KIP-848).

use chronik_group::{Ask, Reply};
use chronik_kafka::message::{ListGroupsRequest, ListGroupsResponse};

use super::{Broker, groups};

/// Lists groups.
pub(super) async fn list_groups(broker: &Broker, request: ListGroupsRequest) -> ListGroupsResponse {
    let ListGroupsRequest { states_filter: states, types_filter: types } = request;
    match broker.groups.ask(Ask::List { states, types }).await {
        Reply::Listed(response) => response,
        other => ListGroupsResponse { error_code: groups::code(other), ..Default::default() },
    }
}
