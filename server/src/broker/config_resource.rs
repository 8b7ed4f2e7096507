//! From what a request names to what has settings.

use chronik_kafka::ErrorCode;

use super::Broker;
use super::error::{KafkaError, Refused};
use crate::cluster::{ConfigResource, EVERY_BROKER, topic_config};

/// `resource_type` of a topic (`ConfigResource.Type`).
pub(super) const TOPIC: i8 = 2;
/// Of a broker.
pub(super) const BROKER: i8 = 4;
/// Of a broker's log levels.
pub(super) const BROKER_LOGGER: i8 = 8;
/// Of a subscription to clients' metrics (KIP-714).
pub(super) const CLIENT_METRICS: i8 = 16;
/// Of a consumer group (KIP-848).
pub(super) const GROUP: i8 = 32;

/// What has the settings that a request means.
///
/// # Errors
/// No such topic, another broker, or a kind of resource that has no settings here.
pub(super) fn resolve(broker: &Broker, resource_type: i8, name: &str) -> Result<ConfigResource, Refused> {
    match resource_type {
        TOPIC => {
            topic_config::validate_name(name).map_err(|error| (error.code(), error.to_string()))?;
            let state = broker.controller.state();
            let unknown =
                || (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, format!("the topic '{name}' does not exist"));
            Ok(ConfigResource::Topic(state.topic(name).ok_or_else(unknown)?.id))
        }
        BROKER => broker_scope(broker.node_id, name).map(ConfigResource::Broker),
        BROKER_LOGGER => Err((
            ErrorCode::INVALID_REQUEST,
            "log levels are in the configuration (log.level) and cannot be changed here".to_owned(),
        )),
        CLIENT_METRICS | GROUP => Err((
            ErrorCode::INVALID_REQUEST,
            "client metrics and groups have no settings of their own here".to_owned(),
        )),
        other => Err((ErrorCode::INVALID_REQUEST, format!("unknown resource type {other}"))),
    }
}

/// All brokers, or this one: others answer for themselves.
fn broker_scope(node_id: i32, name: &str) -> Result<String, Refused> {
    if name == EVERY_BROKER {
        return Ok(EVERY_BROKER.to_owned());
    }
    match name.parse::<i32>() {
        Ok(id) if id == node_id => Ok(node_id.to_string()),
        Ok(id) => Err((
            ErrorCode::INVALID_REQUEST,
            format!("this is broker {node_id}; ask broker {id}, or name no broker for all of them"),
        )),
        Err(_) => Err((ErrorCode::INVALID_REQUEST, format!("a broker id is a number, not '{name}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_answers_for_itself_and_for_all() {
        assert_eq!(broker_scope(7, ""), Ok(String::new()));
        assert_eq!(broker_scope(7, "7"), Ok("7".to_owned()));
        assert_eq!(broker_scope(7, "8").unwrap_err().0, ErrorCode::INVALID_REQUEST);
        assert_eq!(broker_scope(7, "seven").unwrap_err().0, ErrorCode::INVALID_REQUEST);
    }
}
