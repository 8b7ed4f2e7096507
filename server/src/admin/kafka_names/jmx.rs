//! The names that Prometheus' JMX exporter gives to Kafka's own metrics, in lower case, with the usual rules.

use std::sync::Arc;

use chronik_kafka::{ApiKey, ErrorCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use uuid::Uuid;

use super::{Page, TopicLabels, is_under_replicated, labels, partitions, signed};
use crate::admin::{NodeInfo, PartitionStatus, TopicStatus};
use crate::telemetry::{ApiErrorLabels, ApiLabels, Metrics, Traffic};

/// The quantiles that dashboards show, as their labels have them.
const QUANTILES: &[(&str, f64)] =
    &[("0.50", 0.5), ("0.75", 0.75), ("0.95", 0.95), ("0.98", 0.98), ("0.99", 0.99), ("0.999", 0.999)];

#[derive(Clone, Debug, EncodeLabelSet)]
struct RequestLabels {
    request: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet)]
struct ErrorLabels {
    request: &'static str,
    error: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet)]
struct QuantileLabels {
    request: &'static str,
    quantile: &'static str,
}

pub(super) fn fill(
    page: &mut Page,
    node: &NodeInfo,
    topics: &[TopicStatus],
    shown: &[(&TopicStatus, &PartitionStatus)],
    metrics: &Metrics,
) {
    traffic(page, topics, metrics);
    replicas(page, node, topics);
    controller(page, node, topics);
    requests(page, metrics);
    logs(page, shown);
}

/// Name, help, and where it is counted.
type TrafficRow = (&'static str, &'static str, fn(&Traffic) -> &Counter);

const TRAFFIC: &[TrafficRow] = &[
    ("kafka_server_brokertopicmetrics_messagesin", "Records appended", |t| &t.records_in),
    ("kafka_server_brokertopicmetrics_bytesin", "Bytes of record batches appended", |t| &t.bytes_in),
    ("kafka_server_brokertopicmetrics_bytesout", "Bytes of record batches sent to consumers", |t| {
        &t.bytes_out
    }),
    ("kafka_server_brokertopicmetrics_totalproducerequests", "Partitions in produce requests", |t| {
        &t.produces
    }),
    ("kafka_server_brokertopicmetrics_totalfetchrequests", "Partitions in fetch requests", |t| &t.fetches),
    ("kafka_server_brokertopicmetrics_failedproducerequests", "Of these, refused", |t| &t.failed_produces),
    ("kafka_server_brokertopicmetrics_failedfetchrequests", "Of these, refused", |t| &t.failed_fetches),
];

/// Each topic, and all topics since the start, deleted ones too.
fn traffic(page: &mut Page, topics: &[TopicStatus], metrics: &Metrics) {
    let named = topics.iter().map(|topic| (Some(topic.name.clone()), metrics.traffic.of(id(topic))));
    let counters: Vec<_> = named.chain([(None, metrics.traffic.all())]).collect();
    for (name, help, counter) in TRAFFIC {
        let of_topic = |(topic, traffic): &(Option<Arc<String>>, Traffic)| {
            (TopicLabels { topic: topic.clone() }, counter(traffic).get())
        };
        page.counters(name, help, counters.iter().map(of_topic).collect());
    }
}

fn id(topic: &TopicStatus) -> Uuid {
    Uuid::parse_str(&topic.topic_id).unwrap_or_default()
}

fn replicas(page: &mut Page, node: &NodeInfo, topics: &[TopicStatus]) {
    let count = |is: &dyn Fn(&TopicStatus, &PartitionStatus) -> bool| {
        partitions(topics).filter(|(topic, partition)| is(topic, partition)).count()
    };
    let here = |partition: &PartitionStatus| partition.replicas.contains(&node.node_id);
    let leads = |partition: &PartitionStatus| partition.leader == node.node_id;
    let under_min = |topic: &TopicStatus, partition: &PartitionStatus| {
        leads(partition) && signed(partition.in_sync_replicas.len()) < topic.min_insync_replicas
    };
    page.gauge("kafka_server_replicamanager_partitioncount", "Partitions here", count(&|_, p| here(p)));
    page.gauge("kafka_server_replicamanager_leadercount", "Partitions led here", count(&|_, p| leads(p)));
    page.gauge(
        "kafka_server_replicamanager_underreplicatedpartitions",
        "Partitions led here of which a replica lags",
        count(&|_, p| leads(p) && is_under_replicated(p)),
    );
    page.gauge(
        "kafka_server_replicamanager_underminisrpartitioncount",
        "Partitions led here that have fewer in-sync replicas than min.insync.replicas",
        count(&under_min),
    );
    page.gauge(
        "kafka_server_replicamanager_offlinereplicacount",
        "Replicas here that cannot be read",
        count(&|_, p| here(p) && p.offline),
    );
}

fn controller(page: &mut Page, node: &NodeInfo, topics: &[TopicStatus]) {
    let active = usize::from(node.controller_id == node.node_id);
    let leaderless = partitions(topics).filter(|(_, partition)| partition.leader < 0).count();
    for (name, help, value) in [
        ("activecontrollercount", "Whether this node is the controller", active),
        ("activebrokercount", "Brokers of the cluster that are not fenced", node.brokers),
        ("fencedbrokercount", "Brokers of the cluster that are fenced", node.fenced_brokers),
        ("offlinepartitionscount", "Partitions without a leader", leaderless),
        ("globalpartitioncount", "Partitions of the cluster", partitions(topics).count()),
        ("globaltopiccount", "Topics of the cluster", topics.len()),
    ] {
        page.gauge(&format!("kafka_controller_kafkacontroller_{name}"), help, value);
    }
}

fn requests(page: &mut Page, metrics: &Metrics) {
    let mut errors = Vec::new();
    let mut totals = Vec::new();
    let mut times = Vec::new();
    for request in ApiKey::ALL.iter().map(|api| api.name()) {
        let counted = |error| {
            let found = metrics.requests.get(&ApiErrorLabels { api: request, error });
            found.map(|counter| (ErrorLabels { request, error }, counter.get()))
        };
        let of_api: Vec<_> =
            ErrorCode::ALL.iter().filter_map(|error| error.name()).filter_map(counted).collect();
        if !of_api.is_empty() {
            totals.push((RequestLabels { request }, of_api.iter().map(|(_, count)| count).sum()));
        }
        errors.extend(of_api);
        let Some(latencies) = metrics.request_times.get(&ApiLabels { api: request }) else { continue };
        for (quantile, q) in QUANTILES {
            times.extend(latencies.quantile_ms(*q).map(|ms| (QuantileLabels { request, quantile }, ms)));
        }
    }
    page.counters("kafka_network_requestmetrics_requests", "Requests answered", totals);
    page.counters("kafka_network_requestmetrics_errors", "Requests answered, by their first error", errors);
    page.fractions(
        "kafka_network_requestmetrics_totaltimems",
        "Milliseconds from a request read to its answer handed to the socket, since the start",
        times,
    );
}

/// Name, help, and value.
type LogRow = (&'static str, &'static str, fn(&PartitionStatus) -> i64);

const LOGS: &[LogRow] = &[
    ("kafka_log_log_size", "Bytes of a partition", |p| signed(p.size_bytes)),
    ("kafka_log_log_logstartoffset", "First offset", |p| p.log_start_offset),
    ("kafka_log_log_logendoffset", "Offset after the last", |p| p.log_end_offset),
    ("kafka_log_log_numlogsegments", "Segment files", |p| signed(p.segments)),
];

fn logs(page: &mut Page, shown: &[(&TopicStatus, &PartitionStatus)]) {
    for (name, help, value) in LOGS {
        page.gauges(name, help, shown.iter().map(|shown| (labels(shown), value(shown.1))).collect());
    }
}
