//! What is counted, under the names that dashboards for Kafka look for: those of Kafka's JMX exporter (`jmx.rs`) and of kafka_exporter
//! (`exporter.rs`). `server/METRICS.md` lists them; a name whose value is not known here is left out, not made up.
//!
//! Labels are bounded: a topic has series while it exists, and only so many partitions have series of their own.

mod exporter;
mod jmx;
mod page;

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::registry::Registry;

use super::{NodeInfo, PartitionStatus, TopicStatus};
use crate::limits;
use crate::telemetry::Metrics;
use page::Page;

/// By topic; without one for all of them together (an empty label is none to Prometheus).
#[derive(Clone, Debug, EncodeLabelSet)]
struct TopicLabels {
    topic: Option<Arc<String>>,
}

/// By partition.
#[derive(Clone, Debug, EncodeLabelSet)]
struct PartitionLabels {
    /// Shared by all series of the topic.
    topic: Arc<String>,
    partition: i32,
}

/// The node's numbers under Kafka's names.
pub(super) fn registry(node: &NodeInfo, topics: &[TopicStatus], metrics: &Metrics) -> Registry {
    let mut page = Page::default();
    let shown: Vec<_> = partitions(topics).take(limits::MAX_METRIC_PARTITIONS).collect();
    let omitted = partitions(topics).count() - shown.len();
    page.gauge("chronik_metrics_partitions_omitted", "Partitions without series of their own", omitted);
    jmx::fill(&mut page, node, topics, &shown, metrics);
    exporter::fill(&mut page, node, topics, &shown);
    page.registry()
}

fn partitions(topics: &[TopicStatus]) -> impl Iterator<Item = (&TopicStatus, &PartitionStatus)> {
    topics.iter().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)))
}

fn labels((topic, partition): &(&TopicStatus, &PartitionStatus)) -> PartitionLabels {
    PartitionLabels { topic: topic.name.clone(), partition: partition.partition }
}

fn is_under_replicated(partition: &PartitionStatus) -> bool {
    partition.in_sync_replicas.len() < partition.replicas.len()
}

fn signed(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
