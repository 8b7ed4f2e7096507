//! A broker that is cut off loses what it leads, not before its lease has ended; when it is heard again, it is unfenced.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use chronik_log::PartitionId;
use chronik_server::clock::Clock;
use chronik_server::cluster::{Command, Controller, ElectAnswer};
use chronik_server::rng::Rng;
use chronik_server::transport::Road;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use uuid::Uuid;

use super::nodes::{self, Nodes};
use crate::world::{EPOCH_MS, runtime};

const STEP: Duration = Duration::from_millis(5);
/// Between the two that can talk to each other: what is proposed is not committed in the same moment.
const NEAR: Duration = Duration::from_millis(3);
/// Longer than it takes to commit what is under way.
const LONG: Duration = Duration::from_millis(200);
/// Shorter than Raft's election timeout.
const SLOW_ANSWERS: Duration = Duration::from_millis(200);

struct World {
    clock: Clock,
    nodes: Nodes,
    /// A partition that all three have.
    id: PartitionId,
}

/// When what happened, after the node was cut off.
#[derive(Debug)]
pub(crate) struct Failover {
    /// Its lease had ended.
    pub(crate) lease_ended: Duration,
    /// Somebody else led, in the eyes of that one.
    pub(crate) led_by_another: Duration,
    /// How often a suspicion was refused before.
    pub(crate) refused: u32,
    /// How many Raft entries it took.
    pub(crate) commands: i64,
}

impl World {
    /// Three nodes that serve.
    async fn new(seed: u64) -> Self {
        let clock = Clock::starting_at(EPOCH_MS);
        let nodes = Nodes::new(seed, &clock, &mut Rng::seeded(seed));
        let mut world = Self { clock, nodes, id: PartitionId { topic_id: Uuid::from_u128(9), partition: 0 } };
        world
            .until("all serve", |world| nodes::ALL.clone().all(|at| world.nodes.controller(at).is_some()))
            .await;
        world
    }

    /// Three nodes and a partition. The node that leads the metadata leads the partition, too, or another one does.
    async fn with_leader(seed: u64, leads_metadata: bool) -> (Self, usize) {
        let mut world = Self::new(seed).await;
        let leader = world.one_that_leads(leads_metadata);
        let others = nodes::ALL.filter(|at| *at != leader);
        let replicas = [leader].into_iter().chain(others).map(nodes::node_id).collect();
        let create = Command::CreateTopic {
            name: "t".into(),
            id: world.id.topic_id,
            assignment: vec![replicas],
            configs: BTreeMap::new(),
        };
        world.controller(leader).propose(create).await.expect("all are there");
        world.until_all_have_leases().await;
        (world, leader)
    }

    /// The node that leads the metadata, or one that does not.
    fn one_that_leads(&self, leads_metadata: bool) -> usize {
        let leads = |at: &usize| self.controller(*at).leads_in_term().is_some();
        nodes::ALL.clone().find(|at| leads(at) == leads_metadata).expect("one leads, two do not")
    }

    async fn until_all_have_leases(&mut self) {
        self.until("all have leases", |world| nodes::ALL.clone().all(|at| world.is_under_lease(at))).await;
    }

    fn controller(&self, at: usize) -> Controller {
        self.nodes.controller(at).expect("it serves")
    }

    fn is_under_lease(&self, at: usize) -> bool {
        self.controller(at).lease().is_held(self.clock.uptime())
    }

    /// Whether `at` is fenced, as far as `by` knows.
    fn is_fenced(&self, at: usize, by: usize) -> bool {
        self.controller(by).state().brokers[&nodes::node_id(at)].fenced
    }

    /// Whether the node thinks that it leads the partition, and in which epoch.
    fn led_by(&self, at: usize) -> Option<i32> {
        let led = nodes::led_by(&self.controller(at).state(), nodes::node_id(at));
        let of = |((topic_id, partition), epoch)| {
            (PartitionId { topic_id, partition } == self.id).then_some(epoch)
        };
        led.into_iter().find_map(of)
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = self.clock.uptime() + Duration::from_secs(20);
        while !is_so(self) {
            assert!(self.clock.uptime() < deadline, "never: {what}");
            self.clock.sleep(STEP).await;
        }
    }

    fn cut_off(&self, at: usize, road: Road) {
        for other in nodes::ALL.filter(|other| *other != at) {
            self.nodes.set_road(at, other, road);
            self.nodes.set_road(other, at, road);
        }
    }

    /// What the leader sends does not arrive any more; what is sent to it takes its time, so that it is granted for a while what it asked for before.
    async fn cut_off_behind_slow_answers(&self, leader: usize) {
        let others = || nodes::ALL.filter(|other| *other != leader);
        others().for_each(|other| self.nodes.set_road(other, leader, Road::Slow(SLOW_ANSWERS)));
        self.clock.sleep(Duration::from_secs(2)).await;
        others().for_each(|other| self.nodes.set_road(leader, other, Road::Silent));
    }

    /// The others suspect the leader, who is cut off, far too early.
    async fn fail_over(&mut self, leader: usize) -> Failover {
        let started = self.clock.uptime();
        let others = || nodes::ALL.filter(|at| *at != leader);
        for (from, to) in others().flat_map(|from| others().map(move |to| (from, to))) {
            self.nodes.set_road(from, to, Road::Slow(NEAR));
        }
        let version = |world: &Self| nodes::ALL.map(|at| world.controller(at).state().version).max();
        let before = version(self);
        let (mut lease_ended, mut refused) = (None, 0);
        let mut answers = FuturesUnordered::new();
        loop {
            let now = self.clock.uptime() - started;
            assert!(now < Duration::from_secs(10), "nobody takes over");
            if !self.is_under_lease(leader) {
                lease_ended.get_or_insert(now);
            }
            let another = others().any(|at| self.led_by(at).is_some());
            if another {
                let lease_ended = lease_ended.expect("another leads while the lease is held");
                self.clock.sleep(LONG).await;
                let commands = version(self).zip(before).map_or(0, |(now, before)| now - before);
                return Failover { lease_ended, led_by_another: now, refused, commands };
            }
            for suspects in others().map(|at| self.controller(at)) {
                let id = self.id;
                answers.push(async move { suspects.elect(id, 0).await });
            }
            let mut step = pin!(self.clock.sleep(STEP));
            loop {
                tokio::select! {
                    biased;
                    Some(answer) = answers.next() => match answer {
                        ElectAnswer::Refused => refused += 1,
                        ElectAnswer::Led { leader_epoch, .. } => assert_eq!(leader_epoch, 1),
                        ElectAnswer::NotController | ElectAnswer::Unknown => {}
                    },
                    () = &mut step => break,
                }
            }
        }
    }

    async fn come_back(&mut self, leader: usize) {
        self.nodes.open_all_roads();
        let id = nodes::node_id(leader);
        let is_unfenced = move |world: &Self| {
            let state = world.controller(leader).state();
            !state.brokers[&id].fenced && world.is_under_lease(leader)
        };
        self.until("it knows that it was fenced", |world| world.led_by(leader).is_none()).await;
        self.until("it is unfenced", is_unfenced).await;
        let state = self.controller(leader).state();
        let partition = state.topic("t").and_then(|topic| topic.partition(0)).expect("it exists");
        assert!(
            partition.leader.is_some_and(|other| other != id) && !partition.in_sync_replicas.contains(&id)
        );
        assert_eq!((partition.leader_epoch, partition.partition_epoch), (1, 1));
    }
}

/// How a leader is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// In both directions.
    Both,
    /// The same for the one that leads the metadata too.
    BothOfTheController,
    /// What it says is not heard, and answers to what it has said before come late.
    OneWayBehindSlowAnswers,
}

/// A whole story: who leads the partition is cut off, and comes back.
pub(crate) fn run(seed: u64, cut: Cut) -> Failover {
    runtime().block_on(async move {
        let (mut world, leader) = World::with_leader(seed, cut == Cut::BothOfTheController).await;
        match cut {
            Cut::OneWayBehindSlowAnswers => world.cut_off_behind_slow_answers(leader).await,
            Cut::Both | Cut::BothOfTheController => world.cut_off(leader, Road::Silent),
        }
        let failover = world.fail_over(leader).await;
        world.come_back(leader).await;
        world.nodes.stop().await;
        failover
    })
}

/// A whole story without partitions: nobody follows the node that is cut off, so nobody suspects it. Returns after how long it is fenced.
pub(crate) fn run_unfollowed(seed: u64) -> Duration {
    runtime().block_on(async move {
        let mut world = World::new(seed).await;
        world.until_all_have_leases().await;
        let (silent, leads_metadata) = (world.one_that_leads(false), world.one_that_leads(true));
        let started = world.clock.uptime();
        world.cut_off(silent, Road::Silent);
        world.until("it is fenced", |world| world.is_fenced(silent, leads_metadata)).await;
        let fenced_after = world.clock.uptime() - started;
        assert!(!world.is_under_lease(silent), "seed {seed}: it may still lead");
        world.nodes.open_all_roads();
        world
            .until("it is unfenced", |world| !world.is_fenced(silent, silent) && world.is_under_lease(silent))
            .await;
        world.nodes.stop().await;
        fenced_after
    })
}
