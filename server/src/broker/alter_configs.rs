//! AlterConfigs: all settings of a resource at once; what is not named goes back to what is inherited. Clients that can, use
//! IncrementalAlterConfigs.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
    AlterableConfig,
};

use super::Broker;
use super::config_changes::{Asked, Change, alter_all};
use super::error::{Refused, split};

/// Answers for every resource.
pub(super) async fn alter_configs(broker: &Broker, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let asked: Vec<Asked> = request.resources.iter().map(asked).collect();
    let outcomes = alter_all(broker, &asked, request.validate_only).await;
    let respond = |(resource, outcome): (AlterConfigsResource, Result<(), Refused>)| {
        let (error_code, error_message) = split(outcome);
        let AlterConfigsResource { resource_type, resource_name, .. } = resource;
        AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
    };
    let responses = request.resources.into_iter().zip(outcomes).map(respond).collect();
    AlterConfigsResponse { responses, ..Default::default() }
}

fn asked(resource: &AlterConfigsResource) -> Asked {
    let change = |config: &AlterableConfig| {
        let value = config.value.as_ref().map(ToString::to_string);
        let missing = || (ErrorCode::INVALID_REQUEST, format!("'{}' has no value", config.name));
        (config.name.to_string(), value.map(Change::Set).ok_or_else(missing))
    };
    Asked {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.to_string(),
        replace_all: true,
        changes: resource.configs.iter().map(change).collect(),
    }
}
