//! What is outside of a member: its disk, and the network that looks at each message as it leaves.

use std::sync::Arc;

use concurrency_models::mailbox::{Receiver, Sender};
use concurrency_models::raft_loop::{Event, LogStore, MemoryStore, Persist, Transport};
use concurrency_models::sync::Mutex;
use loom_tests::run::block_on;
use raft::eraftpb::{HardState, Message, MessageType, Snapshot};
use raft::{RaftState, Storage};

/// What has become durable, and what was sent.
#[derive(Default)]
pub(crate) struct World {
    /// What a restart would find.
    pub(crate) disk: MemoryStore,
    /// Number of the last request that is durable.
    pub(crate) persisted: u64,
    pub(crate) sent: Vec<Message>,
    /// The loop has ended: nothing may be sent any more.
    pub(crate) over: bool,
}

impl World {
    /// Index of the last entry on the disk.
    fn durable(&self) -> u64 {
        self.disk.last_index().expect("a log in memory")
    }

    /// Term and vote on the disk.
    fn hard_state(&self) -> HardState {
        self.disk.initial_state().expect("a log in memory").hard_state
    }

    /// Makes a request durable. Returns the index of the last entry on the disk.
    pub(crate) fn persist(&mut self, request: &Persist) -> u64 {
        assert!(self.persisted < request.number, "requests come in order: {}", request.number);
        self.persisted = request.number;
        if let Some(snapshot) = &request.snapshot {
            self.disk = all_there_is(request, snapshot);
            return self.durable();
        }
        self.disk.put_entries(&request.entries);
        if let Some(hard_state) = &request.hard_state {
            self.disk.put_hard_state(hard_state);
        }
        self.durable()
    }

    /// What others may conclude from a message is on the disk: the term, a vote, the entries acknowledged.
    fn look_at(&self, message: &Message) {
        assert!(!self.over, "sent after the end: {message:?}");
        let hard_state = self.hard_state();
        let kind = message.get_msg_type();
        if kind != MessageType::MsgRequestPreVote {
            assert!(message.term <= hard_state.term, "its term was seen before it is durable: {message:?}");
        }
        if kind == MessageType::MsgAppendResponse && !message.reject {
            assert!(message.index <= self.durable(), "acknowledged before it is durable: {}", message.index);
        }
        if kind == MessageType::MsgSnapshot {
            let durable = self.disk.last_snapshot().get_metadata().index;
            let sent = message.get_snapshot().get_metadata().index;
            assert!(sent <= durable, "a snapshot was sent before it is durable: {sent}");
        }
        if kind == MessageType::MsgRequestVoteResponse && !message.reject {
            let vote = (hard_state.term, hard_state.vote);
            assert_eq!(vote, (message.term, message.to), "voted before the vote is durable");
        }
    }
}

/// A disk that has what a request with a snapshot says, and nothing of what was there before it.
fn all_there_is(request: &Persist, snapshot: &Snapshot) -> MemoryStore {
    let hard_state = request.hard_state.clone().expect("a request with a snapshot has a hard state");
    let conf_state = snapshot.get_metadata().get_conf_state().clone();
    let state = RaftState { hard_state, conf_state };
    MemoryStore::recovered(state, snapshot.clone(), request.entries.clone())
}

/// Checks each message as it leaves.
pub(crate) struct Network(pub(crate) Arc<Mutex<World>>);

impl Transport for Network {
    fn send(&mut self, message: Message) {
        let mut world = self.0.lock();
        world.look_at(&message);
        world.sent.push(message);
    }
}

/// The WAL thread: makes requests durable until the entry at `index` is among them, and says so once.
pub(crate) fn serve_until(
    index: u64,
    requests: &mut Receiver<Persist>,
    events: &Sender<Event>,
    world: &Mutex<World>,
) {
    loop {
        let request = block_on(requests.recv()).expect("the loop asks");
        if world.lock().persist(&request) >= index {
            assert!(block_on(events.send(Event::Persisted(Ok(request.number)))).is_ok());
            return;
        }
    }
}

/// The WAL thread: makes one request durable and says so.
pub(crate) fn serve_one(requests: &mut Receiver<Persist>, events: &Sender<Event>, world: &Mutex<World>) {
    serve_until(0, requests, events, world);
}
