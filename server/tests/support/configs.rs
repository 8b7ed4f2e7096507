//! Settings of topics and brokers, read and changed.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResult,
};
use chronik_kafka::message::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use super::raw::Raw;

/// `resource_type`s.
pub const TOPIC: i8 = 2;
pub const BROKER: i8 = 4;
pub const CLIENT_METRICS: i8 = 16;
pub const GROUP: i8 = 32;
/// `config_operation`s.
pub const SET: i8 = 0;
pub const DELETE: i8 = 1;
pub const APPEND: i8 = 2;
pub const SUBTRACT: i8 = 3;
/// `config_source`s.
pub const DYNAMIC_TOPIC: i8 = 1;
pub const DYNAMIC_BROKER: i8 = 2;
pub const DYNAMIC_DEFAULT_BROKER: i8 = 3;
pub const STATIC_BROKER: i8 = 4;
pub const DEFAULT: i8 = 5;

/// A question for the settings of one resource; all of them if no keys are named.
pub fn describe_request(resource_type: i8, name: &str, keys: &[&str]) -> DescribeConfigsRequest {
    let keys: Vec<_> = keys.iter().map(|key| (*key).into()).collect();
    let resource = DescribeConfigsResource {
        resource_type,
        resource_name: name.into(),
        configuration_keys: (!keys.is_empty()).then_some(keys),
    };
    DescribeConfigsRequest { resources: vec![resource], include_synonyms: true, include_documentation: true }
}

/// Changes of one resource: operation, key, value.
pub fn alter_request(
    resource_type: i8,
    name: &str,
    changes: &[(i8, &str, &str)],
) -> IncrementalAlterConfigsRequest {
    let config = |(config_operation, key, value): &(i8, &str, &str)| AlterableConfig {
        name: (*key).into(),
        config_operation: *config_operation,
        value: (*config_operation != DELETE).then(|| (*value).into()),
    };
    let configs = changes.iter().map(config).collect();
    let resource = AlterConfigsResource { resource_type, resource_name: name.into(), configs };
    IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false }
}

impl Raw {
    /// All settings of a resource.
    pub fn configs(&mut self, resource_type: i8, name: &str, keys: &[&str]) -> DescribeConfigsResult {
        self.ask(4, &describe_request(resource_type, name, keys)).results.remove(0)
    }

    /// One setting of a resource.
    pub fn config(&mut self, resource_type: i8, name: &str, key: &str) -> DescribeConfigsResourceResult {
        let mut result = self.configs(resource_type, name, &[key]);
        assert_eq!((result.error_code, result.configs.len()), (ErrorCode::NONE, 1), "{key}");
        result.configs.remove(0)
    }

    /// Value and source of one setting.
    pub fn value(&mut self, resource_type: i8, name: &str, key: &str) -> (String, i8) {
        let config = self.config(resource_type, name, key);
        (config.value.as_deref().unwrap_or("null").to_owned(), config.config_source)
    }

    /// Changes settings; what came of it.
    pub fn alter(
        &mut self,
        resource_type: i8,
        name: &str,
        changes: &[(i8, &str, &str)],
    ) -> (ErrorCode, String) {
        let response = self.ask(1, &alter_request(resource_type, name, changes)).responses.remove(0);
        (response.error_code, response.error_message.unwrap_or_default().to_string())
    }

    /// Gives a topic one setting, which must be accepted.
    pub fn set_topic_config(&mut self, topic: &str, key: &str, value: &str) {
        assert_eq!(self.alter(TOPIC, topic, &[(SET, key, value)]), (ErrorCode::NONE, String::new()));
    }
}
