//! DescribeConfigs: every setting of a topic or a broker, where its value comes from, and what it means.

use chronik_kafka::ErrorCode;
use chronik_kafka::Str;
use chronik_kafka::message::create_topics::CreatableTopicConfigs;
use chronik_kafka::message::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
    DescribeConfigsResult, DescribeConfigsSynonym,
};

use super::Broker;
use super::config_resource::{self, CLIENT_METRICS, GROUP};
use super::error::Refused;
use crate::cluster::node_settings::{Layer, is_dynamic};
use crate::cluster::topic_config::{Configs, TOPIC_SETTINGS, TopicSetting};
use crate::cluster::{ClusterState, ConfigResource, ConfigSource, EVERY_BROKER, NodeSettings, Topic};
use crate::config::{Config, ConfigType, SETTINGS, Setting};

/// First version that has types and documentation (KIP-569).
const DOCUMENTATION_FROM: i16 = 3;

/// What tools look for among a broker's settings, and what cannot be anything else here: name, type, value, documentation.
const STATED: &[(&str, ConfigType, &str, &str)] = &[
    (
        "inter.broker.protocol.version",
        ConfigType::String,
        "4.1-IV1",
        "The release of Kafka whose protocol this server speaks. Tools choose their features by it.",
    ),
    ("process.roles", ConfigType::List, "broker,controller", "Every node keeps records and metadata."),
    (
        "unclean.leader.election.enable",
        ConfigType::Boolean,
        "false",
        "A leader always has all that was acknowledged, but of topics that say otherwise.",
    ),
    ("authorizer.class.name", ConfigType::String, "", "There is no authorizer."),
];

/// What is wanted of each setting.
#[derive(Clone, Copy)]
struct Wanted {
    synonyms: bool,
    documentation: bool,
}

/// A setting as it is, before it is cut to what is wanted.
struct Described {
    name: &'static str,
    config_type: ConfigType,
    value: Option<String>,
    documentation: &'static str,
    read_only: bool,
    /// The value that applies first, then what would apply without it.
    layers: Vec<Layer>,
}

/// Answers for every resource.
pub(super) fn describe_configs(
    broker: &Broker,
    request: DescribeConfigsRequest,
    version: i16,
) -> DescribeConfigsResponse {
    let wanted = Wanted {
        synonyms: request.include_synonyms,
        documentation: request.include_documentation && version >= DOCUMENTATION_FROM,
    };
    let state = broker.controller.state();
    let result = |resource: DescribeConfigsResource| {
        let described = describe(broker, &state, &resource);
        respond(resource, described, wanted)
    };
    let results = request.resources.into_iter().map(result).collect();
    DescribeConfigsResponse { results, ..Default::default() }
}

fn describe(
    broker: &Broker,
    state: &ClusterState,
    resource: &DescribeConfigsResource,
) -> Result<Vec<Described>, Refused> {
    // `kafka-configs --entity-type groups` asks for every group that is listed.
    if matches!(resource.resource_type, CLIENT_METRICS | GROUP) && !resource.resource_name.is_empty() {
        return Ok(Vec::new());
    }
    let node = &broker.settings.node;
    let described = match config_resource::resolve(broker, resource.resource_type, &resource.resource_name)? {
        ConfigResource::Topic(id) => {
            let gone =
                || (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "the topic has just been deleted".to_owned());
            topic(node, state, state.topic_by_id(&id).ok_or_else(gone)?)
        }
        ConfigResource::Broker(scope) if scope == EVERY_BROKER => every_broker(node, state),
        ConfigResource::Broker(_) => this_broker(node, state),
    };
    let keys = resource.configuration_keys.as_deref().unwrap_or_default();
    let asked = |described: &Described| keys.is_empty() || keys.iter().any(|key| **key == *described.name);
    Ok(described.into_iter().filter(asked).collect())
}

fn topic(node: &NodeSettings, state: &ClusterState, topic: &Topic) -> Vec<Described> {
    let effective = node.effective(state);
    let described = |setting| topic_setting(node, state, &topic.configs, setting, &effective);
    TOPIC_SETTINGS.iter().map(described).collect()
}

/// The settings of a topic that is created with `own` (KIP-525).
pub(super) fn of_new_topic(broker: &Broker, own: &Configs) -> Vec<CreatableTopicConfigs> {
    let (node, state) = (&broker.settings.node, broker.controller.state());
    let effective = node.effective(&state);
    let entry = |setting| {
        let described = topic_setting(node, &state, own, setting, &effective);
        CreatableTopicConfigs {
            name: described.name.into(),
            config_source: source(&described.layers) as i8,
            value: described.value.map(Str::from),
            read_only: described.read_only,
            is_sensitive: false,
        }
    };
    TOPIC_SETTINGS.iter().map(entry).collect()
}

/// Where the value that applies comes from.
fn source(layers: &[Layer]) -> ConfigSource {
    layers.first().map_or(ConfigSource::Default, |layer| layer.source)
}

fn topic_setting(
    node: &NodeSettings,
    state: &ClusterState,
    configs: &Configs,
    setting: &'static TopicSetting,
    effective: &Config,
) -> Described {
    let own = configs.get(setting.name);
    let own_layer =
        own.map(|value| Layer { name: setting.name, value: value.clone(), source: ConfigSource::Topic });
    Described {
        name: setting.name,
        config_type: setting.config_type,
        value: Some(own.cloned().unwrap_or_else(|| (setting.default)(effective))),
        documentation: setting.doc,
        read_only: setting.fixed.is_some(),
        layers: own_layer.into_iter().chain(node.layers(state, setting.synonyms)).collect(),
    }
}

/// All that this broker is set to.
fn this_broker(node: &NodeSettings, state: &ClusterState) -> Vec<Described> {
    let effective = node.effective(state);
    let stated = STATED.iter().map(|&(name, config_type, value, documentation)| Described {
        name,
        config_type,
        value: Some(value.to_owned()),
        documentation,
        read_only: true,
        layers: vec![Layer { name, value: value.to_owned(), source: ConfigSource::Default }],
    });
    SETTINGS.iter().map(|setting| broker_setting(node, state, setting, &effective)).chain(stated).collect()
}

fn broker_setting(
    node: &NodeSettings,
    state: &ClusterState,
    setting: &'static Setting,
    effective: &Config,
) -> Described {
    let text = (setting.get)(effective);
    // A number that is not set is null, as in Kafka; a text is empty.
    let can_be_empty = matches!(setting.config_type, ConfigType::String | ConfigType::List);
    Described {
        name: setting.name,
        config_type: setting.config_type,
        value: (can_be_empty || !text.is_empty()).then_some(text),
        documentation: setting.doc,
        read_only: !is_dynamic(setting.name),
        layers: node.layers(state, &[setting.name]),
    }
}

/// What was changed for all brokers while they ran, and nothing else.
fn every_broker(node: &NodeSettings, state: &ClusterState) -> Vec<Described> {
    let Some(configs) = state.broker_configs(EVERY_BROKER) else { return Vec::new() };
    let changed = SETTINGS.iter().filter_map(|setting| Some((setting, configs.get(setting.name)?)));
    let described = |(setting, value): (&'static Setting, &String)| Described {
        value: Some(value.clone()),
        layers: vec![Layer {
            name: setting.name,
            value: value.clone(),
            source: ConfigSource::DynamicDefaultBroker,
        }],
        ..broker_setting(node, state, setting, node.started_with())
    };
    changed.map(described).collect()
}

fn respond(
    resource: DescribeConfigsResource,
    described: Result<Vec<Described>, Refused>,
    wanted: Wanted,
) -> DescribeConfigsResult {
    let DescribeConfigsResource { resource_type, resource_name, .. } = resource;
    let result = DescribeConfigsResult { resource_type, resource_name, ..Default::default() };
    match described {
        Ok(described) => {
            let configs = described.into_iter().map(|described| entry(described, wanted)).collect();
            DescribeConfigsResult { configs, ..result }
        }
        Err((error_code, message)) => {
            DescribeConfigsResult { error_code, error_message: Some(message.into()), ..result }
        }
    }
}

fn entry(described: Described, wanted: Wanted) -> DescribeConfigsResourceResult {
    let Described { name, config_type, value, documentation, read_only, layers } = described;
    let source = source(&layers);
    let synonym = |layer: Layer| DescribeConfigsSynonym {
        name: layer.name.into(),
        value: Some(layer.value.into()),
        source: layer.source as i8,
    };
    DescribeConfigsResourceResult {
        name: name.into(),
        value: value.map(Str::from),
        read_only,
        config_source: source as i8,
        is_sensitive: false, // there are no passwords among the settings
        synonyms: if wanted.synonyms { layers.into_iter().map(synonym).collect() } else { Vec::new() },
        config_type: config_type.code(),
        documentation: wanted.documentation.then(|| Str::from(documentation.trim())),
    }
}
