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
use crate::cluster::{ClusterState, Partition, Topic, topic_config};
use crate::group::OFFSETS_TOPIC;
use crate::types::kafka_uuid;

/// Up to this version an empty list of topics means all of them.
const EMPTY_MEANS_ALL_UP_TO: i16 = 0;
/// Up to this version an answer cannot say which replicas are offline: it names those that are not.
const ONLY_LIVE_UP_TO: i16 = 0;
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
        None => {
            let state = broker.controller.state();
            state.topics().map(|topic| describe(&state, topic, version)).collect()
        }
        Some(asked) => {
            let mut topics = Vec::with_capacity(asked.len());
            for topic in asked {
                topics.push(find(broker, topic, may_create, version).await);
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
        controller_id: controller_id(broker, &state),
        topics,
        cluster_authorized_operations: if operations { CLUSTER_OPERATIONS } else { NO_OPERATIONS },
        ..Default::default()
    }
}

/// Whom clients ask what is the controller's; -1 for nobody.
pub(super) fn controller_id(broker: &Broker, state: &ClusterState) -> i32 {
    state.live_controller(broker.controller.leader(), broker.node_id).unwrap_or(-1)
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
        rack: broker.rack.as_deref().map(Into::into),
    };
    state.live_brokers().map(describe).collect()
}

/// An id goes before a name: Kafka's admin client asks by id with an empty name, not a null one.
async fn find(
    broker: &Broker,
    asked: MetadataRequestTopic,
    may_create: bool,
    version: i16,
) -> MetadataResponseTopic {
    let state = broker.controller.state();
    match asked.name {
        Some(name) if asked.topic_id.is_nil() => find_by_name(broker, name, may_create, version).await,
        _ => match state.topic_by_id(&asked.topic_id) {
            Some(topic) => describe(&state, topic, version),
            None => unknown(None, asked.topic_id, ErrorCode::UNKNOWN_TOPIC_ID),
        },
    }
}

async fn find_by_name(broker: &Broker, name: Str, may_create: bool, version: i16) -> MetadataResponseTopic {
    let state = broker.controller.state();
    match state.topic(&name) {
        Some(topic) => describe(&state, topic, version),
        None if may_create && (name == OFFSETS_TOPIC || !topic_config::is_internal(&name)) => {
            create(broker, name, version).await
        }
        None => {
            let legal = topic_config::validate_name(&name);
            let code = legal.map_or_else(|error| error.code(), |()| ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
            unknown(Some(name), Uuid::nil(), code)
        }
    }
}

async fn create(broker: &Broker, name: Str, version: i16) -> MetadataResponseTopic {
    if name == OFFSETS_TOPIC && groups::ensure_topic(broker).await.is_err() {
        return unknown(Some(name), Uuid::nil(), ErrorCode::COORDINATOR_NOT_AVAILABLE);
    }
    match create_topics::create(broker, NewTopic::with_defaults(name.to_string())).await {
        // Somebody else may have created it meanwhile: that is as good.
        Ok(_) | Err((ErrorCode::TOPIC_ALREADY_EXISTS, _)) => {
            let state = broker.controller.state();
            match state.topic(&name) {
                Some(topic) => describe(&state, topic, version),
                None => unknown(Some(name), Uuid::nil(), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION), // and deleted
            }
        }
        Err((code, message)) => {
            tracing::warn!(topic = %name, error = %code, message, "a topic could not be created on first use");
            unknown(Some(name), Uuid::nil(), code)
        }
    }
}

fn unknown(name: Option<Str>, topic_id: Uuid, error_code: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic { error_code, name, topic_id, ..Default::default() }
}

fn describe(state: &ClusterState, topic: &Topic, version: i16) -> MetadataResponseTopic {
    let partition = |(index, known): (i32, &Partition)| match version {
        ..=ONLY_LIVE_UP_TO => only_live(state, describe_partition(state, index, known)),
        _ => describe_partition(state, index, known),
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

fn describe_partition(
    state: &ClusterState,
    partition_index: i32,
    known: &Partition,
) -> MetadataResponsePartition {
    let leader = state.live_leader(known);
    MetadataResponsePartition {
        error_code: leader.map_or(ErrorCode::LEADER_NOT_AVAILABLE, |_| ErrorCode::NONE),
        partition_index,
        leader_id: leader.map_or(-1, |leader| leader.node_id),
        leader_epoch: known.leader_epoch,
        replica_nodes: known.replicas.clone(),
        isr_nodes: known.in_sync_replicas.clone(),
        offline_replicas: state.offline_replicas(known),
    }
}

/// Without the replicas that cannot be reached. That some are missing is an error, of no consequence for clients.
fn only_live(state: &ClusterState, mut partition: MetadataResponsePartition) -> MetadataResponsePartition {
    let before = (partition.replica_nodes.len(), partition.isr_nodes.len());
    partition.replica_nodes.retain(|replica| state.is_live(*replica));
    partition.isr_nodes.retain(|replica| state.is_live(*replica));
    if partition.error_code.is_none() && before != (partition.replica_nodes.len(), partition.isr_nodes.len())
    {
        partition.error_code = ErrorCode::REPLICA_NOT_AVAILABLE;
    }
    partition
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::example::cluster;

    /// Broker 3 is gone. It led both partitions; the second has no other replica.
    fn state() -> ClusterState {
        let state = cluster(&[(Some("a"), false), (Some("b"), false), (None, false)]);
        state.with_topic("t", vec![vec![3, 1, 2], vec![3]]).after_the_end_of(3)
    }

    #[test]
    fn clients_are_told_of_brokers_that_they_can_reach() {
        let found = brokers(&state());
        let found: Vec<_> = found.iter().map(|b| (b.node_id, &*b.host, b.port, b.rack.as_deref())).collect();
        assert_eq!(found, [(1, "broker-1", 9_001, Some("a")), (2, "broker-2", 9_002, Some("b"))]);
    }

    #[test]
    fn replicas_and_leaders_that_are_not_there_are_named() {
        let state = state();
        let topic = describe(&state, state.topic("t").unwrap(), 13);
        let [moved, lost] = &topic.partitions[..] else { panic!("{topic:?}") };
        assert_eq!((moved.error_code, moved.leader_id, moved.leader_epoch), (ErrorCode::NONE, 1, 1));
        assert_eq!((&moved.replica_nodes[..], &moved.isr_nodes[..]), (&[3, 1, 2][..], &[1, 2][..]));
        assert_eq!(moved.offline_replicas, [3]);
        assert_eq!((lost.error_code, lost.leader_id), (ErrorCode::LEADER_NOT_AVAILABLE, -1));
        assert_eq!((&lost.isr_nodes[..], &lost.offline_replicas[..]), (&[3][..], &[3][..]));
    }

    #[test]
    fn the_first_version_names_only_what_is_there() {
        let state = state();
        let topic = describe(&state, state.topic("t").unwrap(), 0);
        let [moved, lost] = &topic.partitions[..] else { panic!("{topic:?}") };
        assert_eq!(
            (moved.error_code, &moved.replica_nodes[..]),
            (ErrorCode::REPLICA_NOT_AVAILABLE, &[1, 2][..])
        );
        assert_eq!((lost.error_code, &lost.replica_nodes[..]), (ErrorCode::LEADER_NOT_AVAILABLE, &[][..]));
        let healthy = cluster(&[(None, false)]).with_topic("t", vec![vec![1]]);
        let topic = describe(&healthy, healthy.topic("t").unwrap(), 0);
        assert_eq!(topic.partitions[0].error_code, ErrorCode::NONE);
    }
}
