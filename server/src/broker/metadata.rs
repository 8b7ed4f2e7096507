//! Metadata: brokers, topics, leaders; topics are created when first asked for, where that is allowed.

use chronik_kafka::message::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use chronik_kafka::{ErrorCode, Str};
use uuid::Uuid;

use super::create_topics::{self, NewTopic};
use super::error::KafkaError;
use super::{Broker, groups};
use crate::cluster::{ClusterState, Topic, topic_config};
use crate::group::OFFSETS_TOPIC;
use crate::types::kafka_uuid;

/// Up to this version an empty list of topics means all of them.
const EMPTY_MEANS_ALL_UP_TO: i16 = 0;
/// Operations on a topic, as bits by `AclOperation` code: all of them, since there is no authorizer.
pub(super) const TOPIC_OPERATIONS: i32 =
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;
/// The same for the cluster.
pub(super) const CLUSTER_OPERATIONS: i32 = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;
/// "Not asked for".
pub(super) const NO_OPERATIONS: i32 = i32::MIN;

/// Answers from the image of the metadata.
pub(super) async fn metadata(broker: &Broker, request: MetadataRequest, version: i16) -> MetadataResponse {
    let asked = request.topics.filter(|topics| !(topics.is_empty() && version <= EMPTY_MEANS_ALL_UP_TO));
    let may_create = request.allow_auto_topic_creation && broker.settings.auto_create_topics;
    let mut topics = match asked {
        None => broker.controller.state().topics().map(|topic| describe(topic)).collect(),
        Some(asked) => {
            let mut topics = Vec::with_capacity(asked.len());
            for topic in asked {
                topics.push(find(broker, topic, may_create).await);
            }
            topics
        }
    };
    if request.include_topic_authorized_operations {
        topics.iter_mut().for_each(|topic| topic.topic_authorized_operations = TOPIC_OPERATIONS);
    }
    let operations = request.include_cluster_authorized_operations;
    let state = broker.controller.state();
    MetadataResponse {
        brokers: brokers(&state),
        cluster_id: cluster_id(broker, &state),
        controller_id: broker.node_id,
        topics,
        cluster_authorized_operations: if operations { CLUSTER_OPERATIONS } else { NO_OPERATIONS },
        ..Default::default()
    }
}

/// The configured name of the cluster, or the id that it was given.
pub(super) fn cluster_id(broker: &Broker, state: &ClusterState) -> Option<Str> {
    let configured = broker.settings.cluster_id.clone();
    configured.or_else(|| state.cluster_id.map(kafka_uuid)).map(Str::from)
}

fn brokers(state: &ClusterState) -> Vec<MetadataResponseBroker> {
    let describe = |broker: &crate::cluster::Broker| MetadataResponseBroker {
        node_id: broker.node_id,
        host: broker.host.as_str().into(),
        port: broker.port.into(),
        rack: None,
    };
    state.brokers.values().map(describe).collect()
}

/// An id goes before a name: Kafka's admin client asks by id with an empty name, not a null one.
async fn find(broker: &Broker, asked: MetadataRequestTopic, may_create: bool) -> MetadataResponseTopic {
    match asked.name {
        Some(name) if asked.topic_id.is_nil() => find_by_name(broker, name, may_create).await,
        _ => match broker.controller.state().topic_by_id(&asked.topic_id) {
            Some(topic) => describe(topic),
            None => unknown(None, asked.topic_id, ErrorCode::UNKNOWN_TOPIC_ID),
        },
    }
}

async fn find_by_name(broker: &Broker, name: Str, may_create: bool) -> MetadataResponseTopic {
    match broker.controller.state().topic(&name) {
        Some(topic) => describe(topic),
        None if may_create && (name == OFFSETS_TOPIC || !topic_config::is_internal(&name)) => {
            create(broker, name).await
        }
        None => {
            let legal = topic_config::validate_name(&name);
            let code = legal.map_or_else(|error| error.code(), |()| ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
            unknown(Some(name), Uuid::nil(), code)
        }
    }
}

async fn create(broker: &Broker, name: Str) -> MetadataResponseTopic {
    if name == OFFSETS_TOPIC && groups::ensure_topic(broker).await.is_err() {
        return unknown(Some(name), Uuid::nil(), ErrorCode::COORDINATOR_NOT_AVAILABLE);
    }
    match create_topics::create(broker, NewTopic::with_defaults(name.to_string())).await {
        // Somebody else may have created it meanwhile: that is as good.
        Ok(_) | Err((ErrorCode::TOPIC_ALREADY_EXISTS, _)) => match broker.controller.state().topic(&name) {
            Some(topic) => describe(topic),
            None => unknown(Some(name), Uuid::nil(), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION), // and deleted
        },
        Err((code, message)) => {
            tracing::warn!(topic = %name, error = %code, message, "a topic could not be created on first use");
            unknown(Some(name), Uuid::nil(), code)
        }
    }
}

fn unknown(name: Option<Str>, topic_id: Uuid, error_code: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic { error_code, name, topic_id, ..Default::default() }
}

fn describe(topic: &Topic) -> MetadataResponseTopic {
    let partition =
        |(partition_index, partition): (i32, &crate::cluster::Partition)| MetadataResponsePartition {
            error_code: if partition.leader.is_some() {
                ErrorCode::NONE
            } else {
                ErrorCode::LEADER_NOT_AVAILABLE
            },
            partition_index,
            leader_id: partition.leader.unwrap_or(-1),
            leader_epoch: partition.leader_epoch,
            replica_nodes: partition.replicas.clone(),
            isr_nodes: partition.in_sync_replicas.clone(),
            offline_replicas: Vec::new(),
        };
    MetadataResponseTopic {
        error_code: ErrorCode::NONE,
        name: Some(topic.name.as_str().into()),
        topic_id: topic.id,
        is_internal: topic_config::is_internal(&topic.name),
        partitions: topic.indexed().map(partition).collect(),
        topic_authorized_operations: NO_OPERATIONS,
    }
}
