//! What the admin server shows of the node.

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_log::PartitionId;
use concurrency_models::image::Image;

use crate::admin::{BrokerStatus, NodeInfo, NodeStatus, PartitionStatus, TopicStatus};
use crate::broker::Broker;
use crate::clock::Clock;
use crate::cluster::{ClusterState, Topic};
use crate::config::{Config, HostPort, Value};
use crate::shutdown::Shutdown;
use crate::telemetry::Metrics;
use crate::types::kafka_uuid;

/// What the node is about. Clones are the same.
#[derive(Clone)]
pub(super) struct Progress(Arc<Image<Stage>>);

/// How far the node has come.
#[derive(Clone)]
enum Stage {
    Recovering,
    Joining,
    Serving { broker: Broker, committed: Arc<Image<ClusterState>> },
}

impl Progress {
    /// It recovers its data directory.
    pub(super) fn recovering() -> Self {
        Self(Arc::new(Image::new(Stage::Recovering)))
    }

    /// It comes into its cluster.
    pub(super) fn joining(&self) {
        self.0.replace(Stage::Joining);
    }

    /// It serves what `committed` has.
    pub(super) fn serving(&self, broker: Broker, committed: Arc<Image<ClusterState>>) {
        self.0.replace(Stage::Serving { broker, committed });
    }
}

/// Reads the images that requests read.
pub(super) struct Status {
    fixed: NodeInfo,
    clock: Clock,
    shutdown: Shutdown,
    progress: Progress,
}

impl Status {
    pub(super) fn new(
        config: &Config,
        kafka_addresses: Vec<String>,
        clock: Clock,
        shutdown: Shutdown,
        progress: Progress,
    ) -> Self {
        let fixed = NodeInfo {
            node_id: config.node_id,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kafka_addresses,
            data_directory: config.data_dir().display().to_string(),
            wal_flush: config.wal_flush.show(),
            controller_id: -1,
            ..NodeInfo::default()
        };
        Self { fixed, clock, shutdown, progress }
    }

    /// Once clients are served.
    fn broker(&self) -> Option<Broker> {
        match &*self.progress.0.load() {
            Stage::Serving { broker, .. } => Some(broker.clone()),
            Stage::Recovering | Stage::Joining => None,
        }
    }
}

/// A broker and what it serves.
struct View<'a> {
    broker: &'a Broker,
    state: &'a ClusterState,
}

impl View<'_> {
    fn topic(&self, topic: &Topic) -> TopicStatus {
        let replicas = topic.partitions.first().map(|partition| partition.replicas.len());
        TopicStatus {
            name: topic.name.clone().into(),
            topic_id: topic.id.to_string(),
            replication_factor: replicas.and_then(|count| i16::try_from(count).ok()).unwrap_or(0),
            min_insync_replicas: self.broker.settings.node.min_insync_replicas(self.state, topic),
            partitions: topic.indexed().map(|(index, known)| self.partition(topic, index, known)).collect(),
        }
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
            status.log_end_offset = partition.log_end_offset();
            status.size_bytes = readable.view.size_bytes().unwrap_or_default();
            status.segments = readable.view.segment_count();
        }
        status
    }
}

impl NodeStatus for Status {
    fn ready(&self) -> Result<(), String> {
        if self.shutdown.is_requested() {
            return Err("the node is stopping".to_owned());
        }
        match &*self.progress.0.load() {
            Stage::Recovering => Err("the data directory is being recovered".to_owned()),
            Stage::Joining => Err("the node waits for a majority of its cluster".to_owned()),
            Stage::Serving { broker, committed } => {
                let (committed, controller) = (committed.load().version, &broker.controller);
                readiness(broker.node_id, controller.leader(), &controller.state(), committed)
            }
        }
    }

    fn node(&self) -> NodeInfo {
        let uptime_ms = u64::try_from(self.clock.uptime().as_millis()).unwrap_or(u64::MAX);
        let Some(broker) = self.broker() else { return NodeInfo { uptime_ms, ..self.fixed.clone() } };
        let state = broker.controller.state();
        let configured = broker.settings.cluster_id.clone();
        NodeInfo {
            cluster_id: configured.or_else(|| state.cluster_id.map(kafka_uuid)).unwrap_or_default(),
            brokers: state.live_brokers().count(),
            fenced_brokers: state.brokers.len() - state.live_brokers().count(),
            controller_id: broker.controller.leader().unwrap_or(-1),
            uptime_ms,
            ..self.fixed.clone()
        }
    }

    fn brokers(&self) -> Vec<BrokerStatus> {
        self.broker().map(|broker| brokers(&broker.controller.state())).unwrap_or_default()
    }

    fn topics(&self) -> Vec<TopicStatus> {
        let Some(broker) = self.broker() else { return Vec::new() };
        let state = broker.controller.state();
        let view = View { broker: &broker, state: &state };
        state.topics().map(|topic| view.topic(topic)).collect()
    }

    fn sample(&self, metrics: &Metrics) {
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let Some(broker) = self.broker() else { return };
        let state = broker.controller.state();
        metrics.topics.set(gauge(state.topic_count()));
        metrics.partitions.set(gauge(state.topics().map(|topic| topic.partitions.len()).sum()));
        metrics.budget_available_bytes.set(gauge(broker.request_memory.available()));
        metrics.budget_total_bytes.set(gauge(broker.request_memory.total()));
    }
}

/// The brokers, each with what it has to do.
fn brokers(state: &ClusterState) -> Vec<BrokerStatus> {
    let status = |known: &crate::cluster::Broker| BrokerStatus {
        node_id: known.node_id,
        address: HostPort::new(&known.host, known.port).to_string(),
        rack: known.rack.clone(),
        broker_epoch: known.broker_epoch,
        fenced: known.fenced,
        ..BrokerStatus::default()
    };
    let mut brokers: BTreeMap<i32, BrokerStatus> =
        state.brokers.iter().map(|(node_id, known)| (*node_id, status(known))).collect();
    let mut count = |node_id: &i32, what: fn(&mut BrokerStatus) -> &mut usize| {
        if let Some(status) = brokers.get_mut(node_id) {
            *what(status) += 1;
        }
    };
    for partition in state.topics().flat_map(|topic| &topic.partitions) {
        partition.leader.iter().for_each(|id| count(id, |status| &mut status.leads));
        partition.replicas.iter().for_each(|id| count(id, |status| &mut status.replicas));
        partition.in_sync_replicas.iter().for_each(|id| count(id, |status| &mut status.in_sync_replicas));
    }
    brokers.into_values().collect()
}

/// Whether a node that serves `state` can do what clients ask of it, while its cluster is led by `leader` and has committed version `committed`.
fn readiness(node_id: i32, leader: Option<i32>, state: &ClusterState, committed: i64) -> Result<(), String> {
    if leader.is_none() {
        return Err("nobody leads the metadata: a majority of the cluster cannot be reached".to_owned());
    }
    match state.brokers.get(&node_id) {
        None => return Err("the node is not registered yet".to_owned()),
        Some(broker) if broker.fenced => {
            return Err(
                "the node is fenced: the controller has not heard of it for a lease, or not yet".to_owned()
            );
        }
        Some(_) => {}
    }
    if state.version < committed {
        return Err(format!(
            "the node serves version {} of the metadata, and {committed} is committed",
            state.version
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Command;
    use crate::cluster::example::cluster;

    fn registered(fenced: bool) -> ClusterState {
        let mut state = ClusterState::default();
        let (incarnation, directory_id) = (uuid::Uuid::nil(), uuid::Uuid::nil());
        let (rack, inter_node) = (None, None);
        let register = Command::RegisterBroker {
            node_id: 1,
            host: "h".into(),
            port: 1,
            rack,
            inter_node,
            directory_id,
            incarnation,
            fenced,
        };
        state.apply(&register).expect("a first broker");
        state
    }

    #[test]
    fn brokers_are_shown_with_what_they_have_to_do() {
        let state = cluster(&[(Some("a"), false), (None, false), (None, false)]);
        let state = state.with_topic("t", vec![vec![3, 1], vec![1, 2], vec![1]]).after_the_end_of(3);
        let shown: Vec<_> = brokers(&state)
            .into_iter()
            .map(|b| (b.address, b.rack, b.fenced, b.leads, b.replicas, b.in_sync_replicas))
            .collect();
        let expected = [
            ("broker-1:9001".to_owned(), Some("a".to_owned()), false, 3, 3, 3),
            ("broker-2:9002".to_owned(), None, false, 0, 1, 1),
            ("broker-3:9003".to_owned(), None, true, 0, 1, 0),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_node_is_ready_when_it_can_do_what_clients_ask() {
        assert_eq!(readiness(1, Some(2), &registered(false), 1), Ok(()));
        for (node_id, leader, fenced, committed, expected) in [
            (1, None, false, 1, "a majority of the cluster cannot be reached"),
            (2, Some(2), false, 1, "not registered"),
            (1, Some(2), true, 1, "fenced"),
            (1, Some(2), false, 3, "serves version 1 of the metadata, and 3 is committed"),
        ] {
            let reason = readiness(node_id, leader, &registered(fenced), committed).unwrap_err();
            assert!(reason.contains(expected), "{expected}: {reason}");
        }
    }
}
