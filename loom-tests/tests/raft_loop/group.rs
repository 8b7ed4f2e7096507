//! A member of a Raft group, with a disk and a network that scenarios look into.

use std::sync::Arc;

use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::raft_loop::{
    self, ElectionTimeouts, Event, MemoryStore, Node, Persist, RaftLoop, RaftLoopError, StateMachine,
    Transport,
};
use concurrency_models::sync::Mutex;
use loom_tests::run::{Running, block_on, spawn_deep};
use raft::eraftpb::{Entry, Message, MessageType, Snapshot};
use raft::{Config, RawNode};

/// Events that wait for the loop, at most.
const MAILBOX: usize = 4;

/// The entries that were applied, in order.
pub(crate) struct Machine {
    applied: Vec<Vec<u8>>,
    pub(crate) image: Arc<Image<Vec<Vec<u8>>>>,
}

impl StateMachine for Machine {
    /// How many were applied before it.
    type Applied = usize;

    fn apply(&mut self, entry: &Entry) -> usize {
        self.applied.push(entry.data.to_vec());
        self.applied.len() - 1
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        self.applied = vec![snapshot.data.to_vec()];
    }

    fn publish(&mut self) {
        self.image.replace(self.applied.clone());
    }
}

/// What has become durable, and what was sent.
#[derive(Default)]
pub(crate) struct World {
    /// Index of the last entry on the disk.
    pub(crate) durable: u64,
    /// Term of the last vote or term on the disk.
    pub(crate) durable_term: u64,
    pub(crate) sent: Vec<Message>,
    /// The loop has ended: nothing may be sent any more.
    pub(crate) over: bool,
}

/// Checks each message as it leaves.
pub(crate) struct Network(pub(crate) Arc<Mutex<World>>);

impl Transport for Network {
    fn send(&mut self, message: Message) {
        let mut world = self.0.lock();
        assert!(!world.over, "sent after the end: {message:?}");
        if message.get_msg_type() == MessageType::MsgAppendResponse && !message.reject {
            assert!(message.index <= world.durable, "acknowledged before it is durable: {}", message.index);
        }
        world.sent.push(message);
    }
}

pub(crate) struct SameTimeout;

impl ElectionTimeouts for SameTimeout {
    fn next(&mut self) -> usize {
        10
    }
}

pub(crate) struct Member {
    pub(crate) node: Node<MemoryStore, usize>,
    pub(crate) events: Sender<Event>,
    pub(crate) image: Arc<Image<Vec<Vec<u8>>>>,
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) requests: Receiver<Persist>,
    pub(crate) raft_loop: RaftLoop<MemoryStore, Machine, Network, SameTimeout>,
}

/// Node 1 of a group with these voters, not running yet.
pub(crate) fn member(voters: &[u64]) -> Member {
    let config = Config {
        id: 1,
        election_tick: 10,
        heartbeat_tick: 1,
        min_election_tick: 10,
        max_election_tick: 11,
        ..Config::default()
    };
    let logger = slog::Logger::root(slog::Discard, slog::o!());
    let mut raw =
        RawNode::new(&config, MemoryStore::new(voters), &logger).expect("a configuration that raft takes");
    raw.raft.set_randomized_election_timeout(10);
    if voters == [1] {
        raw.campaign().expect("nobody is in the way");
    }
    let machine = Machine { applied: Vec::new(), image: Arc::new(Image::new(Vec::new())) };
    let (image, world) = (machine.image.clone(), Arc::default());
    let (events, inbox) = mailbox::channel(MAILBOX);
    let network = Network(Arc::clone(&world));
    let (node, raft_loop, requests) =
        raft_loop::new(raw, (events.clone(), inbox), machine, network, SameTimeout);
    Member { node, events, image, world, requests, raft_loop }
}

/// Starts the loop.
pub(crate) fn start(
    raft_loop: RaftLoop<MemoryStore, Machine, Network, SameTimeout>,
    world: &Arc<Mutex<World>>,
) -> Running<std::result::Result<(), RaftLoopError>> {
    let world = world.clone();
    spawn_deep(move || {
        let ended = block_on(raft_loop.run());
        world.lock().over = true;
        ended
    })
}

/// Does what the WAL thread is asked, until the entry at `index` is durable.
pub(crate) fn serve_until(
    index: u64,
    requests: &mut Receiver<Persist>,
    events: &Sender<Event>,
    world: &Mutex<World>,
) {
    loop {
        let request = block_on(requests.recv()).expect("the loop asks");
        persist(&request, world);
        assert!(block_on(events.send(Event::Persisted(Ok(request.number)))).is_ok());
        if request.entries.last().is_some_and(|last| last.index >= index) {
            return;
        }
    }
}

/// Makes a request durable.
pub(crate) fn persist(request: &Persist, world: &Mutex<World>) {
    let mut world = world.lock();
    if let Some(last) = request.entries.last() {
        world.durable = last.index;
    }
    if let Some(hard_state) = &request.hard_state {
        world.durable_term = hard_state.term;
    }
}

/// Runs a scenario on a stack that a `RawNode` fits on.
pub(crate) fn deep(scenario: impl FnOnce() + Send + 'static) {
    spawn_deep(scenario).join();
}
