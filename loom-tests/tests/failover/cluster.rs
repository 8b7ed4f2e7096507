//! A cluster of one voter that decides who leads a partition, and a follower of that partition on the same node.

use std::sync::Arc;

use concurrency_models::election_worker::ElectionWorker;
use concurrency_models::heartbeat_map::{Heartbeat, HeartbeatMap};
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::raft_loop::{
    self, Event, LogStore, MemoryStore, Persist, Proposed, RaftLoop, StateMachine,
};
use concurrency_models::sync::Mutex;
use concurrency_models::timeout_monitor::{self, TimeoutMonitor};
#[cfg(not(loom))]
use loom_tests::run::spawn;
use loom_tests::run::{Running, block_on, spawn_deep};
use raft::eraftpb::{Entry, Snapshot};
use raft::{Config, RawNode};

use crate::call::{Answer, Call, Learned};
use crate::end::{self, alone};
use crate::group::{ELECTION_TIMEOUT, NEVER, SameTimeout};
use crate::partition::{Partition, ReplaceLeader};
use crate::world::{Network, World, serve_until};

pub(crate) const ORDERS: u32 = 0;
pub(crate) const TIMEOUT_MS: i64 = 50;
/// When everything that happens in a scenario happens.
pub(crate) const NOW_MS: i64 = 100;

/// The leader that has died.
pub(crate) const DEAD: i32 = 2;
/// In sync.
pub(crate) const NEXT: i32 = 3;
/// First in order of preference, but not in sync.
const BEHIND: i32 = 4;

/// Events that wait for the Raft loop, at most.
const MAILBOX: usize = 4;

/// What a proposer learns: who leads the partition after its entry, and in which epoch.
pub(crate) type Led = (i32, i32);
pub(crate) type Node = raft_loop::Node<MemoryStore, Led>;
pub(crate) type Heartbeats = Arc<HeartbeatMap<u32>>;

fn orders() -> Partition {
    Partition { replicas: vec![BEHIND, DEAD, NEXT], in_sync: vec![DEAD, NEXT], leader: DEAD, leader_epoch: 1 }
}

/// The metadata: one partition, and whatever clients propose.
pub(crate) struct Metadata {
    partition: Partition,
    /// Who follows the partition, and learns of its leader when it changes.
    told: Option<Heartbeats>,
}

impl StateMachine for Metadata {
    type Applied = Led;

    fn apply(&mut self, entry: &Entry) -> Result<Led, String> {
        if let Some(proposal) = decode(&entry.data) {
            self.partition.replace_leader(proposal);
        }
        Ok((self.partition.leader, self.partition.leader_epoch))
    }

    fn restore(&mut self, _: &Snapshot) -> Result<(), String> {
        unreachable!("nobody sends one");
    }

    fn snapshot(&self) -> Vec<u8> {
        unreachable!("nobody makes one");
    }

    fn publish(&mut self) {
        if let Some(heartbeats) = &self.told {
            heartbeats.follow(ORDERS, as_of_now(&self.partition));
        }
    }
}

fn as_of_now(partition: &Partition) -> Heartbeat {
    let at_ms = if partition.leader_epoch == 1 { 0 } else { NOW_MS };
    Heartbeat { leader_epoch: partition.leader_epoch, at_ms }
}

pub(crate) fn encode(proposal: ReplaceLeader) -> Vec<u8> {
    let ReplaceLeader { leader, leader_epoch } = proposal;
    [leader, leader_epoch].into_iter().flat_map(i32::to_be_bytes).collect()
}

fn decode(data: &[u8]) -> Option<ReplaceLeader> {
    let (numbers, []) = data.as_chunks() else { return None };
    let &[leader, leader_epoch] = numbers else { return None };
    let [leader, leader_epoch] = [leader, leader_epoch].map(i32::from_be_bytes);
    Some(ReplaceLeader { leader, leader_epoch })
}

/// Wins the election of a single voter and makes its first entry durable: a scenario begins with a leader at rest.
fn lead(raw: &mut RawNode<MemoryStore>) {
    raw.campaign().expect("nobody is in the way");
    while raw.has_ready() {
        let ready = raw.ready();
        let store = raw.mut_store();
        store.put_entries(ready.entries());
        ready.hs().into_iter().for_each(|hard_state| store.put_hard_state(hard_state));
        let _nothing_to_apply = raw.advance(ready);
        raw.advance_apply();
    }
}

/// All parts, none of them running.
pub(crate) struct Cluster {
    pub(crate) node: Arc<Node>,
    pub(crate) events: Sender<Event>,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) disk: Disk,
    raft_loop: RaftLoop<MemoryStore, Metadata, Network, SameTimeout>,
}

/// What makes entries durable when a scenario lets it. A loop that finds it gone ends with an error.
#[derive(Clone)]
pub(crate) struct Disk {
    requests: Arc<Mutex<Receiver<Persist>>>,
    events: Sender<Event>,
    world: Arc<Mutex<World>>,
}

impl Cluster {
    /// One in which who follows the partition learns of its leader from the election worker alone.
    pub(crate) fn new() -> Self {
        Self::build(|_| None)
    }

    /// One in which the loop tells it too, when an election is applied.
    pub(crate) fn whose_loop_tells() -> Self {
        Self::build(|heartbeats| Some(heartbeats.clone()))
    }

    fn build(told: impl Fn(&Heartbeats) -> Option<Heartbeats>) -> Self {
        let config = Config {
            id: 1,
            election_tick: ELECTION_TIMEOUT,
            heartbeat_tick: 1,
            min_election_tick: ELECTION_TIMEOUT,
            max_election_tick: ELECTION_TIMEOUT + 1,
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let mut raw =
            RawNode::new(&config, MemoryStore::new([1]), &logger).expect("a configuration that raft takes");
        lead(&mut raw);
        let heartbeats = Heartbeats::new(HeartbeatMap::new(1));
        heartbeats.follow(ORDERS, as_of_now(&orders()));
        let machine = Metadata { partition: orders(), told: told(&heartbeats) };
        let (events, inbox) = mailbox::channel(MAILBOX);
        let world = Arc::new(Mutex::new(World { disk: raw.store().clone(), ..World::default() }));
        let network = Network(world.clone());
        let (node, raft_loop, requests) =
            raft_loop::new(raw, (events.clone(), inbox), machine, network, SameTimeout, NEVER);
        let disk = Disk { requests: Arc::new(Mutex::new(requests)), events: events.clone(), world };
        Self { node: Arc::new(node), events, heartbeats, disk, raft_loop }
    }

    /// Starts the Raft loop, and ends what is left of the cluster in it.
    pub(crate) fn start(self) -> (Parts, Running<()>) {
        let Self { node, events, heartbeats, disk, raft_loop } = self;
        let world = disk.world.clone();
        let running = spawn_deep(move || {
            assert_eq!(block_on(raft_loop.run()), Ok(()));
            world.lock().over = true;
        });
        (Parts { node, events, heartbeats, disk, learned: Learned::default() }, running)
    }
}

/// What a scenario has in hand while the loop runs.
pub(crate) struct Parts {
    pub(crate) node: Arc<Node>,
    pub(crate) events: Sender<Event>,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) disk: Disk,
    learned: Learned,
}

/// What is left to see when all of them have ended.
#[derive(Debug)]
#[expect(dead_code, reason = "it is there to be printed")]
pub(crate) struct End {
    learned: Vec<Answer>,
    disk: end::Disk,
}

impl Parts {
    /// The monitor, with one tick and its end in its mailbox.
    pub(crate) fn monitor(&self) -> TimeoutMonitor<u32> {
        let (events, inbox) = mailbox::channel(1);
        assert_eq!(events.try_send(timeout_monitor::Event::Tick { now_ms: NOW_MS }), Ok(()));
        TimeoutMonitor::new(inbox, self.heartbeats.clone(), TIMEOUT_MS)
    }

    #[cfg(not(loom))]
    pub(crate) fn start_monitor(&self) -> Running<()> {
        let monitor = self.monitor();
        spawn(move || block_on(monitor.run()))
    }

    pub(crate) fn start_worker(&self) -> Running<()> {
        let worker = self.worker(None);
        spawn_deep(move || block_on(worker.run()))
    }

    /// Holds all elections on this thread, which serves the disk as well.
    pub(crate) fn work(&self, last: u64) {
        block_on(self.worker(Some((self.disk.clone(), last))).run());
    }

    fn worker(&self, disk: Option<(Disk, u64)>) -> ElectionWorker<u32, Call> {
        let call = Call { node: self.node.clone(), learned: self.learned.clone(), leader: DEAD, disk };
        ElectionWorker::new(self.heartbeats.clone(), call)
    }

    /// Proposes the election, as the worker of another node does.
    pub(crate) fn propose_election(&self) -> Proposed<Led> {
        let Partition { leader, leader_epoch, .. } = orders();
        self.node.propose(encode(ReplaceLeader { leader, leader_epoch })).expect("a single voter leads")
    }

    pub(crate) fn stop(&self) {
        assert!(block_on(self.events.send(Event::Stop)).is_ok());
    }

    /// To be called when whatever was started has ended.
    pub(crate) fn end(self) -> End {
        End { learned: self.learned.take(), disk: end::Disk::of(&alone(self.disk.world)) }
    }
}

impl Disk {
    /// The next request, which waits until it is made durable.
    pub(crate) fn next(&self) -> Persist {
        block_on(self.requests.lock().recv()).expect("the loop asks")
    }

    pub(crate) fn make_durable(&self, request: &Persist) {
        self.world.lock().persist(request);
        assert!(block_on(self.events.send(Event::Persisted(Ok(request.number)))).is_ok());
    }

    /// Makes everything durable up to the entry at `index`, and says so once.
    pub(crate) fn serve_until(&self, index: u64) {
        serve_until(index, &mut self.requests.lock(), &self.events, &self.world);
    }
}
