//! ListConfigResources (KIP-1142): what has settings.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use super::Broker;
use super::config_resource::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::cluster::ClusterState;

/// First version that says which types it wants. The one before means client metrics, of which there are none.
const TYPES_FROM: i16 = 1;
const SUPPORTED: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

/// Topics and brokers; the other types have nothing here.
pub(super) fn list_config_resources(
    broker: &Broker,
    request: &ListConfigResourcesRequest,
    version: i16,
) -> ListConfigResourcesResponse {
    if version < TYPES_FROM {
        return ListConfigResourcesResponse::default();
    }
    let asked: &[i8] = if request.resource_types.is_empty() { &SUPPORTED } else { &request.resource_types };
    if asked.iter().any(|resource_type| !SUPPORTED.contains(resource_type)) {
        return ListConfigResourcesResponse {
            error_code: ErrorCode::UNSUPPORTED_VERSION,
            ..Default::default()
        };
    }
    let state = broker.controller.state();
    let config_resources = asked.iter().flat_map(|resource_type| of_type(&state, *resource_type)).collect();
    ListConfigResourcesResponse { config_resources, ..Default::default() }
}

fn of_type(state: &ClusterState, resource_type: i8) -> Vec<ConfigResource> {
    let names: Vec<String> = match resource_type {
        TOPIC => state.topics().map(|topic| topic.name.clone()).collect(),
        BROKER => state.brokers.keys().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    names.into_iter().map(|name| ConfigResource { resource_name: name.into(), resource_type }).collect()
}
