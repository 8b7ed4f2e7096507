//! DeleteGroups: groups without members, and their offsets (KIP-229).

use std::collections::BTreeSet;

use chronik_group::Ask;
use chronik_group::state::Request;
use chronik_kafka::message::delete_groups::DeletableGroupResult;
use chronik_kafka::message::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::{Broker, groups};

/// Deletes each group, once.
pub(super) async fn delete_groups(broker: &Broker, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let mut results = Vec::with_capacity(request.groups_names.len());
    let mut seen = BTreeSet::new();
    for group_id in request.groups_names.into_iter().filter(|group_id| seen.insert(group_id.clone())) {
        let error_code = match groups::ensure_topic(broker).await {
            Ok(()) => groups::code(broker.groups.ask(Ask::Group(group_id.clone(), Request::Delete)).await),
            Err(code) => code,
        };
        // No message, as in Kafka, which has one where a cause beside the groups' own state is to be named.
        results.push(DeletableGroupResult { group_id, error_code, error_message: None });
    }
    DeleteGroupsResponse { results, ..Default::default() }
}
