//! DeleteTopics: by name, or by id from version 6 on.

use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_kafka::message::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use uuid::Uuid;

use super::Broker;
use super::error::KafkaError;
use crate::cluster::{Command, topic_config};

/// First version that may name topics by id.
const TOPIC_IDS_FROM: i16 = 6;
/// First version that knows `TOPIC_DELETION_DISABLED`.
const DELETION_DISABLED_FROM: i16 = 3;

/// Deletes what can be deleted; says of the rest why not.
pub(super) async fn delete_topics(
    broker: &Broker,
    request: DeleteTopicsRequest,
    version: i16,
) -> DeleteTopicsResponse {
    let deadline =
        broker.clock.uptime() + Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or_default());
    let by_name = |name| DeleteTopicState { name: Some(name), topic_id: Uuid::nil() };
    let asked: Vec<DeleteTopicState> = if version >= TOPIC_IDS_FROM {
        request.topics
    } else {
        request.topic_names.into_iter().map(by_name).collect()
    };
    let mut responses = Vec::with_capacity(asked.len());
    for topic in asked {
        responses.push(delete(broker, topic, version, deadline).await);
    }
    DeleteTopicsResponse { responses, ..Default::default() }
}

async fn delete(
    broker: &Broker,
    asked: DeleteTopicState,
    version: i16,
    deadline: Duration,
) -> DeletableTopicResult {
    let state = broker.controller.state();
    let known = match &asked.name {
        Some(name) => state.topic(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        None => state.topic_by_id(&asked.topic_id).ok_or(ErrorCode::UNKNOWN_TOPIC_ID),
    };
    let (name, topic_id) = match known {
        Ok(topic) => (Some(topic.name.as_str().into()), topic.id),
        Err(_) => (asked.name, asked.topic_id),
    };
    let outcome = match known {
        Err(code) => Err((code, None)),
        Ok(_) if !broker.settings.delete_topics => {
            let known_code = version >= DELETION_DISABLED_FROM;
            let code =
                if known_code { ErrorCode::TOPIC_DELETION_DISABLED } else { ErrorCode::INVALID_REQUEST };
            Err((code, Some("delete.topic.enable is false".to_owned())))
        }
        Ok(topic) if topic_config::is_internal(&topic.name) => {
            Err((ErrorCode::INVALID_REQUEST, Some("the server itself needs this topic".to_owned())))
        }
        Ok(topic) => {
            let deleted = delete_in_time(broker, topic.id, deadline).await;
            if deleted.is_ok() {
                broker.groups.caught_up().await; // offsets of the topic are not there any more
            }
            deleted
        }
    };
    let (error_code, error_message) = outcome.err().unwrap_or((ErrorCode::NONE, None));
    DeletableTopicResult { name, topic_id, error_code, error_message: error_message.map(Into::into) }
}

async fn delete_in_time(
    broker: &Broker,
    id: Uuid,
    deadline: Duration,
) -> Result<(), (ErrorCode, Option<String>)> {
    tokio::select! {
        biased;
        deleted = broker.controller.propose(Command::DeleteTopic { id }) => {
            broker.metrics.traffic.forget(id);
            deleted.map(drop).map_err(|error| (error.code(), Some(error.to_string())))
        }
        () = broker.clock.sleep(deadline.saturating_sub(broker.clock.uptime())) => {
            Err((ErrorCode::REQUEST_TIMED_OUT, Some("the topic is still being deleted".to_owned())))
        }
    }
}
