//! The handle that everybody else has: propose, read, look.

use std::sync::Arc;

use raft::eraftpb::ConfChangeV2;
use raft::{RawNode, StateRole};

use super::LogStore;
use super::run::Event;
use crate::image::Image;
use crate::mailbox::Sender;
use crate::pending::{Pending, Waiting};
use crate::sync::RwLock;

/// A member of a Raft group. Clones are the same member; its [`RaftLoop`](super::RaftLoop) must be run.
pub struct Node<S: LogStore, T> {
    pub(super) shared: Arc<Shared<S, T>>,
    events: Sender<Event>,
}

pub(super) struct Shared<S: LogStore, T> {
    /// Taken by the loop once in a round, and by callers for a few lines.
    pub(super) raw: RwLock<RawNode<S>>,
    /// Proposals and reads that wait. Opened under the node lock, together with the proposal; completed without it.
    pub(super) pending: Pending<u64, Outcome<T>>,
    /// Who leads, as of the last round.
    pub(super) leadership: Image<Leadership>,
}

/// What became of a proposal or a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The entry at this index is committed and applied.
    Applied {
        /// Its index in the log.
        index: u64,
        /// What the state machine said; `None` of a ConfChange.
        value: Option<T>,
    },
    /// Everything that was committed when the read began is applied: the index up to which.
    Readable(u64),
    /// This node does not lead any more. A proposal may still be committed by the next leader, or not.
    LeaderChanged,
    /// The loop has ended.
    Stopped,
}

/// Why a proposal was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Another node leads.
    #[error("node {leader_id} leads this group, not this node: ask there (0: nobody leads yet, try again)")]
    NotLeader {
        /// Who leads, as far as this node knows; 0 for nobody.
        leader_id: u64,
    },
    /// raft does not take it now: another ConfChange is under way, the leader is being transferred, or too much is uncommitted.
    #[error(
        "the proposal was dropped: a membership change or too much uncommitted work is under way; try again"
    )]
    Dropped,
    /// The loop has ended.
    #[error("this node is shutting down")]
    Stopped,
}

/// Who leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    /// Raft term.
    pub term: u64,
    /// Node id of the leader; 0 for nobody.
    pub leader_id: u64,
    /// Whether it is this node.
    pub is_leader: bool,
}

/// A member as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Who leads.
    pub leadership: Leadership,
    /// Index up to which entries are committed.
    pub committed: u64,
    /// Index up to which they are applied.
    pub applied: u64,
}

impl<S: LogStore, T> Node<S, T> {
    pub(super) fn new(raw: RawNode<S>, events: Sender<Event>) -> Self {
        let leadership = Image::new(leadership_of(&raw));
        let shared = Shared { raw: RwLock::new(raw), pending: Pending::new(), leadership };
        Self { shared: Arc::new(shared), events }
    }

    /// Proposes an entry. Leadership is checked, the waiter registered and the entry proposed in one critical section, so that an answer cannot
    /// come before there is somebody to give it to.
    ///
    /// # Errors
    /// See [`ProposeError`]; nothing was proposed.
    pub fn propose(&self, data: Vec<u8>) -> Result<Waiting<u64, Outcome<T>>, ProposeError> {
        self.submit(|raw, context| raw.propose(context, data))
    }

    /// Proposes a change of membership, joint if it changes more than one voter (Raft thesis, 4.3).
    ///
    /// # Errors
    /// See [`ProposeError`]; nothing was proposed.
    pub fn propose_conf_change(
        &self,
        change: ConfChangeV2,
    ) -> Result<Waiting<u64, Outcome<T>>, ProposeError> {
        self.submit(|raw, context| raw.propose_conf_change(context, change))
    }

    /// Asks for an index that is safe to read at (ReadIndex; Raft thesis, 6.4).
    ///
    /// # Errors
    /// See [`ProposeError`].
    pub fn read_index(&self) -> Result<Waiting<u64, Outcome<T>>, ProposeError> {
        self.submit(|raw, context| {
            raw.read_index(context);
            Ok(())
        })
    }

    fn submit(
        &self,
        submit: impl FnOnce(&mut RawNode<S>, Vec<u8>) -> raft::Result<()>,
    ) -> Result<Waiting<u64, Outcome<T>>, ProposeError> {
        let mut raw = self.shared.raw.write();
        if raw.raft.state != StateRole::Leader {
            return Err(ProposeError::NotLeader { leader_id: raw.raft.leader_id });
        }
        let waiting = self.shared.pending.open().map_err(|_| ProposeError::Stopped)?;
        let context = Context { node_id: raw.raft.id, key: waiting.key() };
        let submitted = submit(&mut raw, context.encode());
        drop(raw);
        submitted.map_err(|_| ProposeError::Dropped)?;
        self.poke();
        Ok(waiting)
    }

    /// How the member stands.
    pub fn status(&self) -> Status {
        let raw = self.shared.raw.read();
        let log = &raw.raft.raft_log;
        Status { leadership: leadership_of(&raw), committed: log.committed, applied: log.applied }
    }

    /// Who leads, and how to wait for a change.
    pub fn leadership(&self) -> &Image<Leadership> {
        &self.shared.leadership
    }

    /// A full mailbox needs no poke: the loop is about to look anyway.
    fn poke(&self) {
        let _full_or_closed = self.events.try_send(Event::Poke);
    }
}

pub(super) fn leadership_of<S: LogStore>(raw: &RawNode<S>) -> Leadership {
    let raft = &raw.raft;
    Leadership { term: raft.term, leader_id: raft.leader_id, is_leader: raft.state == StateRole::Leader }
}

/// Travels with an entry, so that the node that proposed it knows its waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) node_id: u64,
    pub(super) key: u64,
}

impl Context {
    fn encode(self) -> Vec<u8> {
        [self.node_id.to_be_bytes(), self.key.to_be_bytes()].concat()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (node_id, key) = bytes.split_first_chunk()?;
        let key = key.try_into().ok()?;
        Some(Self { node_id: u64::from_be_bytes(*node_id), key: u64::from_be_bytes(key) })
    }
}

impl<S: LogStore, T> Clone for Node<S, T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), events: self.events.clone() }
    }
}
