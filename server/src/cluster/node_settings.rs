//! The settings of this node: its configuration, and over it what was changed while it ran.
//!
//! ```text
//! topic's own ─► this node's (dynamic) ─► every node's (dynamic) ─► configuration (static) ─► default
//! ```
//! The first that says something applies, as in Kafka (KIP-226).

use std::sync::Arc;

use chronik_log::{CleanupPolicy, TopicLogConfig};

use super::state::{ClusterState, EVERY_BROKER, Topic};
use super::topic_config::{self, Configs};
use crate::config::{Config, Loaded, Setting, Source, find, is_only_dynamic, nearest};

/// Where a value comes from. Kafka's `ConfigSource`, by its numbers on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// The topic itself.
    Topic = 1,
    /// Changed while it runs, for this node.
    DynamicBroker = 2,
    /// Changed while it runs, for every node.
    DynamicDefaultBroker = 3,
    /// File, environment or flags.
    StaticBroker = 4,
    /// The table of settings.
    Default = 5,
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The setting that has it: the one asked for, or one that stands behind it.
    pub name: &'static str,
    /// The value.
    pub value: String,
    /// Who says so.
    pub source: ConfigSource,
}

/// Why a setting of a broker cannot be changed while it runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerConfigError {
    /// `INVALID_CONFIG`
    #[error("'{key}' is not a setting of a broker{hint}", hint = hint(*nearest))]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// The setting that was probably meant.
        nearest: Option<&'static str>,
    },
    /// `INVALID_REQUEST`
    #[error("{0} cannot be changed while the broker runs: change its configuration and restart it")]
    Static(String),
    /// `INVALID_REQUEST`
    #[error("{key} = '{value}': {reason}")]
    Value {
        /// The setting.
        key: String,
        /// What was asked for.
        value: String,
        /// What it must be.
        reason: String,
    },
    /// `INVALID_REQUEST`
    #[error("{0}")]
    Contradiction(String),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|known| format!("; did you mean '{known}'?")).unwrap_or_default()
}

/// The configuration of this node. Clones share it.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    loaded: Arc<Loaded>,
}

impl NodeSettings {
    /// Settings that begin with what was loaded.
    pub fn new(loaded: &Loaded) -> Self {
        Self { loaded: Arc::new(loaded.clone()) }
    }

    /// The configuration that the node was started with.
    pub fn started_with(&self) -> &Config {
        &self.loaded.config
    }

    /// The configuration as it is now.
    pub fn effective(&self, state: &ClusterState) -> Config {
        let mut config = self.loaded.config.clone();
        let node = self.loaded.config.node_id.to_string();
        for configs in [state.broker_configs(EVERY_BROKER), state.broker_configs(&node)].into_iter().flatten()
        {
            for (key, value) in configs {
                if let Err(error) = put(&mut config, key, value) {
                    tracing::error!(%error, "a setting that was changed while the node ran is not valid here, and is left out");
                }
            }
        }
        config
    }

    /// What a topic's settings come to for its logs.
    pub fn log_config(&self, state: &ClusterState, topic: &Topic) -> TopicLogConfig {
        let broker = self.effective(state);
        topic_config::log_config(&broker, &topic.configs).unwrap_or_else(|error| {
            tracing::error!(topic = %topic.name, %error, "a setting of this topic is not valid here: the broker's settings apply");
            topic_config::inherited(&broker)
        })
    }

    /// A number among the settings of a topic: the topic's own, else what was changed for this node or for all, else `otherwise`.
    pub fn number(&self, state: &ClusterState, topic: &Topic, keys: NumberKeys, otherwise: i64) -> i64 {
        let own = topic.configs.get(keys.topic);
        let text = own.or_else(|| state.broker_setting(self.loaded.config.node_id, keys.broker));
        text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    }

    /// `min.insync.replicas` of a topic.
    pub fn min_insync_replicas(&self, state: &ClusterState, topic: &Topic) -> i64 {
        self.number(state, topic, MIN_INSYNC_REPLICAS, self.loaded.config.min_insync_replicas.into())
    }

    /// `cleanup.policy` of a topic.
    pub fn cleanup_policy(&self, state: &ClusterState, topic: &Topic) -> CleanupPolicy {
        let config = &self.loaded.config;
        let own = topic.configs.get("cleanup.policy");
        let text = own.or_else(|| state.broker_setting(config.node_id, "log.cleanup.policy"));
        text.and_then(|text| CleanupPolicy::parse(text)).unwrap_or(config.log_cleanup_policy)
    }

    /// Every value of a broker's setting and of those that stand behind it, the one that applies first.
    pub fn layers(&self, state: &ClusterState, names: &[&'static str]) -> Vec<Layer> {
        let node = self.loaded.config.node_id.to_string();
        let dynamic = |scope: &str, source| {
            let configs = state.broker_configs(scope);
            let value =
                move |name: &'static str| Some(Layer { name, value: configs?.get(name)?.clone(), source });
            names.iter().copied().filter_map(value).collect::<Vec<_>>()
        };
        let known = || names.iter().copied().filter_map(find);
        let set = known().filter(|setting| *self.loaded.source_of(setting.name) != Source::Default);
        let fixed = set.map(|setting| self.layer(setting, &self.loaded.config, ConfigSource::StaticBroker));
        let defaults = known().map(|setting| self.layer(setting, &Config::default(), ConfigSource::Default));
        dynamic(&node, ConfigSource::DynamicBroker)
            .into_iter()
            .chain(dynamic(EVERY_BROKER, ConfigSource::DynamicDefaultBroker))
            .chain(fixed.filter(|layer| !layer.value.is_empty()))
            .chain(defaults.filter(|layer| !layer.value.is_empty()))
            .collect()
    }

    fn layer(&self, setting: &Setting, config: &Config, source: ConfigSource) -> Layer {
        Layer { name: setting.name, value: (setting.get)(config), source }
    }

    /// Checks what a broker's settings (`scope`) are to be, beside those of the other scope.
    ///
    /// # Errors
    /// An unknown key, one that cannot be changed, a value that it cannot have, or two that contradict each other.
    pub fn validate(
        &self,
        state: &ClusterState,
        scope: &str,
        configs: &Configs,
    ) -> Result<(), BrokerConfigError> {
        let mut config = self.loaded.config.clone();
        let node = self.loaded.config.node_id.to_string();
        let (below, above) = if scope == EVERY_BROKER {
            (Some(configs), state.broker_configs(&node))
        } else {
            (state.broker_configs(EVERY_BROKER), Some(configs))
        };
        for (key, value) in [below, above].into_iter().flatten().flatten() {
            put(&mut config, key, value)?;
        }
        config.check_together().map_err(BrokerConfigError::Contradiction)
    }
}

/// The names of a number, as a topic has it and as a broker has it.
#[derive(Clone, Copy, Debug)]
pub struct NumberKeys {
    /// Of the topic.
    pub topic: &'static str,
    /// Of the broker.
    pub broker: &'static str,
}

const MIN_INSYNC_REPLICAS: NumberKeys =
    NumberKeys { topic: "min.insync.replicas", broker: "min.insync.replicas" };
/// `message.timestamp.before.max.ms`
pub const TIMESTAMP_BEFORE_MAX_MS: NumberKeys =
    NumberKeys { topic: "message.timestamp.before.max.ms", broker: "log.message.timestamp.before.max.ms" };
/// `message.timestamp.after.max.ms`
pub const TIMESTAMP_AFTER_MAX_MS: NumberKeys =
    NumberKeys { topic: "message.timestamp.after.max.ms", broker: "log.message.timestamp.after.max.ms" };

/// Whether a broker's setting can be changed while it runs: those are the ones that topics inherit, and those that other nodes go by.
pub fn is_dynamic(name: &str) -> bool {
    topic_config::behind(name).is_some() || is_only_dynamic(name)
}

fn put(config: &mut Config, key: &str, value: &str) -> Result<(), BrokerConfigError> {
    let setting = find(key)
        .ok_or_else(|| BrokerConfigError::UnknownKey { key: key.to_owned(), nearest: nearest(key) })?;
    if !is_dynamic(key) {
        return Err(BrokerConfigError::Static(key.to_owned()));
    }
    let refused = |reason| BrokerConfigError::Value { key: key.to_owned(), value: value.to_owned(), reason };
    if value.is_empty() {
        return Err(refused("it must have a value; delete it to go back to the configuration".to_owned()));
    }
    (setting.set)(config, value).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::command::{Command, ConfigResource};
    use crate::config::Loader;

    fn state(changes: &[(&str, &str, &str)]) -> ClusterState {
        let mut state = ClusterState::default();
        for (scope, key, value) in changes {
            let replaces = state.broker_configs(scope).cloned().unwrap_or_default();
            let mut configs = replaces.clone();
            configs.insert((*key).to_owned(), (*value).to_owned());
            let resource = ConfigResource::Broker((*scope).to_owned());
            state.apply(&Command::AlterConfigs { resource, replaces, configs }).unwrap();
        }
        state
    }

    fn settings(assignments: &[&str]) -> NodeSettings {
        let loader = assignments.iter().fold(Loader::new(), |loader, set| loader.assignment(set).unwrap());
        NodeSettings::new(&loader.finish().unwrap())
    }

    #[test]
    fn a_node_comes_before_all_nodes_and_both_before_the_configuration() {
        let settings = settings(&["log.retention.ms=1"]);
        let retention = |state: &ClusterState| settings.effective(state).retention_ms();
        assert_eq!(retention(&state(&[])), Some(1));
        assert_eq!(retention(&state(&[("", "log.retention.ms", "2")])), Some(2));
        let both = state(&[("1", "log.retention.ms", "3"), ("", "log.retention.ms", "2")]);
        assert_eq!(retention(&both), Some(3));
        assert_eq!(retention(&state(&[("2", "log.retention.ms", "4")])), Some(1), "that is another node");
    }

    #[test]
    fn layers_are_named_in_the_order_in_which_they_apply() {
        let settings = settings(&["log.retention.minutes=5"]);
        let state = state(&[("", "log.retention.ms", "2"), ("1", "log.retention.ms", "3")]);
        let names = ["log.retention.ms", "log.retention.minutes", "log.retention.hours"];
        let layers = settings.layers(&state, &names);
        let found: Vec<_> =
            layers.iter().map(|layer| (layer.name, layer.value.as_str(), layer.source)).collect();
        assert_eq!(
            found,
            [
                ("log.retention.ms", "3", ConfigSource::DynamicBroker),
                ("log.retention.ms", "2", ConfigSource::DynamicDefaultBroker),
                ("log.retention.minutes", "5", ConfigSource::StaticBroker),
                ("log.retention.hours", "168", ConfigSource::Default),
            ]
        );
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        let check = |key: &str, value: &str| {
            let configs = Configs::from([(key.to_owned(), value.to_owned())]);
            settings(&[]).validate(&ClusterState::default(), EVERY_BROKER, &configs)
        };
        assert_eq!(check("log.retention.ms", "5"), Ok(()));
        assert!(matches!(check("listeners", "h:1"), Err(BrokerConfigError::Static(_))));
        assert!(matches!(check("log.retention.hours", "1"), Err(BrokerConfigError::Static(_))));
        for rate in ["leader.replication.throttled.rate", "follower.replication.throttled.rate"] {
            assert_eq!(check(rate, "0"), Ok(()));
            assert_eq!(check(rate, "9223372036854775807"), Ok(()));
            for wrong in ["-1", "", "1.5", "fast", "9223372036854775808"] {
                assert!(matches!(check(rate, wrong), Err(BrokerConfigError::Value { .. })), "{rate}={wrong}");
            }
        }
        assert!(matches!(check("log.retention.ms", "soon"), Err(BrokerConfigError::Value { .. })));
        assert!(matches!(check("log.retention.ms", ""), Err(BrokerConfigError::Value { .. })));
        let unknown = check("log.retention.mss", "5").unwrap_err().to_string();
        assert!(unknown.contains("did you mean 'log.retention.ms'?"), "{unknown}");
        assert!(matches!(check("log.segment.bytes", "20000"), Err(BrokerConfigError::Contradiction(_))));
    }
}
