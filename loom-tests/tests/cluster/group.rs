//! The members, as they are started and stopped.

use std::sync::Arc;

use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, Sender};
use concurrency_models::raft_loop::{
    self, Compaction, ElectionTimeouts, Event, LogStore, MemoryStore, Node, RaftLoopError, StateMachine,
};
use concurrency_models::sync::Mutex;
use loom_tests::run::{Running, block_on, spawn_deep};
use raft::eraftpb::Entry;
use raft::{Config, RawNode, Storage};

use crate::machine::{Elections, Log};
use crate::network::Network;
use crate::seed::Random;
use crate::wal::{self, Disk};

pub(crate) const MEMBERS: usize = 3;

const ELECTION_TICKS: usize = 5;
/// Events that wait for a loop, at most.
const MAILBOX: usize = 8;

/// A story comes to some ten entries: enough for several compactions.
const COMPACTION: Compaction = Compaction { after_entries: 3, after_bytes: 1 << 20, keep_entries: 1 };

/// Of one member, between two restarts.
pub(crate) struct Alive {
    pub(crate) node: Node<MemoryStore, bool>,
    pub(crate) image: Arc<Image<Log>>,
    events: Sender<Event>,
    raft_loop: Running<Result<(), RaftLoopError>>,
    wal: Running<()>,
    disk: Arc<Mutex<Disk>>,
}

/// Draws from a seed of its own.
struct Drawn(Random);

impl ElectionTimeouts for Drawn {
    fn next(&mut self) -> usize {
        ELECTION_TICKS + self.0.below(ELECTION_TICKS)
    }
}

/// What a member's disk has before its first start.
pub(crate) fn empty_disk() -> MemoryStore {
    MemoryStore::new([1, 2, 3])
}

/// Starts member `id` with what its disk has.
pub(crate) fn start(id: u64, disk: MemoryStore, network: &Network, seed: u64) -> Alive {
    let snapshot = disk.last_snapshot().clone();
    let config = Config {
        id,
        election_tick: ELECTION_TICKS,
        heartbeat_tick: 1,
        min_election_tick: ELECTION_TICKS,
        max_election_tick: 2 * ELECTION_TICKS,
        pre_vote: true,
        check_quorum: true,
        max_inflight_msgs: 4,
        applied: snapshot.get_metadata().index,
        ..Config::default()
    };
    let logger = slog::Logger::root(slog::Discard, slog::o!());
    let raw = RawNode::new(&config, disk.clone(), &logger).expect("a configuration that raft takes");
    let mut machine = Elections::new(network.history.clone());
    if !snapshot.is_empty() {
        machine.restore(&snapshot).expect("a snapshot of this machine");
    }
    machine.publish();
    let image = machine.image.clone();
    let (events, inbox) = mailbox::channel(MAILBOX);
    let timeouts = Drawn(Random::new(seed));
    let (node, raft_loop, requests) =
        raft_loop::new(raw, (events.clone(), inbox), machine, network.clone(), timeouts, COMPACTION);
    let disk = Arc::new(Mutex::new(Disk::new(disk, network.history.clone())));
    let wal = wal::start(requests, events.clone(), disk.clone());
    let raft_loop = spawn_deep(move || block_on(raft_loop.run()));
    Alive { node, image, events, raft_loop, wal, disk }
}

impl Alive {
    /// Gives the loop an event, waiting for room.
    pub(crate) fn on(&self, event: Event) {
        assert!(block_on(self.events.send(event)).is_ok(), "the loop of a running member takes events");
    }

    /// Cuts the power: what is not synced is lost. Returns what is left.
    pub(crate) fn power_cut(self) -> MemoryStore {
        self.disk.lock().off = true;
        self.stop()
    }

    /// Stops it in order. Returns what its disk has.
    pub(crate) fn stop(self) -> MemoryStore {
        self.on(Event::Stop);
        assert_eq!(self.raft_loop.join(), Ok(()));
        self.wal.join();
        let disk = self.disk.lock();
        disk.synced.clone()
    }
}

/// All entries that a log still has.
pub(crate) fn entries(disk: &MemoryStore) -> Vec<Entry> {
    disk.entries_behind(disk.first_index().expect("a log in memory") - 1)
}
