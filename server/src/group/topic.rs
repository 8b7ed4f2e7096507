//! The topic `__consumer_offsets`: made by the server itself, when it is first needed.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::GroupCoordinator;
use crate::cluster::{Command, ProposeError, Refusal};

/// Where groups and their offsets are kept.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// What the topic is like.
#[derive(Clone, Debug)]
pub struct InternalTopic {
    /// `offsets.topic.num.partitions`
    pub partitions: i32,
    /// `offsets.topic.replication.factor`, bounded by the brokers that there are.
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

    /// The replicas of each partition, over the brokers in turn, from `first` on.
    fn assignment(&self, brokers: &[i32]) -> Vec<Vec<i32>> {
        let replicas = self.replication_factor.clamp(1, brokers.len().max(1));
        let count = usize::try_from(self.partitions).unwrap_or(1);
        (0..count)
            .map(|first| (first..first + replicas).map(|n| brokers[n % brokers.len()]).collect())
            .collect()
    }
}

impl GroupCoordinator {
    /// How many partitions the topic has; `None` while there is no topic.
    pub(super) fn partitions(&self) -> Option<i32> {
        let state = self.controller.state();
        i32::try_from(state.topic(OFFSETS_TOPIC)?.partitions.len()).ok()
    }

    /// Makes sure that the topic is there, and that the coordinator knows.
    ///
    /// # Errors
    /// It could not be created.
    pub async fn ensure_topic(&self) -> Result<(), ProposeError> {
        if self.opened.get() > 0 {
            return Ok(());
        }
        if self.partitions().is_none() {
            self.create_topic().await?;
        }
        // A topic that was created while this node runs has nothing in it.
        self.open(self.partitions().unwrap_or_default(), false).await;
        Ok(())
    }

    async fn create_topic(&self) -> Result<(), ProposeError> {
        let state = self.controller.state();
        let brokers: Vec<i32> = state.brokers.keys().copied().collect();
        let brokers = if brokers.is_empty() { vec![self.node_id] } else { brokers };
        let create = Command::CreateTopic {
            name: OFFSETS_TOPIC.to_owned(),
            id: Uuid::nil(), // the controller chooses it
            assignment: self.topic.assignment(&brokers),
            configs: self.topic.configs(),
        };
        match self.controller.propose(create).await {
            Ok(_) => {
                tracing::info!(topic = OFFSETS_TOPIC, partitions = self.topic.partitions, "created");
                Ok(())
            }
            Err(ProposeError::Refused(Refusal::TopicExists(_))) => Ok(()), // somebody else was quicker
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_are_spread_and_no_more_than_there_are_brokers() {
        let topic = |partitions, replication_factor| InternalTopic {
            partitions,
            replication_factor,
            segment_bytes: 1,
        };
        assert_eq!(topic(2, 3).assignment(&[7]), [[7], [7]]);
        assert_eq!(topic(3, 2).assignment(&[1, 2, 3]), [[1, 2], [2, 3], [3, 1]]);
    }
}
