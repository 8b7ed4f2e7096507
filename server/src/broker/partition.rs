//! From what a request names to a partition that this node leads.

use std::sync::Arc;

use chronik_kafka::{ErrorCode, Str};
use chronik_log::PartitionId;
use concurrency_models::registry::Lease;
use uuid::Uuid;

use super::Broker;
use crate::cluster::{ClusterState, Partition as Known, Topic};
use crate::storage::Partition;

/// How a request names a topic: by name, or by id from the versions of KIP-516 on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TopicRef {
    Name(Str),
    Id(Uuid),
}

impl TopicRef {
    /// The name, unless `by_id`.
    pub(super) fn new(by_id: bool, name: &Str, id: Uuid) -> Self {
        if by_id { Self::Id(id) } else { Self::Name(name.clone()) }
    }

    /// The same with memory of its own: it may outlive the frame that named it.
    pub(super) fn detached(&self) -> Self {
        match self {
            Self::Name(name) => Self::Name(name.detached()),
            Self::Id(id) => Self::Id(*id),
        }
    }

    /// The topic.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn resolve<'a>(&self, state: &'a ClusterState) -> Result<&'a Arc<Topic>, ErrorCode> {
        match self {
            Self::Name(name) => state.topic(name).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            Self::Id(id) => state.topic_by_id(id).ok_or(ErrorCode::UNKNOWN_TOPIC_ID),
        }
    }
}

/// A partition that this node leads, or reads from, and that is not deleted while this is held.
pub(super) struct Led {
    pub(super) id: PartitionId,
    pub(super) leader_epoch: i32,
    pub(super) partition: Lease<Partition>,
}

/// `current_leader_epoch` of a request that does not say which epoch it means.
const ANY_EPOCH: i32 = -1;

/// The partition `index` of `topic`, if we lead it in the epoch that the client believes in.
///
/// # Errors
/// Unknown, led by another node, another epoch (KIP-320), or offline.
pub(super) fn led(
    broker: &Broker,
    topic: &Topic,
    index: i32,
    current_leader_epoch: i32,
) -> Result<Led, ErrorCode> {
    find(broker, topic, index, current_leader_epoch, |known| known.leader == Some(broker.node_id))
}

/// The partition `index` of `topic`, if we lead it or follow somebody who does, in the epoch that the client believes in (KIP-392).
///
/// # Errors
/// As [`led`], for who has no replica of it.
pub(super) fn led_or_followed(
    broker: &Broker,
    topic: &Topic,
    index: i32,
    current_leader_epoch: i32,
) -> Result<Led, ErrorCode> {
    let may_be_read = |known: &Known| known.leader.is_some() && known.replicas.contains(&broker.node_id);
    find(broker, topic, index, current_leader_epoch, may_be_read)
}

fn find(
    broker: &Broker,
    topic: &Topic,
    index: i32,
    current_leader_epoch: i32,
    is_here: impl Fn(&Known) -> bool,
) -> Result<Led, ErrorCode> {
    let known = topic.partition(index).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    // Without a lease, another node may lead by now, and this one has not heard of it.
    if !is_here(known) || !broker.controller.lease().is_held(broker.clock.uptime()) {
        return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    }
    if current_leader_epoch != ANY_EPOCH && current_leader_epoch < known.leader_epoch {
        return Err(ErrorCode::FENCED_LEADER_EPOCH);
    }
    if current_leader_epoch > known.leader_epoch {
        return Err(ErrorCode::UNKNOWN_LEADER_EPOCH);
    }
    let id = PartitionId { topic_id: topic.id, partition: index };
    let partition = broker.storage.partition(&id).ok_or(ErrorCode::KAFKA_STORAGE_ERROR)?;
    Ok(Led { id, leader_epoch: known.leader_epoch, partition })
}
