//! Nodes on a virtual clock whose heartbeats arrive at once, or not at all.

mod cost;
mod silence;

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use concurrency_models::election_worker::Verdict;
use concurrency_models::heartbeat_map::Suspect;
use concurrency_models::mailbox::{self, Receiver, Sender};
use uuid::Uuid;

use super::*;
use crate::cluster::Command;
use crate::cluster::example::registration;
use crate::telemetry::Watchdog;

const TOPIC: Uuid = Uuid::from_u128(10);

fn id(partition: i32) -> PartitionId {
    PartitionId { topic_id: TOPIC, partition }
}

/// Refuses everything, and says what it was asked.
#[derive(Clone)]
struct Refuses(Sender<(i32, PartitionId, i32)>, i32);

impl MetadataLeader<PartitionId> for Refuses {
    async fn elect(&self, suspect: Suspect<PartitionId>) -> Verdict {
        let _full = self.0.try_send((self.1, suspect.partition, suspect.last.leader_epoch));
        Verdict::Refused
    }
}

type Nodes = Arc<Image<BTreeMap<i32, Liveness>>>;

struct World {
    clock: Clock,
    nodes: Nodes,
    /// From whom nothing arrives.
    silent: Arc<Image<BTreeSet<i32>>>,
    asked: Receiver<(i32, PartitionId, i32)>,
    metrics: Metrics,
    state: ClusterState,
}

impl World {
    /// Three unfenced brokers, and a topic whose partitions are led by 1, 2, 3, 1, ...
    fn new(partitions: i32) -> Self {
        let (clock, metrics, shutdown) = (Clock::starting_at(0), Metrics::new(), Shutdown::new());
        let (ask, asked) = mailbox::channel(10_000);
        let nodes: Nodes = Arc::new(Image::new(BTreeMap::new()));
        let silent = Arc::new(Image::new(BTreeSet::new()));
        let watchdog = Watchdog::new(clock.clone(), metrics.clone(), Duration::from_secs(5));
        for node_id in 1..=3 {
            let (to, quiet) = (nodes.clone(), silent.clone());
            let liveness = Liveness::start(Parts {
                node_id,
                metadata: Refuses(ask.clone(), node_id),
                send: move |node: i32, bytes: Bytes| {
                    if let Some(node) = to.load().get(&node).filter(|_| !quiet.load().contains(&node_id)) {
                        node.heard(node_id, &bytes);
                    }
                },
                clock: clock.clone(),
                spawner: Spawner::simulated(),
                metrics: metrics.clone(),
                shutdown: shutdown.clone(),
                pulse: |name: &str| {
                    watchdog.register(&format!("{name} of {node_id}"), Duration::from_secs(1))
                },
            });
            nodes.update(|nodes| {
                nodes.clone().into_iter().chain([(node_id, liveness)]).collect::<BTreeMap<_, _>>()
            });
        }
        let mut world = Self { clock, nodes, silent, asked, metrics, state: ClusterState::default() };
        (1..=3).for_each(|node_id| world.start(node_id));
        let replicas = |first: i32| (0..3).map(|n| (first + n) % 3 + 1).collect();
        world.apply(&Command::CreateTopic {
            name: "a".into(),
            id: TOPIC,
            assignment: (0..partitions).map(replicas).collect(),
            configs: BTreeMap::new(),
        });
        world.publish(1..=3);
        world
    }

    fn apply(&mut self, command: &Command) {
        self.state.apply(command).unwrap();
    }

    fn start(&mut self, node_id: i32) {
        self.apply(&registration(node_id));
        let broker_epoch = self.state.version;
        self.apply(&Command::UnfenceBroker { node_id, broker_epoch });
    }

    fn node(&self, node_id: i32) -> Liveness {
        self.nodes.load()[&node_id].clone()
    }

    /// These nodes take up their roles.
    fn publish(&self, nodes: impl Iterator<Item = i32>) {
        let partitions = self.state.topic("a").unwrap().partition_ids().collect::<Vec<_>>();
        nodes.for_each(|node| self.node(node).publish(&self.state, partitions.iter().copied()));
    }

    async fn pass(&self, ms: u64) {
        self.clock.sleep(Duration::from_millis(ms)).await;
    }

    /// Who has suspected the leader of which partition, in which epoch.
    fn suspected(&mut self) -> BTreeSet<(i32, i32, i32)> {
        std::iter::from_fn(|| self.asked.try_recv())
            .map(|(by, id, epoch)| (by, id.partition, epoch))
            .collect()
    }
}
