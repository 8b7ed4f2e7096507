//! Three whole nodes in one thread that agree on metadata: first anything may happen, then nothing bad any more.
//!
//! What may happen is a file in `faults`, what must hold a file in `invariants`; each has its line in the table of its folder.

mod beginnings;
mod clients;
mod deletions;
mod faults;
pub(crate) mod fencing;
mod heard;
mod invariants;
mod logs;
mod members;
mod moves;
mod nodes;
pub(crate) mod throttle;
mod writers;

use std::time::Duration;

use chronik_log::disk::sim::Crash;
use chronik_server::clock::Clock;
use chronik_server::cluster::Command;
use chronik_server::rng::Rng;
use uuid::Uuid;

use crate::world::{EPOCH_MS, runtime};
use clients::Clients;
use deletions::Deletions;
use faults::Fault;
use invariants::Invariant;
pub(crate) use members::Leaver;
use moves::Moves;
use nodes::Nodes;
use writers::Writers;

/// Things that happen while there are faults.
const STEPS: u64 = 60;
/// Virtual time between two of them at most.
const STEP_MS: u64 = 400;
/// Virtual time between two looks at the invariants at most.
const LOOK_MS: u64 = 20;
/// Virtual time in which a cluster without faults must have done its work.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a node is down while its logs are emptied, and up before and afterwards.
const DOWN: Duration = Duration::from_secs(3);

/// What happened.
pub(crate) struct Trace {
    /// Every event with its virtual time.
    pub lines: Vec<String>,
    /// Commands that were acknowledged.
    pub acknowledged: usize,
    /// Records that were acknowledged.
    pub records: usize,
    /// Of each invariant, how much it has seen.
    pub seen: Vec<(&'static str, usize)>,
    /// Faults, by name.
    pub faults: Vec<&'static str>,
}

/// One run.
pub(crate) struct Cluster {
    seed: u64,
    rng: Rng,
    clock: Clock,
    nodes: Nodes,
    clients: Clients,
    writers: Writers,
    deletions: Deletions,
    moves: Moves,
    lines: Vec<String>,
}

impl Cluster {
    /// Runs the seed, and panics with it in the message when something does not hold.
    pub(crate) fn run(seed: u64) -> Trace {
        runtime().block_on(async move { Self::new(seed, 0).live().await })
    }

    /// Runs the seed: everything that a replica has is deleted while it is down, also what it has not; it comes back. Meanwhile more may be `written`. Returns
    /// where its logs begin.
    pub(crate) fn run_emptied(seed: u64, written: bool) -> Vec<i64> {
        runtime().block_on(async move { Self::new(seed, 0).be_emptied(written).await })
    }

    fn new(seed: u64, newcomers: usize) -> Self {
        let clock = Clock::starting_at(EPOCH_MS);
        let mut rng = Rng::seeded(seed);
        let nodes = Nodes::with_room_for(newcomers, seed, &clock, &mut rng);
        let (clients, writers, deletions) = (Clients::new(), Writers::new(), Deletions::default());
        let moves = Moves::default();
        Self { seed, rng, clock, nodes, clients, writers, deletions, moves, lines: Vec::new() }
    }

    async fn live(&mut self) -> Trace {
        let mut invariants = invariants::all();
        let mut struck = Vec::new();
        self.begin().await;
        for _ in 0..STEPS {
            self.pass(&mut invariants).await;
            match self.rng.below(6) {
                0 | 1 => {
                    let fault = self.draw_fault();
                    fault.strike(self).await;
                    struck.push(fault.name());
                }
                2 => self.suspect(),
                _ => self.propose(),
            }
            self.look(&mut invariants);
        }
        self.heal().await;
        self.settle(&mut invariants).await;
        self.writers.stop().await;
        self.come_to_rest().await;
        self.look(&mut invariants);
        for invariant in &mut invariants {
            invariant.end(self);
        }
        let seen = invariants.iter().map(|invariant| (invariant.name(), invariant.met())).collect();
        self.nodes.stop().await;
        let acknowledged = self.clients.acknowledged().len();
        let records = self.writers.count();
        Trace { lines: std::mem::take(&mut self.lines), acknowledged, records, seen, faults: struck }
    }

    async fn be_emptied(&mut self, written: bool) -> Vec<i64> {
        self.begin().await;
        let at = self.nodes.draw(&mut self.rng);
        self.clock.sleep(DOWN).await;
        assert!(self.nodes.power_cut(at, 0, Duration::ZERO, Crash::Kept).await);
        self.clock.sleep(DOWN).await;
        if !written {
            self.writers.stop().await;
        }
        let mut emptied = Vec::new();
        for topic in writers::topics() {
            if self.delete_records(&topic, 0).await {
                emptied.push(topic); // its leader is up
            }
        }
        self.nodes.start(at, &mut self.rng);
        self.clock.sleep(DOWN).await;
        self.writers.stop().await;
        self.come_to_rest().await;
        let _all_is_noted = self.writers.take_reports(self.seed);
        let mut invariants = invariants::all();
        invariants.iter_mut().for_each(|invariant| invariant.look(self));
        invariants.iter_mut().for_each(|invariant| invariant.end(self));
        let storage = self.nodes.storage(at).expect("it is at rest");
        let partitions = logs::partitions(&self.nodes.controller(at).expect("it is at rest").state());
        let log_start = |id| storage.partition(id).expect("a replica").durable().view.log_start_offset();
        let of_emptied = partitions.iter().filter(|(topic, _)| emptied.contains(topic));
        let log_starts = of_emptied.map(|(_, id)| log_start(id)).collect();
        self.nodes.stop().await;
        log_starts
    }

    /// All nodes serve, and there are topics for the writers.
    async fn begin(&mut self) {
        let deadline = self.clock.uptime() + PATIENCE;
        for (number, name) in writers::topics().enumerate() {
            let mut replicas: Vec<i32> = nodes::ALL.map(nodes::node_id).collect();
            replicas.rotate_left(number % nodes::ALL.len());
            let command = Command::CreateTopic {
                name: name.clone(),
                id: Uuid::nil(),
                assignment: vec![replicas],
                configs: [("min.insync.replicas".to_owned(), "2".to_owned())].into(),
            };
            loop {
                self.clock.sleep(Duration::from_millis(STEP_MS)).await;
                let controllers: Vec<_> = nodes::ALL.filter_map(|at| self.nodes.controller(at)).collect();
                if controllers.len() == nodes::ALL.len()
                    && controllers[0].propose(command.clone()).await.is_ok()
                {
                    break;
                }
                assert!(self.clock.uptime() < deadline, "seed {}: the nodes do not come together", self.seed);
            }
        }
        self.writers.start(self.seed, &self.clock, &self.nodes.doors(), &mut self.rng);
    }

    /// Every replica is in sync and has what its leader has.
    async fn come_to_rest(&mut self) {
        let deadline = self.clock.uptime() + PATIENCE;
        while !self.is_at_rest() {
            self.clock.sleep(Duration::from_millis(STEP_MS)).await;
            assert!(
                self.clock.uptime() < deadline,
                "seed {}: without faults and writers, the replicas do not come together:\n{}\n{}",
                self.seed,
                self.lines.join("\n"),
                self.describe()
            );
        }
    }

    fn is_at_rest(&self) -> bool {
        let members = self.nodes.members();
        let Some(controller) = self.nodes.controller(members[0]) else { return false };
        let state = controller.state();
        let of = |at: usize| self.nodes.controller(at).map(|controller| controller.state().version);
        if members.iter().copied().map(of).any(|version| version != Some(state.version)) {
            return false;
        }
        logs::partitions(&state).iter().all(|(topic, id)| {
            let known = state.topic(topic).and_then(|topic| topic.partition(0));
            let all_in_sync = known.is_some_and(|known| known.in_sync_replicas.len() == members.len());
            let position = |at: usize| {
                let partition = self.nodes.storage(at)?.partition(id)?;
                Some((partition.log_end_offset(), partition.high_watermark()))
            };
            let positions: Vec<_> = members.iter().copied().map(position).collect();
            all_in_sync
                && positions.iter().all(|it| *it == positions[0] && it.is_some_and(|(end, high)| end == high))
        })
    }

    fn describe(&self) -> String {
        let mut told = String::new();
        for at in self.nodes.places() {
            let Some((controller, storage)) = self.nodes.controller(at).zip(self.nodes.storage(at)) else {
                continue;
            };
            let state = controller.state();
            for (topic, id) in logs::partitions(&state) {
                let known = state.topic(&topic).and_then(|topic| topic.partition(0));
                let here = storage.partition(&id).map(|it| (it.log_end_offset(), format!("{:?}", it.isr())));
                told.push_str(&format!("node {}: {topic}: {known:?} {here:?}\n", nodes::node_id(at)));
            }
        }
        told
    }

    /// A while passes, under observation.
    async fn pass(&mut self, invariants: &mut [Box<dyn Invariant>]) {
        let mut left_ms = self.rng.below(STEP_MS);
        while left_ms > 0 {
            let slice_ms = left_ms.min(LOOK_MS);
            self.clock.sleep(Duration::from_millis(slice_ms)).await;
            self.look(invariants);
            left_ms -= slice_ms;
        }
    }

    fn draw_fault(&mut self) -> &'static dyn Fault {
        let all = faults::all();
        let drawn = self.rng.below(all.len() as u64);
        all[usize::try_from(drawn).expect("few")]
    }

    /// Somebody has not heard of the leader of some partition, rightly or not.
    fn suspect(&mut self) {
        let at = self.nodes.draw(&mut self.rng);
        let Some(controller) = self.nodes.controller(at) else { return };
        let state = controller.state();
        let Some(drawn) = self.rng.below(state.topic_count().max(1) as u64).try_into().ok() else { return };
        let Some(topic) = state.topics().nth(drawn) else { return };
        self.say(&format!("node {} suspects the leader of {}", nodes::node_id(at), topic.name));
        self.clients.suspect(controller, topic);
    }

    /// Somebody asks some node for a new topic, with one replica or with three.
    fn propose(&mut self) {
        let at = self.nodes.draw(&mut self.rng);
        let first = self.nodes.draw(&mut self.rng);
        let others = if self.rng.below(2) == 0 { 0 } else { nodes::ALL.len() - 1 };
        let replicas = (0..=others).map(|n| nodes::node_id((first + n) % nodes::ALL.len())).collect();
        match self.nodes.controller(at) {
            Some(controller) => {
                let name = self.clients.propose(controller, replicas);
                self.say(&format!("node {} is asked for {name}", nodes::node_id(at)));
            }
            None => self.say(&format!("node {} serves nobody", nodes::node_id(at))),
        }
    }

    fn look(&mut self, invariants: &mut [Box<dyn Invariant>]) {
        for answer in self.clients.take_answers() {
            self.say(&answer);
        }
        for report in self.writers.take_reports(self.seed) {
            self.say(&report);
        }
        for invariant in invariants {
            invariant.look(self);
        }
    }

    /// All roads are open, all nodes run.
    async fn heal(&mut self) {
        self.moves.end().await;
        self.say("the faults end");
        self.nodes.open_all_roads();
        for at in self.nodes.members() {
            self.nodes.start(at, &mut self.rng);
        }
    }

    /// A command gets through, and everybody sees it.
    async fn settle(&mut self, invariants: &mut [Box<dyn Invariant>]) {
        let deadline = self.clock.uptime() + PATIENCE;
        loop {
            self.clock.sleep(Duration::from_millis(STEP_MS)).await;
            self.look(invariants);
            let members = self.nodes.members();
            let controllers: Vec<_> = members.iter().filter_map(|at| self.nodes.controller(*at)).collect();
            let all_serve = controllers.len() == members.len();
            if all_serve && !self.clients.is_waiting() {
                let versions: Vec<i64> =
                    controllers.iter().map(|controller| controller.state().version).collect();
                let state = controllers[0].state();
                if self.clients.last_was_acknowledged()
                    && state.brokers.values().all(|broker| !broker.fenced)
                    && versions.iter().all(|version| *version == versions[0])
                {
                    return self.say(&format!("all are at version {}", versions[0]));
                }
                self.propose();
            }
            if self.clock.uptime() >= deadline {
                let versions: Vec<i64> =
                    controllers.iter().map(|controller| controller.state().version).collect();
                panic!(
                    "seed {}: without faults, the cluster does not get on, its nodes are at versions {versions:?}:\n{}",
                    self.seed,
                    self.lines.join("\n")
                );
            }
        }
    }

    fn say(&mut self, what: &str) {
        self.lines.push(format!("{} ms: {what}", self.clock.uptime().as_millis()));
    }
}
