//! A member of a Raft group, with a disk and a network that scenarios look into.

use std::sync::Arc;

use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::raft_loop::{
    self, Compaction, ElectionTimeouts, Event, LogStore, MemoryStore, Node, Persist, RaftLoop, RaftLoopError,
    StateMachine,
};
use concurrency_models::sync::Mutex;
use loom_tests::run::{Running, block_on, spawn_deep};
use raft::eraftpb::{Entry, Message, MessageType, Snapshot};
use raft::{Config, RawNode};

use crate::world::{Network, World};

/// Events that wait for the loop, at most.
pub(crate) const MAILBOX: usize = 16;

/// The log grows.
pub(crate) const NEVER: Compaction =
    Compaction { after_entries: u64::MAX, after_bytes: u64::MAX, keep_entries: 0 };

/// Data that the machine does not understand.
pub(crate) const NONSENSE: u8 = 255;

/// The entries that were applied, in order.
pub(crate) struct Machine {
    applied: Vec<Vec<u8>>,
    /// Index of the last one.
    last: u64,
    image: Arc<Image<Vec<Vec<u8>>>>,
    shown: Arc<Mutex<usize>>,
}

impl StateMachine for Machine {
    /// How many were applied before it.
    type Applied = usize;

    fn apply(&mut self, entry: &Entry) -> Result<usize, String> {
        assert!(entry.index > self.last, "entry {} is applied again, after {}", entry.index, self.last);
        self.last = entry.index;
        if *entry.data == [NONSENSE] {
            return Err("it makes no sense".to_owned());
        }
        self.applied.push(entry.data.to_vec());
        Ok(self.applied.len() - 1)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        self.last = snapshot.get_metadata().index;
        self.applied = snapshot.data.iter().map(|data| vec![*data]).collect();
        Ok(())
    }

    fn snapshot(&self) -> Vec<u8> {
        let _nobody_changes_it = self.shown.lock();
        self.applied.concat() // entries of one byte
    }

    fn publish(&mut self) {
        *self.shown.lock() = self.applied.len();
        self.image.replace(self.applied.clone());
    }
}

pub(crate) struct SameTimeout;

/// In ticks: raft draws the same.
pub(crate) const ELECTION_TIMEOUT: usize = 2;

impl ElectionTimeouts for SameTimeout {
    fn next(&mut self) -> usize {
        ELECTION_TIMEOUT
    }
}

pub(crate) type Loop = RaftLoop<MemoryStore, Machine, Network, SameTimeout>;

pub(crate) struct Member<L = Loop> {
    pub(crate) node: Node<MemoryStore, usize>,
    pub(crate) events: Sender<Event>,
    pub(crate) image: Arc<Image<Vec<Vec<u8>>>>,
    /// How many entries the readers see; whoever holds the lock keeps the state machine from showing more.
    pub(crate) shown: Arc<Mutex<usize>>,
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) requests: Receiver<Persist>,
    pub(crate) raft_loop: L,
}

impl<L> Member<L> {
    /// The same with another form of its loop.
    #[cfg(not(loom))]
    pub(crate) fn map<M>(self, form: impl FnOnce(L) -> M) -> Member<M> {
        let Self { node, events, image, shown, world, requests, raft_loop } = self;
        Member { node, events, image, shown, world, requests, raft_loop: form(raft_loop) }
    }
}

/// Node 1 of a group with these voters, not running yet. A single voter leads at once.
pub(crate) fn member(voters: &[u64]) -> Member {
    member_with(MemoryStore::new(voters), voters == [1])
}

/// Node 1 as it starts with what its disk has, not running yet.
pub(crate) fn member_with(disk: MemoryStore, campaigns: bool) -> Member {
    member_of(disk, campaigns, MAILBOX, NEVER)
}

/// The same with room for this many events, and with a log that is compacted.
pub(crate) fn member_of(
    disk: MemoryStore,
    campaigns: bool,
    mailbox: usize,
    compaction: Compaction,
) -> Member {
    let mut raw = raw_node(&disk);
    if campaigns {
        raw.campaign().expect("nobody is in the way");
    }
    member_around(raw, disk, mailbox, compaction)
}

/// From node 2, in term 2.
pub(crate) fn message(kind: MessageType) -> Message {
    let mut message = Message::default();
    message.set_msg_type(kind);
    (message.from, message.to, message.term) = (2, 1, 2);
    message
}

/// Node 1, not running yet, which leads itself and node 2 in term 1; its first entry is committed, and there is nothing to do.
pub(crate) fn leader_of_two() -> Member {
    let mut raw = raw_node(&MemoryStore::new([1, 2]));
    raw.campaign().expect("nobody is in the way");
    for (kind, index) in [(MessageType::MsgRequestVoteResponse, 0), (MessageType::MsgAppendResponse, 1)] {
        let mut answer = message(kind);
        (answer.term, answer.index) = (1, index);
        raw.step(answer).expect("node 2 is a member");
    }
    while raw.has_ready() {
        let ready = raw.ready();
        raw.mut_store().put_entries(ready.entries());
        if let Some(hard_state) = ready.hs() {
            raw.mut_store().put_hard_state(hard_state);
        }
        let _to_node_2 = raw.advance(ready);
        raw.advance_apply();
    }
    let disk = raw.store().clone();
    member_around(raw, disk, MAILBOX, NEVER)
}

fn raw_node(disk: &MemoryStore) -> RawNode<MemoryStore> {
    let logger = slog::Logger::root(slog::Discard, slog::o!());
    let config = Config {
        id: 1,
        election_tick: ELECTION_TIMEOUT,
        heartbeat_tick: 1,
        min_election_tick: ELECTION_TIMEOUT,
        max_election_tick: ELECTION_TIMEOUT + 1,
        pre_vote: false,
        applied: disk.last_snapshot().get_metadata().index,
        ..Config::default()
    };
    RawNode::new(&config, disk.clone(), &logger).expect("a configuration that raft takes")
}

fn member_around(
    raw: RawNode<MemoryStore>,
    disk: MemoryStore,
    mailbox: usize,
    compaction: Compaction,
) -> Member {
    let snapshot = disk.last_snapshot().clone();
    let image = Arc::new(Image::new(Vec::new()));
    let shown = Arc::new(Mutex::new(0));
    let mut machine = Machine { applied: Vec::new(), last: 0, image: image.clone(), shown: shown.clone() };
    machine.restore(&snapshot).expect("this machine has made it");
    let world = Arc::new(Mutex::new(World { disk, ..World::default() }));
    let (events, inbox) = mailbox::channel(mailbox);
    let network = Network(world.clone());
    let (node, raft_loop, requests) =
        raft_loop::new(raw, (events.clone(), inbox), machine, network, SameTimeout, compaction);
    Member { node, events, image, shown, world, requests, raft_loop }
}

/// Starts the loop.
pub(crate) fn start(raft_loop: Loop, world: &Arc<Mutex<World>>) -> Running<Result<(), RaftLoopError>> {
    let world = world.clone();
    spawn_deep(move || {
        let ended = block_on(raft_loop.run());
        world.lock().over = true;
        ended
    })
}

/// Ends it.
pub(crate) fn stop(events: &Sender<Event>, running: Running<Result<(), RaftLoopError>>) {
    assert!(block_on(events.send(Event::Stop)).is_ok());
    assert_eq!(running.join(), Ok(()));
}

/// Runs a scenario on a stack that a `RawNode` fits on.
pub(crate) fn deep<S: Send + 'static>(scenario: impl FnOnce() -> S + Send + 'static) -> S {
    spawn_deep(scenario).join()
}
