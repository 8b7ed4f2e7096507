//! The Raft message loop around the real [`raft::RawNode`]: one acquisition of the node lock per round, the disk outside of it.
//!
//! ```text
//! propose, read_index, status: take the lock briefly ─┐        ┌─► Transport: what need not be durable first
//!                                     poke            ▼        │
//! ticks, messages, Persisted ──► mailbox ──► RaftLoop: round ──┼─► image, answers, leadership
//!                                     ▲                        │
//!                                     └──── WAL thread ◄───────┴─► Persist; then what had to wait for it
//! ```
//!
//! A round works on `&mut RawNode`: nothing below it knows the lock, so nothing below it can take it again. That is how a
//! ConfChange is applied with the guard in hand. The order in a round is that of raft's asynchronous API: `on_persist_ready`, inputs, `ready`,
//! committed entries, the storage's view in memory, `advance_append_async`, `advance_apply_to`. After the lock is gone: image, answers, leadership,
//! messages, then the disk. A message that depends on persistence leaves when the WAL thread has said [`Event::Persisted`], and another round follows at
//! once, because only then a single voter's entries commit (Raft thesis, 10.2.1).
//!
//! Where raft's own rules end, ours begin; each has a scenario of its name:
//! - a change of membership that could never be applied, or that raft would drop without a word, is refused when it is proposed;
//! - a leader that is removed steps down;
//! - a read before a term's first commit is refused, which raft would drop without a word;
//! - a single voter does not show a term that is not durable yet, and the last voter left does not lead before its disk has caught up;
//! - a snapshot counts as applied for raft only when it is durable;
//! - the log is compacted ([`Compaction`]): what a snapshot stands for is forgotten only when that is durable, and it is what the disk has instead;
//! - a snapshot is sent to nobody who is not a member in it: raft would send it for ever, and it would be refused;
//! - a snapshot on its way, or its answer, may get lost like any other message;
//! - whoever is the only voter leads as soon as it has started, without waiting for an election timeout;
//! - a waiter is registered by term and index: an entry of this node's former life is nobody's answer.

mod compaction;
mod held;
mod node;
mod round;
mod run;
mod status;
mod store;

pub use compaction::Compaction;
pub use node::{Leadership, Node, Outcome, Position, ProposeError, Proposed, Reading};
pub use round::Persist;
pub use run::{Event, Parts, PersistFailed, RaftLoop, RaftLoopError, new};
pub use status::{MemberProgress, Role, Status};
pub use store::{LogStore, MemoryStore};

use raft::eraftpb::{Entry, Message, Snapshot};

/// What committed entries change. Owned by the loop; [`apply`](Self::apply) and [`restore`](Self::restore) run under the node lock, so they
/// are plain functions of the state: they wait for nothing, and do not use the node.
pub trait StateMachine {
    /// What a proposer learns when its entry is applied.
    type Applied;
    /// Applies a committed entry; called once for each that carries data, in order of the log.
    ///
    /// # Errors
    /// The entry makes no sense to this version: the loop ends, since the state would be another than that of the other members.
    fn apply(&mut self, entry: &Entry) -> Result<Self::Applied, String>;
    /// Replaces the state by that of a snapshot: of the leader's, or of this node's before a restart.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), String>;
    /// The state as [`restore`](Self::restore) takes it. Called without the node lock, however long it takes; the loop does nothing else meanwhile.
    fn snapshot(&self) -> Vec<u8>;
    /// Shows the state to readers; called without the node lock, and before anybody learns that an entry is applied.
    fn publish(&mut self);
}

/// The way to other nodes. A message may get lost; it never makes the loop wait.
pub trait Transport {
    /// Sends, in the order of the calls for each receiver.
    fn send(&mut self, message: Message);
}

/// Draws election timeouts, in ticks, from a seed of ours: raft's own are random in every run.
pub trait ElectionTimeouts {
    /// The next one, at least `min_election_tick` and below `max_election_tick`.
    fn next(&mut self) -> usize;
}
