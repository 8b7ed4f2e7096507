//! Settings of topics and brokers: read and changed.

use chronik_kafka::message::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
};
use chronik_kafka::message::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use super::{ClientError, Connection};

/// What has settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOwner {
    /// A topic.
    Topic(String),
    /// A broker, which must be the one that is asked.
    Broker(i32),
    /// All brokers.
    EveryBroker,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value; `None` if it is not set, or a secret.
    pub value: Option<String>,
    /// Where the value comes from: Kafka's `ConfigSource`.
    pub source: i8,
    /// Whether it cannot be changed.
    pub read_only: bool,
    /// What it does; empty if the server does not say.
    pub documentation: String,
}

/// What becomes of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChange {
    /// It has this value.
    Set(String),
    /// It is what is inherited.
    Delete,
    /// A list gets these entries too.
    Append(String),
    /// A list loses these entries.
    Subtract(String),
}

impl ConfigOwner {
    fn resource(&self) -> (i8, String) {
        match self {
            Self::Topic(name) => (2, name.clone()),
            Self::Broker(id) => (4, id.to_string()),
            Self::EveryBroker => (4, String::new()),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Topic(name) => format!("topic '{name}'"),
            Self::Broker(id) => format!("broker {id}"),
            Self::EveryBroker => "all brokers".to_owned(),
        }
    }
}

impl ConfigEntry {
    /// Kafka's `ConfigSource` of a default.
    pub const DEFAULT: i8 = 5;

    /// Kafka's name of the source.
    pub fn source_name(&self) -> &'static str {
        match self.source {
            1 => "DYNAMIC_TOPIC_CONFIG",
            2 => "DYNAMIC_BROKER_CONFIG",
            3 => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            4 => "STATIC_BROKER_CONFIG",
            Self::DEFAULT => "DEFAULT_CONFIG",
            _ => "UNKNOWN",
        }
    }

    fn read(found: DescribeConfigsResourceResult) -> Self {
        Self {
            name: found.name.to_string(),
            value: found.value.map(|value| value.to_string()),
            source: found.config_source,
            read_only: found.read_only,
            documentation: found.documentation.unwrap_or_default().to_string(),
        }
    }
}

impl ConfigChange {
    /// `config_operation` and value.
    fn on_the_wire(self) -> (i8, Option<String>) {
        match self {
            Self::Set(value) => (0, Some(value)),
            Self::Delete => (1, None),
            Self::Append(value) => (2, Some(value)),
            Self::Subtract(value) => (3, Some(value)),
        }
    }
}

impl Connection {
    /// All settings, in order of name.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn describe_configs(&self, owner: &ConfigOwner) -> Result<Vec<ConfigEntry>, ClientError> {
        let (resource_type, name) = owner.resource();
        let resource =
            DescribeConfigsResource { resource_type, resource_name: name.into(), configuration_keys: None };
        let request = DescribeConfigsRequest {
            resources: vec![resource],
            include_synonyms: false,
            include_documentation: true,
        };
        let response = self.call(request).await?;
        let what = || format!("asking for the settings of {}", owner.describe());
        let Some(result) = response.results.into_iter().next() else {
            return Err(ClientError::no_result(what()));
        };
        ClientError::check(what, result.error_code, result.error_message.as_deref())?;
        let mut entries: Vec<_> = result.configs.into_iter().map(ConfigEntry::read).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Changes settings, all or none; `validate_only`: only says whether it would.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn alter_configs(
        &self,
        owner: &ConfigOwner,
        changes: Vec<(String, ConfigChange)>,
        validate_only: bool,
    ) -> Result<(), ClientError> {
        let (resource_type, name) = owner.resource();
        let config = |(name, change): (String, ConfigChange)| {
            let (config_operation, value) = change.on_the_wire();
            AlterableConfig { name: name.into(), config_operation, value: value.map(Into::into) }
        };
        let resource = AlterConfigsResource {
            resource_type,
            resource_name: name.into(),
            configs: changes.into_iter().map(config).collect(),
        };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only };
        let response = self.call(request).await?;
        let what = || format!("changing the settings of {}", owner.describe());
        let Some(result) = response.responses.first() else { return Err(ClientError::no_result(what())) };
        ClientError::check(what, result.error_code, result.error_message.as_deref())
    }
}
