//! IncrementalAlterConfigs (KIP-339): single settings of a resource.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

use super::Broker;
use super::config_changes::{Asked, Change, alter_all};
use super::error::{Refused, split};

/// `config_operation`s (`AlterConfigOp.OpType`).
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// Answers for every resource.
pub(super) async fn incremental_alter_configs(
    broker: &Broker,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let asked: Vec<Asked> = request.resources.iter().map(asked).collect();
    let outcomes = alter_all(broker, &asked, request.validate_only).await;
    let respond = |(resource, outcome): (AlterConfigsResource, Result<(), Refused>)| {
        let (error_code, error_message) = split(outcome);
        let AlterConfigsResource { resource_type, resource_name, .. } = resource;
        AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
    };
    let responses = request.resources.into_iter().zip(outcomes).map(respond).collect();
    IncrementalAlterConfigsResponse { responses, ..Default::default() }
}

fn asked(resource: &AlterConfigsResource) -> Asked {
    Asked {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.to_string(),
        replace_all: false,
        changes: resource.configs.iter().map(|config| (config.name.to_string(), change(config))).collect(),
    }
}

fn change(config: &AlterableConfig) -> Result<Change, Refused> {
    let refused = |message: String| (ErrorCode::INVALID_REQUEST, message);
    let value = || match &config.value {
        Some(value) => Ok(value.to_string()),
        None => Err(refused(format!("'{}' has no value", config.name))),
    };
    match config.config_operation {
        SET => value().map(Change::Set),
        DELETE => Ok(Change::Delete),
        APPEND => value().map(Change::Append),
        SUBTRACT => value().map(Change::Subtract),
        other => Err(refused(format!("unknown operation {other} for '{}'", config.name))),
    }
}
