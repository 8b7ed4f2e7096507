//! The loop: one mailbox, one round after the other.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use raft::RawNode;
use raft::eraftpb::Message;

use super::node::{Context, Leadership, Node, Outcome, Shared, leadership_of};
use super::round::{Inputs, Persist, Round, round};
use super::{ElectionTimeouts, LogStore, StateMachine, Transport};
use crate::mailbox::{self, Receiver, Sender};

/// What the loop wakes up for.
#[derive(Debug)]
pub enum Event {
    /// A tick of raft's clock has passed.
    Tick,
    /// A message of another node has come.
    Message(Box<Message>),
    /// The WAL thread is done with the request that it was given last.
    Persisted(Result<u64, PersistFailed>),
    /// Something was proposed.
    Poke,
    /// The node shuts down.
    Stop,
}

/// The disk has failed; what was to be written may be there, or not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Raft log could not be written: {0}")]
pub struct PersistFailed(pub String);

/// Why the loop ended, other than by [`Event::Stop`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RaftLoopError {
    /// Nothing that depends on it was sent. The process must stop; a restart recovers the log.
    #[error("{0}: nothing that depends on it was sent; free or replace the disk, then restart this node")]
    Persist(#[from] PersistFailed),
    /// A committed entry is not what it claims to be: the log is damaged, or was written by a newer version.
    #[error(
        "committed entry {index} cannot be applied: {reason}; this node's log is damaged or of a newer version"
    )]
    Corrupt {
        /// Index of the entry.
        index: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// The owner of the state machine; the only one that steps the node.
pub struct RaftLoop<S: LogStore, M: StateMachine, T, R> {
    node: Arc<Shared<S, M::Applied>>,
    events: Receiver<Event>,
    machine: M,
    transport: T,
    timeouts: R,
    /// One request at a time is with the WAL thread, so that there is always room.
    to_wal: Sender<Persist>,
    /// Requests in order, with the messages that wait for each; the first is with the WAL thread.
    unpersisted: VecDeque<Unpersisted>,
    /// Reads that are safe once this index is applied.
    reads: BTreeMap<u64, Vec<u64>>,
    leadership: Leadership,
}

struct Unpersisted {
    /// Until it is given to the WAL thread.
    request: Option<Persist>,
    messages: Vec<Message>,
}

/// A member's handle, its loop, and what the WAL thread is asked.
pub type Parts<S, M, T, R> = (Node<S, <M as StateMachine>::Applied>, RaftLoop<S, M, T, R>, Receiver<Persist>);

/// A member over `raw`: its handle, its loop, and what the WAL thread is asked.
pub fn new<S: LogStore, M: StateMachine, T: Transport, R: ElectionTimeouts>(
    raw: RawNode<S>,
    events: (Sender<Event>, Receiver<Event>),
    machine: M,
    transport: T,
    timeouts: R,
) -> Parts<S, M, T, R> {
    let leadership = leadership_of(&raw);
    let node = Node::new(raw, events.0);
    let (to_wal, requests) = mailbox::channel(1);
    let raft_loop = RaftLoop {
        node: node.shared.clone(),
        events: events.1,
        machine,
        transport,
        timeouts,
        to_wal,
        unpersisted: VecDeque::new(),
        reads: BTreeMap::new(),
        leadership,
    };
    (node, raft_loop, requests)
}

impl<S: LogStore, M: StateMachine, T: Transport, R: ElectionTimeouts> RaftLoop<S, M, T, R> {
    /// Runs until [`Event::Stop`], until nobody can send an event any more, or until the disk fails. Then everybody who waits learns that it
    /// has stopped, nothing is sent any more, and the WAL thread finds its mailbox closed.
    ///
    /// *Cancel-safety*: none; a loop that is dropped half-way leaves its waiters without an answer.
    ///
    /// # Errors
    /// See [`RaftLoopError`].
    pub async fn run(mut self) -> Result<(), RaftLoopError> {
        let ended = self.work().await;
        self.events.close();
        self.node.pending.close(|_| Outcome::Stopped);
        self.node.leadership.close();
        ended
    }

    async fn work(&mut self) -> Result<(), RaftLoopError> {
        while let Some(first) = self.events.recv().await {
            let mut inputs = Inputs::default();
            let mut next = Some(first);
            while let Some(event) = next {
                match event {
                    Event::Stop => return Ok(()),
                    Event::Poke => {}
                    Event::Tick => inputs.ticks += 1,
                    Event::Message(message) => inputs.messages.push(*message),
                    Event::Persisted(number) => {
                        inputs.persisted = Some(number?);
                        self.send_persisted();
                    }
                }
                next = self.events.try_recv();
            }
            while self.round(std::mem::take(&mut inputs))? {}
        }
        Ok(())
    }

    /// Returns whether there is more to do at once.
    fn round(&mut self, inputs: Inputs) -> Result<bool, RaftLoopError> {
        let (done, leadership) = {
            let mut raw = self.node.raw.write(); // the one acquisition
            let done = round(&mut raw, inputs, &mut self.machine, &mut self.timeouts)?;
            (done, leadership_of(&raw))
        };
        let again = done.again;
        self.tell(done, leadership);
        Ok(again)
    }

    /// After the lock: readers first, then those who wait, then the other nodes, then the disk.
    fn tell(&mut self, round: Round<M::Applied>, leadership: Leadership) {
        if round.changed {
            self.machine.publish();
        }
        for (key, outcome) in round.applied {
            self.node.pending.complete(key, outcome);
        }
        self.answer_reads(round.reads, round.applied_to);
        self.note_leadership(leadership);
        for message in round.messages {
            self.transport.send(message);
        }
        if let Some(request) = round.persist {
            self.unpersisted
                .push_back(Unpersisted { request: Some(request), messages: round.persisted_messages });
            self.ask_wal();
        }
    }

    fn answer_reads(&mut self, begun: Vec<raft::ReadState>, applied_to: u64) {
        for read in begun {
            if let Some(Context { key, .. }) = Context::decode(&read.request_ctx) {
                self.reads.entry(read.index).or_default().push(key);
            }
        }
        while let Some(first) = self.reads.first_entry().filter(|first| *first.key() <= applied_to) {
            for key in first.remove() {
                self.node.pending.complete(key, Outcome::Readable(applied_to));
            }
        }
    }

    /// Whoever waits for a leader that is gone learns it; the last change is always there to be seen.
    fn note_leadership(&mut self, leadership: Leadership) {
        if leadership == self.leadership {
            return;
        }
        let lost =
            self.leadership.is_leader && leadership.term != self.leadership.term || !leadership.is_leader;
        self.leadership = leadership;
        self.node.leadership.replace(leadership);
        if lost {
            self.reads.clear();
            self.node.pending.complete_through(u64::MAX, |_| Outcome::LeaderChanged);
        }
    }

    /// The request at the WAL thread is durable: what waited for it leaves, and the next one follows.
    fn send_persisted(&mut self) {
        if let Some(Unpersisted { messages, .. }) = self.unpersisted.pop_front() {
            messages.into_iter().for_each(|message| self.transport.send(message));
        }
        self.ask_wal();
    }

    /// Gives the first request to the WAL thread, if it does not have it yet.
    fn ask_wal(&mut self) {
        if let Some(request) = self.unpersisted.front_mut().and_then(|first| first.request.take()) {
            let _ended = self.to_wal.try_send(request); // the WAL thread is gone: the node is about to stop
        }
    }
}
