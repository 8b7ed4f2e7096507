//! From the committed metadata to what this node serves (Kafka: `BrokerMetadataPublisher`).
//!
//! A partition has its log before the image names it, and is named by no image when its log goes. What is altered applies to the next batch.

use std::collections::BTreeSet;
use std::sync::Arc;

use chronik_log::PartitionId;
use concurrency_models::image::Image;
use concurrency_models::watermark::Closed;
use uuid::Uuid;

use super::controller::Served;
use super::leader_changes::LeaderChanges;
use super::node_settings::NodeSettings;
use super::replicas::Replicas;
use super::state::{ClusterState, Topic};
use crate::clock::Clock;
use crate::limits;
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pulse;

/// The task that follows the metadata.
pub(super) struct MetadataPublisher {
    pub(super) node_id: i32,
    /// What the group has agreed on.
    pub(super) committed: Arc<Image<ClusterState>>,
    pub(super) served: Served,
    pub(super) storage: Storage,
    /// Takes up the roles that this node has in its partitions.
    pub(super) replicas: Arc<dyn Replicas>,
    /// What a topic's own settings are laid over.
    pub(super) settings: NodeSettings,
    pub(super) clock: Clock,
    /// Partitions that have a log here.
    pub(super) logs: BTreeSet<PartitionId>,
    /// Version of the committed image that was looked at last.
    pub(super) seen: i64,
}

impl MetadataPublisher {
    /// Follows the metadata until the Raft loop or storage has ended.
    pub(super) async fn run(mut self, pulse: Pulse) {
        loop {
            pulse.idle();
            if self.next().await.is_err() {
                break;
            }
            pulse.beat();
            if self.publish_now().await.is_err() {
                break;
            }
        }
        self.served.close();
    }

    /// Waits for later metadata, or, while some log could not be made, for the time to try again.
    async fn next(&self) -> Result<(), Closed> {
        let later = self.committed.at_least(self.seen + 1);
        if self.served.trouble.load().is_none() {
            return later.await.map(drop);
        }
        tokio::select! {
            biased;
            later = later => later.map(drop),
            () = self.clock.sleep(limits::METADATA_RETRY) => Ok(()),
        }
    }

    /// Makes this node serve what is committed now.
    ///
    /// # Errors
    /// Storage has ended.
    pub(super) async fn publish_now(&mut self) -> Result<(), StorageError> {
        self.seen = self.committed.version(); // what is loaded is this or later
        self.publish(self.committed.load()).await
    }

    async fn publish(&mut self, next: Arc<ClusterState>) -> Result<(), StorageError> {
        let before = self.served.image.load();
        let concerned = self.concerned(&before, &next);
        let trouble = passing(self.create(&concerned, &next).await)?;
        self.configure(&concerned, &before, &next).await?;
        self.replicas.take_up(&next, &self.changed_roles(&concerned, &before, &next)).await?;
        if trouble.is_some() || self.served.trouble.load().is_some() {
            self.served.trouble.replace(trouble);
        }
        self.served.image.replace(next.clone());
        let topics = concerned.iter().filter_map(|id| next.topic_by_id(id));
        LeaderChanges::between(&before, topics.map(|topic| &**topic), self.node_id).tell();
        self.drop_logs(&concerned, &next).await?;
        self.served.version.advance(next.version);
        Ok(())
    }

    /// Topics whose logs may differ from what they should be: those that have changed, and at first, or after something went wrong, all.
    fn concerned(&self, before: &ClusterState, next: &ClusterState) -> BTreeSet<Uuid> {
        let known = self.logs.iter().map(|id| id.topic_id);
        if self.served.version.get() < 0 || self.served.trouble.load().is_some() {
            return next.topics().map(|topic| topic.id).chain(known).collect();
        }
        let differ = |topic: &&Arc<Topic>, other: &ClusterState| {
            !other.topic_by_id(&topic.id).is_some_and(|same| Arc::ptr_eq(same, topic))
        };
        let new = next.topics().filter(|topic| differ(topic, before));
        let old = before.topics().filter(|topic| differ(topic, next));
        new.chain(old).map(|topic| topic.id).collect()
    }

    /// Logs in whose partitions this node may have another role than before; all of them when a broker has come, gone, or started anew.
    fn changed_roles(
        &self,
        concerned: &BTreeSet<Uuid>,
        before: &ClusterState,
        next: &ClusterState,
    ) -> BTreeSet<PartitionId> {
        if before.brokers != next.brokers {
            return self.logs.clone();
        }
        let of_topic = |topic_id: &Uuid| {
            let id = |partition| PartitionId { topic_id: *topic_id, partition };
            self.logs.range(id(i32::MIN)..=id(i32::MAX)).copied()
        };
        concerned.iter().flat_map(of_topic).collect()
    }

    /// Makes the logs that are missing.
    async fn create(&mut self, concerned: &BTreeSet<Uuid>, next: &ClusterState) -> Result<(), StorageError> {
        for topic in concerned.iter().filter_map(|id| next.topic_by_id(id)) {
            let missing: Vec<_> = self.here(topic).filter(|id| !self.logs.contains(id)).collect();
            if missing.is_empty() {
                continue;
            }
            let config = Arc::new(self.settings.log_config(next, topic));
            self.storage.create_partitions(missing.iter().copied(), &config).await?;
            self.logs.extend(missing);
        }
        Ok(())
    }

    /// Gives the logs the settings that differ from before.
    async fn configure(
        &self,
        concerned: &BTreeSet<Uuid>,
        before: &ClusterState,
        next: &ClusterState,
    ) -> Result<(), StorageError> {
        let same_for_all = before.has_the_broker_configs_of(next);
        let is_same = |topic: &Topic| {
            same_for_all && before.topic_by_id(&topic.id).is_some_and(|known| known.configs == topic.configs)
        };
        let topics: Vec<&Arc<Topic>> = match same_for_all {
            true => concerned.iter().filter_map(|id| next.topic_by_id(id)).collect(),
            false => next.topics().collect(),
        };
        let mut configs = Vec::new();
        for topic in topics.into_iter().filter(|topic| !is_same(topic)) {
            let config = Arc::new(self.settings.log_config(next, topic));
            configs.extend(self.here(topic).map(|id| (id, config.clone())));
        }
        if configs.is_empty() {
            return Ok(());
        }
        let configure = move |log: &mut chronik_log::Log| {
            configs.into_iter().for_each(|(id, config)| log.set_config(id, config));
        };
        self.storage.with_log(configure).await
    }

    /// Drops the logs that this node has no replica of any more.
    async fn drop_logs(
        &mut self,
        concerned: &BTreeSet<Uuid>,
        next: &ClusterState,
    ) -> Result<(), StorageError> {
        for id in concerned.iter().flat_map(|id| self.surplus(*id, next)).collect::<Vec<_>>() {
            tracing::info!(partition = %id, "dropping a log of which this node has no replica any more");
            match self.storage.drop_partition(id).await {
                Ok(()) => {}
                Err(error @ (StorageError::Closed | StorageError::Dead)) => return Err(error),
                Err(error) => {
                    tracing::warn!(partition = %id, %error, "its files stay until the next start");
                }
            }
            self.logs.remove(&id);
        }
        Ok(())
    }

    /// Logs of a topic that should not be here.
    fn surplus(&self, topic_id: Uuid, next: &ClusterState) -> Vec<PartitionId> {
        let id = |partition| PartitionId { topic_id, partition };
        let owned: BTreeSet<PartitionId> =
            next.topic_by_id(&topic_id).into_iter().flat_map(|topic| self.here(topic)).collect();
        let present = self.logs.range(id(i32::MIN)..=id(i32::MAX));
        present.filter(|id| !owned.contains(id)).copied().collect()
    }

    /// The partitions of a topic that this node has a replica of.
    fn here<'a>(&self, topic: &'a Topic) -> impl Iterator<Item = PartitionId> + use<'a> {
        let (node_id, topic_id) = (self.node_id, topic.id);
        let here = move |partition: &super::state::Partition| partition.replicas.contains(&node_id);
        topic
            .indexed()
            .filter(move |(_, partition)| here(partition))
            .map(move |(partition, _)| PartitionId { topic_id, partition })
    }
}

/// What passes, as a full disk does; what does not is an error.
fn passing(outcome: Result<(), StorageError>) -> Result<Option<StorageError>, StorageError> {
    match outcome {
        Ok(()) => Ok(None),
        Err(error @ (StorageError::Closed | StorageError::Dead)) => Err(error),
        Err(error) => {
            tracing::error!(%error, "logs of new partitions could not be made; it will be tried again");
            Ok(Some(error))
        }
    }
}
