//! DescribeCluster (KIP-700): the brokers, without the topics that Metadata would bring along.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use super::Broker;
use super::metadata::{CLUSTER_OPERATIONS, NO_OPERATIONS, cluster_id};

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
    let describe = |known: &crate::cluster::Broker| DescribeClusterBroker {
        broker_id: known.node_id,
        host: known.host.as_str().into(),
        port: known.port.into(),
        ..Default::default()
    };
    let operations = request.include_cluster_authorized_operations;
    DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: cluster_id(broker, &state).unwrap_or_default(),
        controller_id: broker.node_id,
        brokers: state.brokers.values().map(describe).collect(),
        cluster_authorized_operations: if operations { CLUSTER_OPERATIONS } else { NO_OPERATIONS },
        ..Default::default()
    }
}
