//! Topics, settings and producer ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::super::command::{Applied, ConfigResource, Refusal};
use super::brokers::{Electorate, change_partitions_of};
use super::{ClusterState, Partition, Topic};

impl ClusterState {
    pub(super) fn create_topic(
        &mut self,
        name: &str,
        id: Uuid,
        assignment: &[Vec<i32>],
        configs: &BTreeMap<String, String>,
    ) -> Result<Applied, Refusal> {
        if self.topic_ids.contains_key(name) {
            return Err(Refusal::TopicExists(name.to_owned()));
        }
        let id = if id.is_nil() { self.next_topic_id() } else { id };
        if self.topics.contains_key(&id) {
            return Err(Refusal::Invalid("the topic id is in use".into()));
        }
        if assignment.is_empty() || assignment.iter().any(Vec::is_empty) {
            return Err(Refusal::Invalid("a topic needs a partition, and a partition a replica".into()));
        }
        let partitions = lead_all(&Electorate::of(&self.brokers, configs), assignment)?;
        let topic = Topic { name: name.to_owned(), id, partitions, configs: configs.clone() };
        self.topic_ids.insert(topic.name.clone(), id);
        self.topics.insert(id, Arc::new(topic));
        Ok(Applied::Created { id })
    }

    /// Whether there can be so many partitions more.
    ///
    /// # Errors
    /// There would be more than `max`.
    pub fn has_room_for(&self, added: usize, max: usize) -> Result<(), Refusal> {
        let present = self.topics.values().map(|topic| topic.partitions.len()).sum();
        match added == 0 || added <= max.saturating_sub(present) {
            true => Ok(()),
            false => Err(Refusal::TooManyPartitions { present, added, max }),
        }
    }

    /// The same on every node, another one for each version of each cluster (RFC 9562, version 5).
    fn next_topic_id(&self) -> Uuid {
        Uuid::new_v5(&self.cluster_id.unwrap_or_default(), &self.version.to_be_bytes())
    }

    pub(super) fn create_partitions(
        &mut self,
        id: Uuid,
        present: usize,
        assignment: &[Vec<i32>],
    ) -> Result<Applied, Refusal> {
        let topic = self.topics.get_mut(&id).ok_or(Refusal::UnknownTopic(id))?;
        if topic.partitions.len() != present {
            return Err(Refusal::PartitionsChanged(topic.partitions.len()));
        }
        if assignment.is_empty() || assignment.iter().any(Vec::is_empty) {
            return Err(Refusal::Invalid("there must be a new partition, and a replica of each".into()));
        }
        let new = lead_all(&Electorate::of(&self.brokers, &topic.configs), assignment)?;
        Arc::make_mut(topic).partitions.extend(new);
        Ok(Applied::PartitionsCreated { id })
    }

    pub(super) fn alter_configs(
        &mut self,
        resource: &ConfigResource,
        replaces: &BTreeMap<String, String>,
        configs: &BTreeMap<String, String>,
    ) -> Result<Applied, Refusal> {
        let altered = Ok(Applied::ConfigsAltered { resource: resource.clone() });
        match resource {
            ConfigResource::Topic(id) => {
                let topic = self.topics.get_mut(id).ok_or(Refusal::UnknownTopic(*id))?;
                if topic.configs != *replaces {
                    return Err(Refusal::ConfigsChanged);
                }
                Arc::make_mut(topic).configs = configs.clone();
                let electorate = Electorate::of(&self.brokers, configs);
                change_partitions_of(topic, |partition| partition.filled(&electorate));
            }
            ConfigResource::Broker(scope) => {
                let present = self.broker_configs.get(scope);
                if !present.map_or(replaces.is_empty(), |present| present == replaces) {
                    return Err(Refusal::ConfigsChanged);
                }
                if configs.is_empty() {
                    self.broker_configs.remove(scope);
                } else {
                    self.broker_configs.insert(scope.clone(), configs.clone());
                }
            }
        }
        altered
    }

    pub(super) fn delete_topic(&mut self, id: Uuid) -> Result<Applied, Refusal> {
        let topic = self.topics.remove(&id).ok_or(Refusal::UnknownTopic(id))?;
        self.topic_ids.remove(&topic.name);
        Ok(Applied::Deleted { id })
    }

    pub(super) fn allocate_producer_ids(&mut self, count: i64) -> Result<Applied, Refusal> {
        let first = self.next_producer_id;
        match first.checked_add(count) {
            Some(next) if count > 0 => {
                self.next_producer_id = next;
                Ok(Applied::ProducerIds { first, count })
            }
            _ => Err(Refusal::Invalid("a positive number of producer ids, of which there are 2^63".into())),
        }
    }
}

/// New partitions, each with a leader (Kafka: `INVALID_REPLICA_ASSIGNMENT` if there is none).
fn lead_all(electorate: &Electorate<'_>, assignment: &[Vec<i32>]) -> Result<Vec<Partition>, Refusal> {
    let led = assignment.iter().map(|replicas| {
        Partition::new(replicas, electorate).ok_or_else(|| {
            Refusal::Invalid(
                format!("none of the nodes {replicas:?} is registered and unfenced: a partition needs one")
                    .into(),
            )
        })
    });
    led.collect()
}
