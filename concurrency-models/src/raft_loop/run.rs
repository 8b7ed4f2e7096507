//! The loop: one mailbox, one round after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use raft::RawNode;
use raft::eraftpb::Message;

use super::compaction::{Compaction, Compactor};
use super::held::Held;
use super::node::{Leadership, Node, Outcome, Position, Shared, leadership_of};
use super::round::{Applier, Inputs, Persist, Round, round};
use super::{ElectionTimeouts, LogStore, StateMachine, Transport};
use crate::mailbox::{self, Receiver, Sender};

/// Events that one round takes at most, so that what comes of the first is not held up by the last.
const EVENTS_PER_ROUND: usize = 64;

/// Requests that are with the WAL thread at most. More wait in the loop.
const REQUESTS_AT_WAL: usize = 16;

/// What the loop wakes up for.
#[derive(Debug)]
pub enum Event {
    /// A tick of raft's clock has passed.
    Tick,
    /// A message of another node has come.
    Message(Box<Message>),
    /// What was sent to this node may not have come there: its connection broke, or its queue was full. Not needed for safety, nor for the
    /// group to get on: raft sends less at a time until the node answers again.
    Unreachable(u64),
    /// The WAL thread has made everything up to the request of this number durable.
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

/// The owner of the state machine; the only one that steps the node. When it ends, however it ends, everybody who waits learns that it has
/// stopped, nothing is sent any more, and the WAL thread finds its mailbox closed.
pub struct RaftLoop<S: LogStore, M: StateMachine, T, R> {
    node: Arc<Shared<S, M::Applied>>,
    events: Receiver<Event>,
    applier: Applier<M>,
    transport: T,
    timeouts: R,
    /// Has requests and messages in the order of their rounds.
    held: Held,
    /// Reads that are safe once this index is applied.
    reads: BTreeMap<u64, Vec<u64>>,
    leadership: Leadership,
}

/// A member's handle, its loop, and what the WAL thread is asked: it takes all requests that are there, writes them in order, syncs once, and
/// says [`Event::Persisted`] with the last one's number.
pub type Parts<S, M, T, R> = (Node<S, <M as StateMachine>::Applied>, RaftLoop<S, M, T, R>, Receiver<Persist>);

/// A member over `raw`, whose `applied` is that of `machine`. If it is the only voter, it leads as soon as its loop runs.
pub fn new<S: LogStore, M: StateMachine, T: Transport, R: ElectionTimeouts>(
    mut raw: RawNode<S>,
    events: (Sender<Event>, Receiver<Event>),
    machine: M,
    transport: T,
    mut timeouts: R,
    compaction: Compaction,
) -> Parts<S, M, T, R> {
    raw.raft.set_randomized_election_timeout(timeouts.next());
    let leadership = leadership_of(&raw);
    let compactor = Compactor::new(compaction);
    let applier = Applier { machine, applied: raw.raft.raft_log.applied, compactor };
    let node = Node::new(raw, events.0);
    let (to_wal, requests) = mailbox::channel(REQUESTS_AT_WAL);
    let raft_loop = RaftLoop {
        node: node.shared.clone(),
        events: events.1,
        applier,
        transport,
        timeouts,
        held: Held::new(to_wal),
        reads: BTreeMap::new(),
        leadership,
    };
    (node, raft_loop, requests)
}

impl<S: LogStore, M: StateMachine, T: Transport, R: ElectionTimeouts> RaftLoop<S, M, T, R> {
    /// Runs until [`Event::Stop`], until nobody can send an event any more, or until the disk fails.
    ///
    /// *Cancel-safety*: dropped, the loop has ended, as by [`Event::Stop`].
    ///
    /// # Errors
    /// See [`RaftLoopError`].
    pub async fn run(mut self) -> Result<(), RaftLoopError> {
        let starts = Inputs { starts: true, ..Inputs::default() };
        self.rounds(starts)?; // a restart may have something to apply
        while let Some(first) = self.events.recv().await {
            let Some(inputs) = self.take(first)? else { return Ok(()) };
            self.rounds(inputs)?;
        }
        Ok(())
    }

    /// What has come since the last round, or `None` if the node is to stop.
    fn take(&mut self, first: Event) -> Result<Option<Inputs>, RaftLoopError> {
        let mut inputs = Inputs::default();
        let mut next = Some(first);
        for room in (0..EVENTS_PER_ROUND).rev() {
            let Some(event) = next else { break };
            match event {
                Event::Stop => return Ok(None),
                Event::Poke => {}
                Event::Tick => inputs.ticks += 1,
                Event::Message(message) => inputs.messages.push(*message),
                Event::Unreachable(node_id) => inputs.unreachable.push(node_id),
                Event::Persisted(number) => self.held.persisted(number?, &mut self.transport)?,
            }
            next = if room > 0 { self.events.try_recv() } else { None };
        }
        Ok(Some(inputs))
    }

    /// Rounds until there is nothing more to do at once.
    fn rounds(&mut self, mut inputs: Inputs) -> Result<(), RaftLoopError> {
        loop {
            inputs.persisted = self.held.take_durable();
            inputs.compacted = inputs.persisted.and_then(|number| self.applier.compactor.end(number));
            let next = Inputs { starts: inputs.starts, ..Inputs::default() };
            if !self.round(std::mem::replace(&mut inputs, next))? {
                return Ok(());
            }
        }
    }

    /// Returns whether there is more to do at once.
    fn round(&mut self, inputs: Inputs) -> Result<bool, RaftLoopError> {
        let (done, leadership) = {
            let mut raw = self.node.raw.write(); // the one acquisition
            let done = round(&mut raw, inputs, &mut self.applier, &mut self.timeouts)?;
            (done, leadership_of(&raw))
        };
        let again = done.again;
        self.tell(done, leadership)?;
        Ok(again)
    }

    /// After the lock: readers first, then those who wait, then the other nodes, then the disk.
    fn tell(&mut self, round: Round<M::Applied>, leadership: Leadership) -> Result<(), PersistFailed> {
        if round.changed {
            self.applier.machine.publish();
        }
        for (position, outcome) in round.applied {
            self.node.proposals.complete(position, outcome);
        }
        self.answer_reads(round.reads);
        self.note_leadership(leadership);
        let Some(ready) = round.ready else { return Ok(()) };
        let Applier { machine, compactor, .. } = &mut self.applier;
        self.held.send_or_hold(round.messages, ready, &mut self.transport, |request| {
            compactor.complete(machine, request);
        })
    }

    fn answer_reads(&mut self, begun: Vec<raft::ReadState>) {
        for read in begun {
            if let Ok(key) = read.request_ctx.try_into() {
                self.reads.entry(read.index).or_default().push(u64::from_be_bytes(key));
            }
        }
        let applied = self.applier.applied;
        while let Some(first) = self.reads.first_entry().filter(|first| *first.key() <= applied) {
            for key in first.remove() {
                self.node.reads.complete(key, Outcome::Readable(applied));
            }
        }
    }

    /// Whoever waits for a leader that is gone learns it; the last change is always there to be seen.
    fn note_leadership(&mut self, leadership: Leadership) {
        if leadership == self.leadership {
            return;
        }
        self.leadership = leadership;
        self.node.leadership.replace(leadership);
        let lost = if leadership.is_leader { leadership.term - 1 } else { u64::MAX };
        let last = Position { term: lost, index: u64::MAX };
        self.node.proposals.complete_through(last, |_| Outcome::LeaderChanged);
        self.reads.clear();
        self.node.reads.complete_through(u64::MAX, |_| Outcome::LeaderChanged);
    }
}

impl<S: LogStore, M: StateMachine, T, R> Drop for RaftLoop<S, M, T, R> {
    fn drop(&mut self) {
        self.events.close();
        self.node.proposals.close(|_| Outcome::Stopped);
        self.node.reads.close(|_| Outcome::Stopped);
        self.node.leadership.close();
    }
}
