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
use chronik_server::cluster::{ClusterState, Controller, Origin, Topic};
use chronik_server::config::{Config, HostPort, Loaded};
use chronik_server::node::{Node, Seams};
use chronik_server::peer;
use chronik_server::rng::Rng;
use chronik_server::shutdown::Shutdown;
use chronik_server::spawn::{Ended, Spawner};
use chronik_server::storage::Storage;
use chronik_server::transport::{Connector, Listener, MemoryConnector, MemoryNetwork, Road};
use concurrency_models::image::Image;
use uuid::Uuid;

/// Their places.
pub(crate) const ALL: Range<usize> = 0..3;

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

/// The three, and what they reach each other by.
pub(crate) struct Nodes {
    clock: Clock,
    network: MemoryNetwork,
    slots: Vec<Slot>,
    /// Where clients connect, by node id.
    doors: Doors,
}

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

struct Running {
    shutdown: Shutdown,
    /// Once it has come into the cluster.
    inside: Arc<Image<Option<Inside>>>,
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
        let network = MemoryNetwork::new(clock.clone(), Spawner::simulated());
        let slot = |at: usize| Slot { disk: SimDisk::new(seed ^ at as u64), running: None };
        let (slots, doors) = (ALL.map(slot).collect(), Arc::new(Image::new(BTreeMap::new())));
        let mut nodes = Self { clock: clock.clone(), network, slots, doors };
        ALL.for_each(|at| _ = nodes.start(at, rng));
        nodes
    }

    /// One of the places.
    pub(crate) fn draw(&self, rng: &mut Rng) -> usize {
        usize::try_from(rng.below(ALL.len() as u64)).expect("few")
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

    /// Starts the node if it is down; returns whether it was.
    pub(crate) fn start(&mut self, at: usize, rng: &mut Rng) -> bool {
        if self.slots[at].running.is_some() {
            return false;
        }
        let (shutdown, inside) = (Shutdown::new(), Arc::new(Image::new(None)));
        let seams = self.seams(at, rng.fork());
        let (stop, serving) = (shutdown.clone(), inside.clone());
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
            let Ok(node) = Node::start(&loaded, seams, stop, |_| {}).await else { return };
            let (controller, storage) = (node.controller().clone(), node.storage().clone());
            serving.replace(Some(Inside { controller, storage }));
            let _end = node.run().await;
            serving.replace(None);
        });
        self.slots[at].running = Some(Running { shutdown, inside, ended });
        true
    }

    fn seams(&self, at: usize, rng: Rng) -> Seams {
        let voters: BTreeMap<i32, HostPort> = ALL.map(|at| (node_id(at), address(at))).collect();
        let quorum = Quorum {
            endpoint: address(at),
            origin: Origin::Voters(voters),
            listener: self.network.listen(&address(at)),
            connector: Connector::Memory(self.network.endpoint(&address(at))),
            settings: peer::Settings::new(&Config::default()),
        };
        let (listener, door) = Listener::memory();
        self.doors.update(|doors| {
            let mut doors = doors.clone();
            doors.insert(node_id(at), door);
            doors
        });
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
        let others: Vec<usize> = ALL.filter(|other| *other != at).collect();
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
        for (from, to) in ALL.flat_map(|from| ALL.map(move |to| (from, to))) {
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
