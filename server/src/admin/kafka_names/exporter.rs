//! The names of kafka_exporter (github.com/danielqsj/kafka_exporter): the part about topics.

use super::{Page, PartitionLabels, TopicLabels, is_under_replicated, labels, signed};
use crate::admin::{NodeInfo, PartitionStatus, TopicStatus};

pub(super) fn fill(
    page: &mut Page,
    node: &NodeInfo,
    topics: &[TopicStatus],
    shown: &[(&TopicStatus, &PartitionStatus)],
) {
    page.gauge("kafka_brokers", "Brokers of the cluster that are not fenced", node.brokers);
    let counts = topics
        .iter()
        .map(|topic| (TopicLabels { topic: Some(topic.name.clone()) }, signed(topic.partitions.len())));
    page.gauges("kafka_topic_partitions", "Partitions of a topic", counts.collect());
    let each = |value: fn(&PartitionStatus) -> i64| {
        let of_partition = move |shown: &(&TopicStatus, &PartitionStatus)| (labels(shown), value(shown.1));
        shown.iter().map(of_partition).collect::<Vec<(PartitionLabels, i64)>>()
    };
    for (name, help, value) in GAUGES {
        page.gauges(name, help, each(*value));
    }
}

type Gauge = (&'static str, &'static str, fn(&PartitionStatus) -> i64);

const GAUGES: &[Gauge] = &[
    ("kafka_topic_partition_current_offset", "Offset after the last that consumers see", |p| {
        p.high_watermark
    }),
    ("kafka_topic_partition_oldest_offset", "First offset", |p| p.log_start_offset),
    ("kafka_topic_partition_leader", "Node that leads the partition; -1 for none", |p| p.leader.into()),
    ("kafka_topic_partition_leader_is_preferred", "Whether the first replica leads", |p| {
        i64::from(p.replicas.first() == Some(&p.leader))
    }),
    ("kafka_topic_partition_replicas", "Replicas", |p| signed(p.replicas.len())),
    ("kafka_topic_partition_in_sync_replica", "Replicas that have all of it", |p| {
        signed(p.in_sync_replicas.len())
    }),
    ("kafka_topic_partition_under_replicated_partition", "Whether a replica lags", |p| {
        i64::from(is_under_replicated(p))
    }),
];
