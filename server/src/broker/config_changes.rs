//! Changes of settings: what they come to is a function of values; it is proposed again when somebody else was faster.

use std::collections::BTreeSet;

use chronik_kafka::ErrorCode;

use super::Broker;
use super::config_resource;
use super::error::{KafkaError, Refused, of_named_topic};
use crate::cluster::topic_config::Configs;
use crate::cluster::{ClusterState, Command, ConfigResource, ProposeError, Refusal, topic_config};
use crate::config::{self, Config, ConfigType};
use crate::limits;

/// What becomes of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It has this value.
    Set(String),
    /// It is what is inherited.
    Delete,
    /// A list gets these entries too, separated by commas.
    Append(String),
    /// A list loses these entries.
    Subtract(String),
}

/// The changes of one resource, as a request asks for them.
pub(super) struct Asked {
    pub(super) resource_type: i8,
    pub(super) resource_name: String,
    /// Whether what is not mentioned goes back to what is inherited.
    pub(super) replace_all: bool,
    /// Key and change; or why the change makes no sense.
    pub(super) changes: Vec<(String, Result<Change, Refused>)>,
}

/// Carries out what is asked for each resource, in order; `validate_only`: only says what would come of it.
pub(super) async fn alter_all(
    broker: &Broker,
    asked: &[Asked],
    validate_only: bool,
) -> Vec<Result<(), Refused>> {
    let mut named = BTreeSet::new();
    let twice: BTreeSet<_> = asked
        .iter()
        .map(|asked| (asked.resource_type, asked.resource_name.as_str()))
        .filter(|resource| !named.insert(*resource))
        .collect();
    let mut outcomes = Vec::with_capacity(asked.len());
    for asked in asked {
        outcomes.push(if twice.contains(&(asked.resource_type, asked.resource_name.as_str())) {
            Err((ErrorCode::INVALID_REQUEST, "each resource must appear at most once".to_owned()))
        } else {
            alter(broker, asked, validate_only).await
        });
    }
    outcomes
}

async fn alter(broker: &Broker, asked: &Asked, validate_only: bool) -> Result<(), Refused> {
    let changes = distinct(&asked.changes)?;
    let resource = config_resource::resolve(broker, asked.resource_type, &asked.resource_name)?;
    for _ in 0..limits::MAX_CONFIG_ATTEMPTS {
        let state = broker.controller.state();
        let replaces = present(&state, &resource);
        let configs = changed(broker, &state, &resource, asked.replace_all, &replaces, &changes)?;
        if validate_only || configs == replaces {
            return Ok(());
        }
        let command = Command::AlterConfigs { resource: resource.clone(), replaces, configs };
        match broker.controller.propose(command).await {
            Ok(_) => return Ok(()),
            Err(ProposeError::Refused(Refusal::ConfigsChanged)) => {}
            Err(error) => return Err(of_named_topic(&error)),
        }
    }
    Err((ErrorCode::REQUEST_TIMED_OUT, "others keep altering the same settings; try again".to_owned()))
}

/// The changes, of which no two are about the same key.
fn distinct(changes: &[(String, Result<Change, Refused>)]) -> Result<Vec<(&str, &Change)>, Refused> {
    let mut keys = BTreeSet::new();
    let mut distinct = Vec::with_capacity(changes.len());
    for (key, change) in changes {
        if !keys.insert(key) {
            return Err((ErrorCode::INVALID_REQUEST, format!("the request changes '{key}' twice")));
        }
        distinct.push((key.as_str(), change.as_ref().map_err(Clone::clone)?));
    }
    Ok(distinct)
}

fn present(state: &ClusterState, resource: &ConfigResource) -> Configs {
    let configs = match resource {
        ConfigResource::Topic(id) => state.topic_by_id(id).map(|topic| &topic.configs),
        ConfigResource::Broker(scope) => state.broker_configs(scope),
    };
    configs.cloned().unwrap_or_default()
}

/// The settings after the changes, checked.
fn changed(
    broker: &Broker,
    state: &ClusterState,
    resource: &ConfigResource,
    replace_all: bool,
    present: &Configs,
    changes: &[(&str, &Change)],
) -> Result<Configs, Refused> {
    let node = &broker.settings.node;
    let effective = node.effective(state);
    let base = if replace_all { Configs::new() } else { present.clone() };
    let is_topic = matches!(resource, ConfigResource::Topic(_));
    let configs = apply(base, changes, |key| inherited(&effective, is_topic, key))?;
    let refused = match resource {
        ConfigResource::Topic(_) => {
            topic_config::validate(&effective, &configs).err().map(|error| (error.code(), error.to_string()))
        }
        ConfigResource::Broker(scope) => {
            node.validate(state, scope, &configs).err().map(|error| (error.code(), error.to_string()))
        }
    };
    refused.map_or(Ok(configs), Err)
}

/// Type and value of a setting that is not set on the resource itself; `None` if there is no such setting.
fn inherited(effective: &Config, is_topic: bool, key: &str) -> Option<(ConfigType, String)> {
    if is_topic {
        topic_config::find(key).map(|setting| (setting.config_type, (setting.default)(effective)))
    } else {
        config::find(key).map(|setting| (setting.config_type, (setting.get)(effective)))
    }
}

/// The settings that `changes` make of `configs`. Whether the keys and values are any good is checked afterwards.
///
/// # Errors
/// A list operation on what is no list.
fn apply(
    mut configs: Configs,
    changes: &[(&str, &Change)],
    inherited: impl Fn(&str) -> Option<(ConfigType, String)>,
) -> Result<Configs, Refused> {
    for (key, change) in changes {
        let value = match change {
            Change::Delete => {
                configs.remove(*key);
                continue;
            }
            Change::Set(value) => value.clone(),
            Change::Append(entries) | Change::Subtract(entries) => {
                let default = match inherited(key) {
                    Some((ConfigType::List, default)) => default,
                    _ => return Err((ErrorCode::INVALID_CONFIG, format!("'{key}' is not a list"))),
                };
                let present = configs.get(*key).unwrap_or(&default);
                combined(present, entries, matches!(change, Change::Append(_)))
            }
        };
        configs.insert((*key).to_owned(), value);
    }
    Ok(configs)
}

/// The list `present` with `entries`, each once, or without them.
fn combined(present: &str, entries: &str, append: bool) -> String {
    let parts = |list: &str| -> Vec<String> {
        list.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    let (mut list, entries) = (parts(present), parts(entries));
    if append {
        for entry in entries {
            if !list.contains(&entry) {
                list.push(entry);
            }
        }
    } else {
        list.retain(|entry| !entries.contains(entry));
    }
    list.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn after(before: &[(&str, &str)], changes: &[(&str, Change)]) -> Result<Configs, Refused> {
        let changes: Vec<_> = changes.iter().map(|(key, change)| (*key, change)).collect();
        apply(configs(before), &changes, |key| match key {
            "list" => Some((ConfigType::List, "delete".to_owned())),
            "number" => Some((ConfigType::Long, "1".to_owned())),
            _ => None,
        })
    }

    #[test]
    fn changes_apply_in_order_to_what_is_there() {
        let set = |value: &str| Change::Set(value.to_owned());
        assert_eq!(
            after(&[("a", "1")], &[("number", set("2"))]),
            Ok(configs(&[("a", "1"), ("number", "2")]))
        );
        assert_eq!(after(&[("a", "1")], &[("a", Change::Delete), ("b", Change::Delete)]), Ok(configs(&[])));
    }

    #[test]
    fn lists_begin_with_what_is_inherited() {
        let append = |entries: &str| Change::Append(entries.to_owned());
        let subtract = |entries: &str| Change::Subtract(entries.to_owned());
        for (before, change, expected) in [
            (&[][..], append("compact"), "delete,compact"),
            (&[][..], append("delete"), "delete"),
            (&[("list", "compact")][..], append("delete, compact"), "compact,delete"),
            (&[("list", "compact,delete")][..], subtract("delete"), "compact"),
            (&[("list", "compact")][..], subtract("delete"), "compact"),
            (&[][..], subtract("delete"), ""),
        ] {
            assert_eq!(
                after(before, &[("list", change.clone())]),
                Ok(configs(&[("list", expected)])),
                "{change:?}"
            );
        }
        for key in ["number", "unknown"] {
            assert_eq!(after(&[], &[(key, append("1"))]).unwrap_err().0, ErrorCode::INVALID_CONFIG);
        }
    }

    #[test]
    fn a_key_is_changed_once() {
        let change = || Ok(Change::Delete);
        assert!(distinct(&[("a".to_owned(), change()), ("b".to_owned(), change())]).is_ok());
        assert!(distinct(&[("a".to_owned(), change()), ("a".to_owned(), change())]).is_err());
    }
}
