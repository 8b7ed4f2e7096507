//! The nodes: how they start, how they lose their power, and the roads between them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::{Crash, Fault as SyncFault, OpKind};
use chronik_server::clock::Clock;
use chronik_server::cluster::raft::Quorum;
use chronik_server::cluster::{
    ClusterState, Controller, Join, JoinError, MembershipError, Newcomer, Origin, ProposeError, Topic,
};
use chronik_server::config::{Config, HostPort, Loaded};
use chronik_server::node::{End, Node, Seams};
use chronik_server::peer;
use chronik_server::rng::Rng;
use chronik_server::shutdown::Shutdown;
use chronik_server::spawn::{Ended, Spawner};
use chronik_server::storage::Storage;
use chronik_server::transport::{Connector, Listener, MemoryConnector, MemoryNetwork, Road};
use concurrency_models::image::Image;
use uuid::Uuid;

/// The places of those that a cluster begins with.
pub(crate) const ALL: Range<usize> = 0..3;
/// How long a newcomer waits for the answer of one node, and before it asks the next one.
const JOIN_PATIENCE: Duration = Duration::from_millis(500);
const JOIN_PAUSE: Duration = Duration::from_millis(100);

/// Virtual time in which a node that writes has synced.
const SYNCS_WITHIN: Duration = Duration::from_secs(2);
/// Virtual time in which a node whose disk has failed must have ended.
const STOPS_WITHIN: Duration = Duration::from_secs(2);
/// Virtual time between two looks at that.
const LOOK: Duration = Duration::from_millis(5);

/// A node goes on although its disk has failed.
#[derive(Debug)]
pub(crate) struct GoesOn;

/// `node.id` of the node at this place.
pub(crate) fn node_id(at: usize) -> i32 {
    i32::try_from(at).expect("few") + 1
}

fn address(at: usize) -> HostPort {
    HostPort::new(&format!("node-{}", node_id(at)), 9192)
}

/// The partitions that a node leads according to this metadata, with their leader epochs.
pub(crate) fn led_by(state: &ClusterState, node_id: i32) -> Vec<((Uuid, i32), i32)> {
    let of = |topic: &Topic| {
        let led = topic.indexed().filter(|(_, partition)| partition.leader == Some(node_id));
        led.map(|(index, partition)| ((topic.id, index), partition.leader_epoch)).collect::<Vec<_>>()
    };
    state.topics().flat_map(|topic| of(topic)).collect()
}

/// The three, others that join them in some runs, and what they reach each other by.
pub(crate) struct Nodes {
    seed: u64,
    clock: Clock,
    network: MemoryNetwork,
    /// The places of those that belong to the cluster, or are to.
    members: Vec<usize>,
    slots: Vec<Slot>,
    /// Where clients connect, by node id.
    doors: Doors,
    /// Those that have come into the cluster, by place.
    serving: Serving,
}

type Serving = Arc<Image<BTreeMap<usize, Controller>>>;

/// Where clients connect, by node id; a node that is down has one that is shut.
pub(crate) type Doors = Arc<Image<BTreeMap<i32, MemoryConnector>>>;

/// The roads between them, for a task that changes some.
#[derive(Clone)]
pub(crate) struct Roads(MemoryNetwork);

impl Roads {
    /// Changes the road from one node to another.
    pub(crate) fn set(&self, from: usize, to: usize, road: Road) {
        self.0.set_road(&address(from), &address(to), road);
    }
}

struct Slot {
    disk: SimDisk,
    running: Option<Running>,
}

/// How a node has ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// It did not come into the cluster.
    NotStarted(String),
    /// It ran.
    Ran(End),
}

struct Running {
    shutdown: Shutdown,
    /// Once it has come into the cluster.
    inside: Arc<Image<Option<Inside>>>,
    /// Once it has ended by itself, or was asked to.
    over: Arc<Image<Option<Over>>>,
    ended: Ended,
}

/// What is looked at inside of a node.
#[derive(Clone)]
struct Inside {
    controller: Controller,
    storage: Storage,
}

impl Nodes {
    /// All three, started on empty disks.
    pub(crate) fn new(seed: u64, clock: &Clock, rng: &mut Rng) -> Self {
        Self::with_room_for(0, seed, clock, rng)
    }

    /// The same, with places for so many more, which are not started.
    pub(crate) fn with_room_for(newcomers: usize, seed: u64, clock: &Clock, rng: &mut Rng) -> Self {
        let network = MemoryNetwork::new(clock.clone(), Spawner::simulated());
        let slot = |at: usize| Slot { disk: SimDisk::new(seed ^ at as u64), running: None };
        let places = 0..ALL.len() + newcomers;
        let (slots, doors) = (places.map(slot).collect(), Arc::new(Image::new(BTreeMap::new())));
        let serving = Arc::new(Image::new(BTreeMap::new()));
        let mut nodes =
            Self { seed, clock: clock.clone(), network, members: ALL.collect(), slots, doors, serving };
        ALL.for_each(|at| _ = nodes.start(at, rng));
        nodes
    }

    /// Where there are nodes, or may be.
    pub(crate) fn places(&self) -> Range<usize> {
        0..self.slots.len()
    }

    /// The places of those that belong to the cluster, or are to.
    pub(crate) fn members(&self) -> Vec<usize> {
        self.members.clone()
    }

    /// Another one is to belong to it.
    pub(crate) fn expect(&mut self, at: usize) {
        self.members.push(at);
    }

    /// One is to belong to it no longer.
    pub(crate) fn give_up(&mut self, at: usize) {
        self.members.retain(|member| *member != at);
    }

    /// The place of a member.
    pub(crate) fn draw(&self, rng: &mut Rng) -> usize {
        self.members[usize::try_from(rng.below(self.members.len() as u64)).expect("few")]
    }

    /// How the metadata is reached at a node that has come into the cluster.
    pub(crate) fn controller(&self, at: usize) -> Option<Controller> {
        self.inside(at).map(|inside| inside.controller)
    }

    /// The partitions of a node that has come into the cluster.
    pub(crate) fn storage(&self, at: usize) -> Option<Storage> {
        self.inside(at).map(|inside| inside.storage)
    }

    /// Where clients connect.
    pub(crate) fn doors(&self) -> Doors {
        self.doors.clone()
    }

    fn inside(&self, at: usize) -> Option<Inside> {
        (*self.slots[at].running.as_ref()?.inside.load()).clone()
    }

    /// How the node that was started last at this place has ended by itself.
    pub(crate) fn over(&self, at: usize) -> Option<Over> {
        (*self.slots[at].running.as_ref()?.over.load()).clone()
    }

    /// Whether it was started and its power has not failed.
    pub(crate) fn is_up(&self, at: usize) -> bool {
        self.slots[at].running.is_some()
    }

    /// A new, empty disk for a node that is down.
    pub(crate) fn lose_disk(&mut self, at: usize) {
        assert!(self.slots[at].running.is_none(), "it runs");
        self.slots[at].disk = SimDisk::new(!self.seed ^ at as u64);
    }

    /// Nobody waits any more for a node that has ended by itself.
    pub(crate) async fn bury(&mut self, at: usize) {
        if let Some(Running { shutdown, mut ended, .. }) = self.slots[at].running.take() {
            shutdown.request();
            let _ended = ended.wait().await;
        }
    }

    /// Starts the node if it is down; returns whether it was.
    pub(crate) fn start(&mut self, at: usize, rng: &mut Rng) -> bool {
        if self.slots[at].running.is_some() {
            return false;
        }
        let (shutdown, inside) = (Shutdown::new(), Arc::new(Image::new(None)));
        let over = Arc::new(Image::new(None));
        let seams = self.seams(at, rng.fork());
        let (stop, within, said) = (shutdown.clone(), inside.clone(), over.clone());
        let serving = self.serving.clone();
        let config = Config {
            node_id: node_id(at),
            checkpoint_interval_ms: 700,
            wal_segment_bytes: 1 << 20,
            offsets_topic_num_partitions: 1,
            replica_lag_time_max_ms: 1_500,
            ..Config::default()
        };
        let ended = Spawner::simulated().task(async move {
            let loaded = Loaded { config, ..Loaded::default() };
            let node = match Node::start(&loaded, seams, stop, |_| {}).await {
                Ok(node) => node,
                Err(error) => {
                    said.replace(Some(Over::NotStarted(error.to_string())));
                    return;
                }
            };
            let (controller, storage) = (node.controller().clone(), node.storage().clone());
            note(&serving, |serving| _ = serving.insert(at, controller.clone()));
            within.replace(Some(Inside { controller, storage }));
            let end = node.run().await;
            within.replace(None);
            note(&serving, |serving| _ = serving.remove(&at));
            said.replace(Some(Over::Ran(end)));
        });
        self.slots[at].running = Some(Running { shutdown, inside, over, ended });
        true
    }

    fn seams(&self, at: usize, rng: Rng) -> Seams {
        let voters: BTreeMap<i32, HostPort> = ALL.map(|at| (node_id(at), address(at))).collect();
        let quorum = Quorum {
            endpoint: address(at),
            origin: if ALL.contains(&at) { Origin::Voters(voters) } else { Origin::Joins(self.join()) },
            listener: self.network.listen(&address(at)),
            connector: Connector::Memory(self.network.endpoint(&address(at))),
            settings: peer::Settings::new(&Config::default()),
        };
        let (listener, door) = Listener::memory();
        note(&self.doors, |doors| _ = doors.insert(node_id(at), door));
        Seams {
            clock: self.clock.clone(),
            spawner: Spawner::simulated(),
            rng,
            disk: Arc::new(self.slots[at].disk.clone()),
            listeners: vec![(listener, HostPort::new("simulated", 9092))],
            admin: None,
            quorum: Some(quorum),
        }
    }

    /// A newcomer asks one node that serves after the other.
    fn join(&self) -> Join {
        let (clock, serving) = (self.clock.clone(), self.serving.clone());
        Box::new(move |newcomer| Box::pin(ask_to_be_admitted(clock.clone(), serving.clone(), newcomer)))
    }

    /// The power of the disk fails after `ops` more operations, and that of the whole node after `dying`: what the node says in between is heard. The disk keeps
    /// what `crash` says. Returns whether it was up.
    pub(crate) async fn power_cut(&mut self, at: usize, ops: u64, dying: Duration, crash: Crash) -> bool {
        let slot = &mut self.slots[at];
        let Some(Running { shutdown, mut ended, .. }) = slot.running.take() else { return false };
        slot.disk.crash_after(ops);
        self.clock.sleep(dying).await;
        let kept = slot.disk.crash(crash);
        slot.disk.crash_after(0);
        slot.disk = kept;
        let others: Vec<usize> = self.places().filter(|other| *other != at).collect();
        for other in &others {
            self.network.set_roads_between(&address(at), &address(*other), Road::Broken);
        }
        shutdown.request();
        let _ended = ended.wait().await;
        for other in &others {
            self.network.set_roads_between(&address(at), &address(*other), Road::Open);
        }
        true
    }

    /// Changes the road from one node to another.
    pub(crate) fn set_road(&self, from: usize, to: usize, road: Road) {
        self.roads().set(from, to, road);
    }

    /// The roads between them.
    pub(crate) fn roads(&self) -> Roads {
        Roads(self.network.clone())
    }

    /// Everything arrives at once.
    pub(crate) fn open_all_roads(&self) {
        for (from, to) in self.places().flat_map(|from| self.places().map(move |to| (from, to))) {
            self.set_road(from, to, Road::Open);
        }
    }

    /// The disk of a node fails one sync, after so many more that succeed. Storage must fail then, and the node end by itself; its disk keeps what `crash`
    /// says. Returns whether it came to that: a node that writes nothing syncs nothing.
    pub(crate) async fn fail_sync(&mut self, at: usize, after: u32, crash: Crash) -> Result<bool, GoesOn> {
        let slot = &mut self.slots[at];
        let Some(Running { ended, .. }) = &mut slot.running else { return Ok(false) };
        let (kind, path_contains, error) = (OpKind::Sync, "wal/".to_owned(), ErrorKind::Other);
        slot.disk.fail(SyncFault { kind, path_contains, after, times: 1, error });
        let deadline = self.clock.uptime() + SYNCS_WITHIN;
        while slot.disk.has_faults_to_come() {
            if self.clock.uptime() > deadline {
                slot.disk.clear_faults();
                return Ok(false);
            }
            self.clock.sleep(LOOK).await;
        }
        tokio::select! {
            biased;
            _ = ended.wait() => {}
            () = self.clock.sleep(STOPS_WITHIN) => return Err(GoesOn),
        }
        slot.disk = slot.disk.crash(crash);
        slot.running = None;
        Ok(true)
    }

    /// Stops them in order.
    pub(crate) async fn stop(&mut self) {
        for slot in &mut self.slots {
            if let Some(Running { shutdown, mut ended, .. }) = slot.running.take() {
                shutdown.request();
                let _ended = ended.wait().await;
            }
        }
    }
}

/// Changes what others look at.
fn note<K: Clone + Ord, V: Clone>(image: &Image<BTreeMap<K, V>>, change: impl FnOnce(&mut BTreeMap<K, V>)) {
    image.update(|before| {
        let mut after = before.clone();
        change(&mut after);
        after
    });
}

async fn ask_to_be_admitted(
    clock: Clock,
    serving: Serving,
    newcomer: Newcomer,
) -> Result<BTreeMap<i32, HostPort>, JoinError> {
    let Newcomer { node_id, directory_id, endpoint } = newcomer;
    for attempt in 0.. {
        let known: Vec<Controller> = serving.load().values().cloned().collect();
        if let Some(controller) = (!known.is_empty()).then(|| &known[attempt % known.len()]) {
            let admitted = tokio::select! {
                biased;
                admitted = controller.admit_node(node_id, directory_id, endpoint.clone()) => Some(admitted),
                () = clock.sleep(JOIN_PATIENCE) => None,
            };
            match admitted {
                Some(Ok(())) => {
                    let state = controller.state();
                    let place = |node: &chronik_server::cluster::Node| {
                        HostPort::new(&node.endpoint.host, node.endpoint.port)
                    };
                    return Ok(state.nodes().map(|(id, node)| (id, place(node))).collect());
                }
                Some(Err(MembershipError::Propose(ProposeError::Refused(refusal)))) => {
                    return Err(JoinError(refusal.to_string()));
                }
                Some(Err(_)) | None => {}
            }
        }
        clock.sleep(JOIN_PAUSE).await;
    }
    unreachable!("it asks for ever")
}
