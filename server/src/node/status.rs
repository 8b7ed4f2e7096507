//! What the admin server shows of the node.

use crate::admin::{NodeInfo, NodeStatus, PartitionStatus, TopicStatus};
use crate::broker::Broker;
use crate::cluster::Topic;
use crate::config::{Config, Value};
use crate::telemetry::Metrics;
use crate::types::kafka_uuid;
use chronik_log::PartitionId;

/// Reads the images that requests read.
pub(super) struct Status {
    broker: Broker,
    fixed: NodeInfo,
}

impl Status {
    pub(super) fn new(config: &Config, broker: Broker, kafka_addresses: Vec<String>) -> Self {
        let fixed = NodeInfo {
            node_id: config.node_id,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kafka_addresses,
            data_directory: config.data_dir().display().to_string(),
            wal_flush: config.wal_flush.show(),
            ..NodeInfo::default()
        };
        Self { broker, fixed }
    }

    fn partition(&self, topic: &Topic, index: i32, known: &crate::cluster::Partition) -> PartitionStatus {
        let mut status = PartitionStatus {
            partition: index,
            leader: known.leader.unwrap_or(-1),
            leader_epoch: known.leader_epoch,
            replicas: known.replicas.clone(),
            in_sync_replicas: known.in_sync_replicas.clone(),
            offline: known.replicas.contains(&self.broker.node_id),
            ..PartitionStatus::default()
        };
        if let Some(partition) =
            self.broker.storage.partition(&PartitionId { topic_id: topic.id, partition: index })
        {
            status.offline = false;
            let readable = partition.read();
            status.log_start_offset = readable.view.log_start_offset();
            status.high_watermark = readable.high_watermark;
            status.log_end_offset = readable.high_watermark;
            status.size_bytes = readable.view.size_bytes().unwrap_or_default();
            status.segments = readable.view.segment_count();
        }
        status
    }
}

impl NodeStatus for Status {
    fn ready(&self) -> Result<(), String> {
        if self.broker.shutdown.is_requested() {
            return Err("the node is stopping".to_owned());
        }
        Ok(()) // the admin server starts when recovery is over
    }

    fn node(&self) -> NodeInfo {
        let state = self.broker.controller.state();
        let configured = self.broker.settings.cluster_id.clone();
        NodeInfo {
            cluster_id: configured.or_else(|| state.cluster_id.map(kafka_uuid)).unwrap_or_default(),
            brokers: state.brokers.len(),
            controller_id: self.broker.controller.leader().unwrap_or(-1),
            uptime_ms: u64::try_from(self.broker.clock.uptime().as_millis()).unwrap_or(u64::MAX),
            ..self.fixed.clone()
        }
    }

    fn topics(&self) -> Vec<TopicStatus> {
        let state = self.broker.controller.state();
        let topic = |topic: &std::sync::Arc<Topic>| TopicStatus {
            name: topic.name.clone(),
            topic_id: topic.id.to_string(),
            replication_factor: topic
                .partitions
                .first()
                .and_then(|p| i16::try_from(p.replicas.len()).ok())
                .unwrap_or(0),
            min_insync_replicas: self.broker.settings.node.min_insync_replicas(&state, topic),
            partitions: topic.indexed().map(|(index, known)| self.partition(topic, index, known)).collect(),
        };
        state.topics().map(topic).collect()
    }

    fn sample(&self, metrics: &Metrics) {
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let state = self.broker.controller.state();
        metrics.topics.set(gauge(state.topic_count()));
        metrics.partitions.set(gauge(state.topics().map(|topic| topic.partitions.len()).sum()));
        metrics.budget_available_bytes.set(gauge(self.broker.request_memory.available()));
        metrics.budget_total_bytes.set(gauge(self.broker.request_memory.total()));
    }
}
