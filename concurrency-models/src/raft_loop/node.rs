//! The handle that everybody else has: propose, read, look.

use std::sync::Arc;

use raft::eraftpb::ConfChangeV2;
use raft::{Changer, Raft, RawNode, StateRole};

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
    /// Taken by the loop once in a round, and by callers for a few lines. When it is given back, the loop is about to run a round if there is
    /// anything ready, or it has been poked.
    pub(super) raw: RwLock<RawNode<S>>,
    /// Proposals that wait. Registered under the node lock, together with the proposal; completed without it.
    pub(super) proposals: Pending<Position, Outcome<T>>,
    /// Reads that wait, by the number that raft gives back as their context; otherwise as `proposals`.
    pub(super) reads: Pending<u64, Outcome<T>>,
    /// Who leads, as of the last round.
    pub(super) leadership: Image<Leadership>,
}

/// Where an entry is. No two entries are ever at one (Raft paper, figure 3: log matching), also not one of this node before a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Raft term in which it was proposed.
    pub term: u64,
    /// Index in the log.
    pub index: u64,
}

/// Somebody waits for the outcome of a proposal.
pub type Proposed<T> = Waiting<Position, Outcome<T>>;

/// Somebody waits for a read to be safe.
pub type Reading<T> = Waiting<u64, Outcome<T>>;

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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Another node leads.
    #[error("node {leader_id} leads this group, not this node: ask there (0: nobody leads yet, try again)")]
    NotLeader {
        /// Who leads, as far as this node knows; 0 for nobody.
        leader_id: u64,
    },
    /// raft does not take it now: another ConfChange is under way, the leader is being transferred, too much is uncommitted, or (a read) the
    /// leader has not committed anything in its term yet.
    #[error("not now: a membership change, a new term or too much uncommitted work is under way; try again")]
    Dropped,
    /// The membership as it is cannot be changed so. Once committed, such an entry would stop every member.
    #[error("the membership cannot be changed so: {0}")]
    Impossible(String),
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

impl<S: LogStore, T> Node<S, T> {
    pub(super) fn new(raw: RawNode<S>, events: Sender<Event>) -> Self {
        let leadership = Image::new(leadership_of(&raw));
        let (proposals, reads) = (Pending::new(), Pending::new());
        Self { shared: Arc::new(Shared { raw: RwLock::new(raw), proposals, reads, leadership }), events }
    }

    /// Proposes an entry. Leadership is checked, the entry proposed and its waiter registered in one critical section, so that an answer cannot
    /// come before there is somebody to give it to.
    ///
    /// # Errors
    /// See [`ProposeError`]; nothing was proposed.
    pub fn propose(&self, data: Vec<u8>) -> Result<Proposed<T>, ProposeError> {
        self.with_leader(|raw| {
            raw.propose(Vec::new(), data).map_err(|_| ProposeError::Dropped)?;
            self.await_last(raw)
        })
    }

    /// Proposes a change of membership, joint if it changes more than one voter (Raft thesis, 4.3).
    ///
    /// # Errors
    /// See [`ProposeError`]; nothing was proposed.
    pub fn propose_conf_change(&self, change: ConfChangeV2) -> Result<Proposed<T>, ProposeError> {
        self.with_leader(|raw| {
            admit(&raw.raft, &change)?;
            raw.propose_conf_change(Vec::new(), change).map_err(|_| ProposeError::Dropped)?;
            self.await_last(raw)
        })
    }

    /// Asks for an index that is safe to read at (ReadIndex; Raft thesis, 6.4).
    ///
    /// # Errors
    /// See [`ProposeError`].
    pub fn read_index(&self) -> Result<Reading<T>, ProposeError> {
        self.with_leader(|raw| {
            if !raw.raft.commit_to_current_term() {
                return Err(ProposeError::Dropped); // raft would drop it too, and say nothing
            }
            let waiting = self.shared.reads.open().map_err(|_| ProposeError::Stopped)?;
            raw.read_index(waiting.key().to_be_bytes().to_vec());
            Ok(waiting)
        })
    }

    /// Proposes an entry if this node leads in `term`: for what was decided by what it has known in that term, and may not be so in a later one.
    ///
    /// # Errors
    /// See [`ProposeError`]; nothing was proposed.
    pub fn propose_in(&self, term: u64, data: Vec<u8>) -> Result<Proposed<T>, ProposeError> {
        self.with_leader(|raw| {
            if raw.raft.term != term {
                return Err(ProposeError::NotLeader { leader_id: raw.raft.leader_id });
            }
            raw.propose(Vec::new(), data).map_err(|_| ProposeError::Dropped)?;
            self.await_last(raw)
        })
    }

    /// Has another voter lead as soon as it has everything (Raft thesis, 3.10). Until then, or until an election timeout has passed, this node refuses
    /// proposals. Nothing happens if `node_id` is no voter.
    ///
    /// # Errors
    /// This node does not lead.
    pub fn transfer_leadership(&self, node_id: u64) -> Result<(), ProposeError> {
        self.with_leader(|raw| {
            raw.transfer_leader(node_id);
            Ok(())
        })
    }

    /// Registers a waiter for the entry that was proposed last.
    fn await_last(&self, raw: &RawNode<S>) -> Result<Proposed<T>, ProposeError> {
        let position = Position { term: raw.raft.term, index: raw.raft.raft_log.last_index() };
        self.shared.proposals.register(position).map_err(|_| ProposeError::Stopped)
    }

    /// Does something with the node if it leads, and tells the loop if it has anything to do because of that and does not know yet.
    fn with_leader<R>(
        &self,
        act: impl FnOnce(&mut RawNode<S>) -> Result<R, ProposeError>,
    ) -> Result<R, ProposeError> {
        let mut raw = self.shared.raw.write();
        if raw.raft.state != StateRole::Leader {
            return Err(ProposeError::NotLeader { leader_id: raw.raft.leader_id });
        }
        let known = raw.has_ready();
        let done = act(&mut raw);
        let news = !known && raw.has_ready();
        drop(raw);
        if news {
            self.poke();
        }
        done
    }

    /// Who leads, and how to wait for a change.
    pub fn leadership(&self) -> &Image<Leadership> {
        &self.shared.leadership
    }

    /// A full mailbox needs no poke: the loop runs a round after it has taken from it.
    fn poke(&self) {
        let _full_or_closed = self.events.try_send(Event::Poke);
    }
}

pub(super) fn leadership_of<S: LogStore>(raw: &RawNode<S>) -> Leadership {
    let raft = &raw.raft;
    Leadership { term: raft.term, leader_id: raft.leader_id, is_leader: raft.state == StateRole::Leader }
}

/// Whether a change can be applied to the membership as it is. No other one comes between: raft takes them one by one. It would put an empty
/// entry in place of one that comes too early, and say nothing.
fn admit<S: LogStore>(raft: &Raft<S>, change: &ConfChangeV2) -> Result<(), ProposeError> {
    if raft.has_pending_conf() {
        return Err(ProposeError::Dropped);
    }
    let mut changer = Changer::new(raft.prs());
    let changed = match change.enter_joint() {
        _ if change.changes.is_empty() => changer.leave_joint(),
        Some(auto_leave) => changer.enter_joint(auto_leave, &change.changes),
        None => changer.simple(&change.changes),
    };
    changed.map(|_| ()).map_err(|error| ProposeError::Impossible(error.to_string()))
}

impl<S: LogStore, T> Clone for Node<S, T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), events: self.events.clone() }
    }
}
