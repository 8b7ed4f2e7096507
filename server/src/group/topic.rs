//! The topic `__consumer_offsets`: made by the server itself, when it is first needed.

use std::collections::BTreeMap;

use chronik_group::partitioner;
use chronik_log::PartitionId;
use uuid::Uuid;

use super::GroupCoordinator;
use crate::cluster::placement::{self, TooFewBrokers};
use crate::cluster::{ClusterState, Command, Partition, ProposeError, Refusal};

/// Where groups and their offsets are kept.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// What the topic is like.
#[derive(Clone, Debug)]
pub struct InternalTopic {
    /// `offsets.topic.num.partitions`
    pub partitions: i32,
    /// `offsets.topic.replication.factor`
    pub replication_factor: usize,
    /// `offsets.topic.segment.bytes`
    pub segment_bytes: u64,
}

impl InternalTopic {
    /// The last record of every key is kept, however old: retention by time or size would lose offsets.
    fn configs(&self) -> BTreeMap<String, String> {
        let configs = [
            ("cleanup.policy", "compact".to_owned()),
            ("segment.bytes", self.segment_bytes.to_string()),
            ("retention.ms", "-1".to_owned()),
            ("retention.bytes", "-1".to_owned()),
            ("message.timestamp.type", "CreateTime".to_owned()),
        ];
        configs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The replicas of each partition. A broker that is a cluster of its own, and will be, cannot have more than one.
    ///
    /// # Errors
    /// There are too few brokers.
    fn assignment(&self, state: &ClusterState) -> Result<Vec<Vec<i32>>, TooFewBrokers> {
        let alone = state.brokers.len() == 1 && state.nodes().next().is_none();
        let replicas = if alone { 1 } else { self.replication_factor };
        placement::place(state, &[], usize::try_from(self.partitions).unwrap_or(1), replicas)
    }
}

/// Why the topic is not there.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// It needs more brokers.
    #[error("offsets.topic.replication.factor: {0}")]
    TooFewBrokers(#[from] TooFewBrokers),
    /// It could not be created.
    #[error(transparent)]
    Propose(#[from] ProposeError),
}

impl GroupCoordinator {
    /// Makes sure that the topic is there, and that the coordinator knows what this node leads of it.
    ///
    /// # Errors
    /// It could not be created. It is to be tried again when it is needed again.
    pub async fn ensure_topic(&self) -> Result<(), TopicError> {
        if self.controller.state().topic(OFFSETS_TOPIC).is_none() {
            self.create_topic().await?;
        }
        self.caught_up().await;
        Ok(())
    }

    async fn create_topic(&self) -> Result<(), TopicError> {
        let create = Command::CreateTopic {
            name: OFFSETS_TOPIC.to_owned(),
            id: Uuid::nil(), // the controller chooses it
            assignment: self.topic.assignment(&self.controller.state())?,
            configs: self.topic.configs(),
        };
        match self.controller.propose(create).await {
            Ok(_) => {
                tracing::info!(topic = OFFSETS_TOPIC, partitions = self.topic.partitions, "created");
                Ok(())
            }
            Err(ProposeError::Refused(Refusal::TopicExists(_))) => Ok(()), // somebody else was quicker
            Err(error) => Err(error.into()),
        }
    }
}

/// The epoch in which a node leads a partition; `None` if it does not.
pub(super) fn leader_epoch(state: &ClusterState, id: &PartitionId, node_id: i32) -> Option<i32> {
    let known = state.topic_by_id(&id.topic_id)?.partition(id.partition)?;
    (known.leader == Some(node_id)).then_some(known.leader_epoch)
}

/// The partition in which a group is kept; `None` while there is no topic.
pub fn partition_of<'a>(state: &'a ClusterState, group: &str) -> Option<&'a Partition> {
    let topic = state.topic(OFFSETS_TOPIC)?;
    topic.partition(partitioner::partition_of(group, i32::try_from(topic.partitions.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::example::cluster;

    /// The first brokers of a cluster must not make with one replica what is to have three.
    #[test]
    fn there_are_as_many_replicas_as_are_asked_for_or_no_topic() {
        let topic = InternalTopic { partitions: 3, replication_factor: 3, segment_bytes: 1 };
        let mut alone = ClusterState::default();
        alone.brokers = cluster(&[(None, false)]).brokers;
        assert_eq!(topic.assignment(&alone).unwrap(), [[1], [1], [1]], "a cluster of its own");
        for brokers in
            [&[(None, false)][..], &[(None, false); 2], &[(None, false), (None, false), (None, true)]]
        {
            let error = topic.assignment(&cluster(brokers)).unwrap_err();
            assert!(TopicError::from(error).to_string().starts_with("offsets.topic.replication.factor: "));
        }
        let assignment = topic.assignment(&cluster(&[(None, false); 3])).unwrap();
        assert!(assignment.iter().all(|replicas| replicas.len() == 3), "{assignment:?}");
    }
}
