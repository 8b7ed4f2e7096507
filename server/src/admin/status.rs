//! What the node tells about itself.

use std::sync::Arc;

use serde::Serialize;

use crate::telemetry::Metrics;

/// The node, as the admin server sees it. Every call answers at once, from memory.
pub trait NodeStatus: Send + Sync + 'static {
    /// Whether clients are served.
    ///
    /// # Errors
    /// Why they are not, in words for an operator.
    fn ready(&self) -> Result<(), String>;

    /// The node itself.
    fn node(&self) -> NodeInfo;

    /// All brokers of the cluster, by node id.
    fn brokers(&self) -> Vec<BrokerStatus>;

    /// All topics, by name.
    fn topics(&self) -> Vec<TopicStatus>;

    /// Sets the gauges whose value is only looked up when metrics are printed.
    fn sample(&self, metrics: &Metrics) {
        let _ = metrics;
    }
}

/// A node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NodeInfo {
    /// `node.id`
    pub node_id: i32,
    /// Name of the cluster.
    pub cluster_id: String,
    /// Brokers of the cluster that are heard of.
    pub brokers: usize,
    /// Brokers that are fenced: they have just started, or are not heard of.
    pub fenced_brokers: usize,
    /// Node that keeps the metadata; -1 for none.
    pub controller_id: i32,
    /// Version of the server.
    pub version: String,
    /// Where Kafka clients connect.
    pub kafka_addresses: Vec<String>,
    /// The data directory.
    pub data_directory: String,
    /// `wal.flush`
    pub wal_flush: String,
    /// Since when it runs, in milliseconds.
    pub uptime_ms: u64,
}

/// A broker of the cluster.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BrokerStatus {
    /// `node.id`
    pub node_id: i32,
    /// Where clients reach it.
    pub address: String,
    /// `broker.rack`
    pub rack: Option<String>,
    /// Grows with every start of the broker.
    pub broker_epoch: i64,
    /// Whether it leads nothing, because it has just started or is not heard of.
    pub fenced: bool,
    /// Partitions that it leads.
    pub leads: usize,
    /// Partitions of which it has a replica.
    pub replicas: usize,
    /// Replicas that are in sync.
    pub in_sync_replicas: usize,
}

/// A topic.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TopicStatus {
    /// Its name.
    pub name: Arc<String>,
    /// Its id, as a UUID.
    pub topic_id: String,
    /// Replicas of each partition.
    pub replication_factor: i16,
    /// `min.insync.replicas`
    pub min_insync_replicas: i64,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionStatus>,
}

/// A partition.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PartitionStatus {
    /// Its number in the topic, from 0.
    pub partition: i32,
    /// Node that leads it; -1 for none.
    pub leader: i32,
    /// How often it has changed leaders.
    pub leader_epoch: i32,
    /// Nodes that hold it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Nodes that have all of it.
    pub in_sync_replicas: Vec<i32>,
    /// Whether this node holds it and cannot read it.
    pub offline: bool,
    /// First offset.
    pub log_start_offset: i64,
    /// Offset after the last that consumers see.
    pub high_watermark: i64,
    /// Offset after the last.
    pub log_end_offset: i64,
    /// Bytes on disk.
    pub size_bytes: u64,
    /// Segment files.
    pub segments: usize,
}
