//! DescribeCluster (KIP-700): the brokers, without the topics that Metadata would bring along.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use super::Broker;
use super::metadata::{CLUSTER_OPERATIONS, NO_OPERATIONS, cluster_id, controller_id};
use crate::cluster::{Broker as KnownBroker, ClusterState};

/// `endpoint_type` of brokers (KIP-919).
const BROKERS: i8 = 1;
/// Of controllers, which have no listener of their own here.
const CONTROLLERS: i8 = 2;

/// Answers from the image of the metadata.
pub(super) fn describe_cluster(broker: &Broker, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let wrong = match request.endpoint_type {
        BROKERS => None,
        CONTROLLERS => {
            Some((ErrorCode::MISMATCHED_ENDPOINT_TYPE, "this is an endpoint of brokers, not of controllers"))
        }
        _ => Some((ErrorCode::UNSUPPORTED_ENDPOINT_TYPE, "there are no endpoints of this type")),
    };
    if let Some((error_code, message)) = wrong {
        let error_message = Some(message.into());
        return DescribeClusterResponse { error_code, error_message, ..Default::default() };
    }
    let state = broker.controller.state();
    let operations = request.include_cluster_authorized_operations;
    DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: cluster_id(broker, &state).unwrap_or_default(),
        controller_id: controller_id(broker, &state),
        brokers: brokers(&state, request.include_fenced_brokers),
        cluster_authorized_operations: if operations { CLUSTER_OPERATIONS } else { NO_OPERATIONS },
        ..Default::default()
    }
}

fn brokers(state: &ClusterState, with_fenced: bool) -> Vec<DescribeClusterBroker> {
    let describe = |known: &KnownBroker| DescribeClusterBroker {
        broker_id: known.node_id,
        host: known.host.as_str().into(),
        port: known.port.into(),
        rack: known.rack.as_deref().map(Into::into),
        is_fenced: known.fenced,
    };
    state.brokers.values().filter(|known| with_fenced || !known.fenced).map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::example::cluster;

    #[test]
    fn fenced_brokers_are_shown_to_those_who_ask_for_them() {
        let state = cluster(&[(Some("a"), false), (None, true)]);
        let shown = |with_fenced| {
            let brokers = brokers(&state, with_fenced).into_iter();
            brokers
                .map(|b| (b.broker_id, b.port, b.rack.map(|rack| rack.to_string()), b.is_fenced))
                .collect::<Vec<_>>()
        };
        let (live, fenced) = ((1, 9_001, Some("a".to_owned()), false), (2, 9_002, None, true));
        assert_eq!(shown(false), std::slice::from_ref(&live));
        assert_eq!(shown(true), [live, fenced]);
    }
}
