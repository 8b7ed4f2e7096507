//! FindCoordinator: which broker keeps a group: the leader of the group's partition of `__consumer_offsets`.

use chronik_kafka::message::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use chronik_kafka::{ErrorCode, Str};

use super::{Broker, groups};
use crate::cluster::{Broker as KnownBroker, ClusterState};
use crate::group;

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
    if request.key_type == GROUP {
        // Whoever asks for a coordinator is about to need what it keeps groups in. That it is not there is said of each key.
        let _said_below = groups::ensure_topic(broker).await;
    }
    let state = broker.controller.state();
    let find = |key: Str| coordinator(&state, request.key_type, key);
    if version >= BATCHED_FROM {
        let coordinators = request.coordinator_keys.into_iter().map(find).collect();
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let Coordinator { node_id, host, port, error_code, error_message, .. } = find(request.key);
    FindCoordinatorResponse { node_id, host, port, error_code, error_message, ..Default::default() }
}

fn coordinator(state: &ClusterState, key_type: i8, key: Str) -> Coordinator {
    let refused = |error_code, message: &'static str| Coordinator {
        key: key.clone(),
        node_id: -1,
        port: -1,
        error_code,
        error_message: Some(Str::from_static(message)),
        ..Default::default()
    };
    if key_type != GROUP {
        let message = "only consumer groups have a coordinator here: transactions and share groups are not served by this version";
        return refused(ErrorCode::INVALID_REQUEST, message);
    }
    if key.is_empty() {
        return refused(ErrorCode::INVALID_GROUP_ID, "the group id is empty");
    }
    match leader(state, &key) {
        Ok(leader) => Coordinator {
            key,
            node_id: leader.node_id,
            host: leader.host.as_str().into(),
            port: leader.port.into(),
            ..Default::default()
        },
        Err(message) => refused(ErrorCode::COORDINATOR_NOT_AVAILABLE, message),
    }
}

/// Who leads the partition of a group.
///
/// # Errors
/// Nobody does: why, in words.
fn leader<'a>(state: &'a ClusterState, group: &str) -> Result<&'a KnownBroker, &'static str> {
    let partition = group::partition_of(state, group).ok_or("__consumer_offsets is not available yet")?;
    let leader = partition.leader.and_then(|id| state.brokers.get(&id));
    leader.ok_or("the group's partition of __consumer_offsets has no leader now")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::cluster::Command;
    use crate::group::OFFSETS_TOPIC;

    /// "hello" is in partition 22 of 50, led by node 2; partition 23, that of "hellp", by node 3, which is not there.
    fn state() -> ClusterState {
        let mut state = ClusterState::default();
        for (node_id, host) in [(1, "one"), (2, "two")] {
            let broker =
                crate::cluster::Broker { node_id, host: host.to_owned(), port: 9092, ..Default::default() };
            state.brokers.insert(node_id, broker);
        }
        let leader = |partition| match partition {
            22 => 2,
            23 => 3,
            _ => 1,
        };
        let create = Command::CreateTopic {
            name: OFFSETS_TOPIC.into(),
            id: Uuid::nil(),
            assignment: (0..50).map(|partition| vec![leader(partition)]).collect(),
            configs: BTreeMap::new(),
        };
        state.apply(&create).unwrap();
        state
    }

    #[test]
    fn a_group_is_kept_by_the_leader_of_its_partition() {
        let state = state();
        for (group, code, node_id, host) in [
            ("hello", ErrorCode::NONE, 2, "two"),
            ("a", ErrorCode::NONE, 1, "one"),
            ("hellp", ErrorCode::COORDINATOR_NOT_AVAILABLE, -1, ""),
            ("", ErrorCode::INVALID_GROUP_ID, -1, ""),
        ] {
            let found = coordinator(&state, GROUP, group.into());
            assert_eq!((found.error_code, found.node_id, &*found.host), (code, node_id, host), "{group}");
            assert_eq!(found.port, if code.is_none() { 9092 } else { -1 });
            assert_eq!(found.error_message.is_none(), code.is_none());
        }
        let early = coordinator(&ClusterState::default(), GROUP, "hello".into());
        assert_eq!(early.error_code, ErrorCode::COORDINATOR_NOT_AVAILABLE);
        assert_eq!(coordinator(&state, 1, "hello".into()).error_code, ErrorCode::INVALID_REQUEST);
    }
}
