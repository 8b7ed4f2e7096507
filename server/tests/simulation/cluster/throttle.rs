//! Replicas are brought in at a rate (KIP-73), while others are in sync and nobody waits for them.

use std::collections::BTreeMap;
use std::time::Duration;

use chronik_server::clock::Clock;
use chronik_server::cluster::{Command, ConfigResource, Controller, Reassignment};
use chronik_server::rng::Rng;
use uuid::Uuid;

use super::nodes::{self, Nodes};
use crate::client::{Client, Producer};
use crate::world::{EPOCH_MS, runtime};

const STEP: Duration = Duration::from_millis(5);
/// Of each topic that moves: batches, and bytes of the value in each.
const BATCHES: usize = 16;
const VALUE_BYTES: usize = 128 << 10;
/// Bytes of each topic that moves, about.
pub(crate) const TOPIC_BYTES: usize = BATCHES * VALUE_BYTES;
/// Those that move get their third replica on this node.
const TARGET: usize = 2;
const BESIDE: &str = "beside";

const LEADER_RATE: &str = "leader.replication.throttled.rate";
const FOLLOWER_RATE: &str = "follower.replication.throttled.rate";
const LEADER_REPLICAS: &str = "leader.replication.throttled.replicas";
const FOLLOWER_REPLICAS: &str = "follower.replication.throttled.replicas";

/// What is set, and when it is taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttled {
    /// Bytes per second of every leader.
    pub(crate) leaders: Option<u64>,
    /// Bytes per second of the new replicas' node.
    pub(crate) follower: Option<u64>,
    /// The lists of throttled replicas, the same for every topic.
    pub(crate) replicas: &'static str,
    /// After so long the rates are deleted.
    pub(crate) lifted_after: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// When each of the two topics was in sync on the new node, after it was moved.
    pub(crate) took: [Duration; 2],
    /// How often something was appended meanwhile to a topic that is in sync everywhere, with `acks=all` and three in-sync replicas.
    pub(crate) appended: usize,
    /// The longest time that its producer waited.
    pub(crate) slowest: Duration,
}

struct World {
    clock: Clock,
    nodes: Nodes,
}

/// Two topics with data, led by the first two nodes, get a replica on the third one.
pub(crate) fn run(seed: u64, throttled: Throttled) -> Outcome {
    runtime().block_on(async move {
        let clock = Clock::starting_at(EPOCH_MS);
        let nodes = Nodes::new(seed, &clock, &mut Rng::seeded(seed));
        let mut world = World { clock, nodes };
        world.begin().await;
        let outcome = world.move_topics(throttled).await;
        world.nodes.stop().await;
        outcome
    })
}

fn topic(at: usize) -> String {
    format!("moves-{at}")
}

impl World {
    fn controller(&self) -> Controller {
        self.nodes.controller(0).expect("it serves")
    }

    async fn propose(&self, command: Command) {
        self.controller().propose(command).await.expect("all are there");
    }

    async fn begin(&mut self) {
        let deadline = self.clock.uptime() + Duration::from_secs(20);
        let all_serve = |nodes: &Nodes| {
            nodes::ALL.clone().all(|at| {
                nodes.controller(at).is_some_and(|it| {
                    let state = it.state();
                    state.brokers.len() == nodes::ALL.len()
                        && state.brokers.values().all(|broker| !broker.fenced)
                })
            })
        };
        while !all_serve(&self.nodes) {
            assert!(self.clock.uptime() < deadline, "the nodes do not come together");
            self.clock.sleep(STEP).await;
        }
        let all: Vec<i32> = nodes::ALL.map(nodes::node_id).collect();
        let three = [("min.insync.replicas".to_owned(), "3".to_owned())];
        self.create(BESIDE, all, three.into()).await;
        // Followers may have asked their leader before it led, and ask again after a while.
        let (mut client, mut producer) = self.client(0).await;
        self.append(&mut client, &mut producer, BESIDE, "first".to_owned()).await;
        for at in 0..TARGET {
            self.create(&topic(at), vec![nodes::node_id(at)], BTreeMap::new()).await;
            let (mut client, mut producer) = self.client(at).await;
            for _ in 0..BATCHES {
                self.append(&mut client, &mut producer, &topic(at), "x".repeat(VALUE_BYTES)).await;
            }
        }
    }

    async fn create(&self, name: &str, replicas: Vec<i32>, configs: BTreeMap<String, String>) {
        let (name, id) = (name.to_owned(), Uuid::nil());
        self.propose(Command::CreateTopic { name, id, assignment: vec![replicas], configs }).await;
    }

    async fn client(&self, at: usize) -> (Client, Producer) {
        let door = self.nodes.doors().load()[&nodes::node_id(at)].clone();
        let mut client = Client::connect(&door, 1).await.expect("it serves");
        let producer = client.producer_id().await.expect("it has some");
        (client, producer)
    }

    async fn append(&self, client: &mut Client, producer: &mut Producer, topic: &str, value: String) {
        let deadline = self.clock.uptime() + Duration::from_secs(20);
        while client.produce(topic, *producer, std::slice::from_ref(&value)).await.expect("it is up").is_err()
        {
            assert!(self.clock.uptime() < deadline, "{topic}: nothing can be appended");
            self.clock.sleep(STEP).await;
        }
        producer.next_sequence += 1;
    }

    async fn set(&self, resource: ConfigResource, configs: &[(&str, Option<String>)]) {
        let state = self.controller().state();
        let present = match &resource {
            ConfigResource::Topic(id) => state.topic_by_id(id).map(|topic| &topic.configs),
            ConfigResource::Broker(scope) => state.broker_configs(scope),
        };
        let replaces = present.cloned().unwrap_or_default();
        let mut configs_then = replaces.clone();
        for (key, value) in configs {
            match value {
                Some(value) => _ = configs_then.insert((*key).to_owned(), value.clone()),
                None => _ = configs_then.remove(*key),
            }
        }
        self.propose(Command::AlterConfigs { resource, replaces, configs: configs_then }).await;
    }

    async fn set_rates(&self, leaders: Option<u64>, follower: Option<u64>) {
        for at in nodes::ALL {
            let scope = ConfigResource::Broker(nodes::node_id(at).to_string());
            let follower = follower.filter(|_| at == TARGET);
            let rates = [(LEADER_RATE, leaders), (FOLLOWER_RATE, follower)];
            self.set(scope, &rates.map(|(key, rate)| (key, rate.map(|rate| rate.to_string())))).await;
        }
    }

    async fn throttle(&self, throttled: Throttled) {
        self.set_rates(throttled.leaders, throttled.follower).await;
        let state = self.controller().state();
        for topic in state.topics() {
            let lists =
                [LEADER_REPLICAS, FOLLOWER_REPLICAS].map(|key| (key, Some(throttled.replicas.to_owned())));
            self.set(ConfigResource::Topic(topic.id), &lists).await;
        }
    }

    async fn move_topics(&mut self, throttled: Throttled) -> Outcome {
        self.throttle(throttled).await;
        let (mut client, mut producer) = self.client(0).await;
        let state = self.controller().state();
        let moved = |at: usize| Reassignment {
            topic_id: state.topic(&topic(at)).expect("it was created").id,
            partition: 0,
            replicas: Some(vec![nodes::node_id(at), nodes::node_id(TARGET)]),
        };
        let partitions = (0..TARGET).map(moved).collect();
        let began = self.clock.uptime();
        self.propose(Command::ReassignPartitions { partitions, allow_replication_factor_change: true }).await;
        let (mut took, mut appended, mut slowest) = ([None; 2], 0, Duration::ZERO);
        let mut is_lifted = false;
        while took.iter().any(Option::is_none) {
            let at = self.clock.uptime();
            assert!(at - began < Duration::from_secs(60), "they never come in sync: {took:?}");
            if !is_lifted && at - began >= throttled.lifted_after {
                self.set_rates(None, None).await;
                is_lifted = true;
            }
            let at = self.clock.uptime();
            self.append(&mut client, &mut producer, BESIDE, "y".repeat(1000)).await;
            (appended, slowest) = (appended + 1, slowest.max(self.clock.uptime() - at));
            self.clock.sleep(STEP).await;
            for (topic_at, took) in took.iter_mut().enumerate() {
                if took.is_none() && self.is_moved(&topic(topic_at)) {
                    *took = Some(self.clock.uptime() - began);
                }
            }
        }
        Outcome { took: took.map(Option::unwrap_or_default), appended, slowest }
    }

    fn is_moved(&self, topic: &str) -> bool {
        let state = self.controller().state();
        let partition = state.topic(topic).and_then(|topic| topic.partition(0));
        partition
            .is_some_and(|partition| !partition.is_reassigning() && partition.in_sync_replicas.len() == 2)
    }
}
