//! What happens while the node lock is held. Everything here gets `&mut RawNode`, and none of it can reach the lock.

use raft::eraftpb::{ConfChange, ConfChangeV2, ConfState, Entry, EntryType, HardState, Message, Snapshot};
use raft::{RawNode, ReadState};

use super::node::{Context, Outcome};
use super::run::RaftLoopError;
use super::{ElectionTimeouts, LogStore, StateMachine};

/// What a round begins with.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    /// The last number that the WAL thread has made durable.
    pub(super) persisted: Option<u64>,
    pub(super) ticks: usize,
    pub(super) messages: Vec<Message>,
}

/// What is to be made durable, in the order of `number`. A snapshot comes before its entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Persist {
    /// Counts rounds that had something ready.
    pub number: u64,
    /// The log begins anew with it.
    pub snapshot: Option<Snapshot>,
    /// In place of everything from the first one's index on.
    pub entries: Vec<Entry>,
    /// Term, vote and commit index, if one changed.
    pub hard_state: Option<HardState>,
    /// Membership as of `applied`, if it changed.
    pub conf_state: Option<ConfState>,
    /// Index of the last entry applied.
    pub applied: u64,
    /// Whether it must be synced, not only written.
    pub must_sync: bool,
}

/// What came of a round, to be acted upon after the lock is gone.
#[derive(Debug)]
pub struct Round<T> {
    /// For readers and other nodes at once.
    pub(super) messages: Vec<Message>,
    /// For after `persist`.
    pub(super) persisted_messages: Vec<Message>,
    /// Nothing if nothing was ready.
    pub(super) persist: Option<Persist>,
    /// Proposals of this node that were applied.
    pub(super) applied: Vec<(u64, Outcome<T>)>,
    pub(super) reads: Vec<ReadState>,
    /// Index up to which entries are applied.
    pub(super) applied_to: u64,
    /// Whether the state machine has changed.
    pub(super) changed: bool,
    /// Whether there is more to do at once.
    pub(super) again: bool,
}

/// One round.
pub(super) fn round<S: LogStore, M: StateMachine>(
    raw: &mut RawNode<S>,
    inputs: Inputs,
    machine: &mut M,
    timeouts: &mut impl ElectionTimeouts,
) -> Result<Round<M::Applied>, RaftLoopError> {
    if let Some(number) = inputs.persisted {
        raw.on_persist_ready(number);
    }
    for _ in 0..inputs.ticks {
        raw.tick();
        raw.raft.set_randomized_election_timeout(timeouts.next());
    }
    for message in inputs.messages {
        let _unwanted = raw.step(message); // of a removed node, or of an older term
        raw.raft.set_randomized_election_timeout(timeouts.next());
    }
    let mut round = Round {
        messages: Vec::new(),
        persisted_messages: Vec::new(),
        persist: None,
        applied: Vec::new(),
        reads: Vec::new(),
        applied_to: raw.raft.raft_log.applied,
        changed: false,
        again: false,
    };
    if raw.has_ready() {
        carry_out(raw, machine, &mut round)?;
        round.again = raw.has_ready();
    }
    Ok(round)
}

/// From `ready` to `advance`, without letting anybody in between.
fn carry_out<S: LogStore, M: StateMachine>(
    raw: &mut RawNode<S>,
    machine: &mut M,
    round: &mut Round<M::Applied>,
) -> Result<(), RaftLoopError> {
    let mut ready = raw.ready();
    round.messages = ready.take_messages();
    round.persisted_messages = ready.take_persisted_messages();
    round.reads = ready.take_read_states();
    let snapshot = (!ready.snapshot().is_empty()).then(|| ready.snapshot().clone());
    if let Some(snapshot) = &snapshot {
        raw.mut_store().put_snapshot(snapshot);
        machine.restore(snapshot);
        round.changed = true;
        round.applied_to = snapshot.get_metadata().index;
    }
    let mut conf_state = None;
    for entry in ready.take_committed_entries() {
        conf_state = apply(raw, machine, &entry, round)?.or(conf_state);
    }
    let entries = ready.take_entries();
    let hard_state = ready.hs().cloned();
    raw.mut_store().put_entries(&entries);
    if let Some(hard_state) = &hard_state {
        raw.mut_store().put_hard_state(hard_state);
    }
    round.persist = Some(Persist {
        number: ready.number(),
        snapshot,
        entries,
        hard_state,
        conf_state,
        applied: round.applied_to,
        must_sync: ready.must_sync(),
    });
    raw.advance_append_async(ready);
    raw.advance_apply_to(round.applied_to);
    Ok(())
}

/// Applies one committed entry; a ConfChange with the guard in hand. Returns the membership if it changed.
fn apply<S: LogStore, M: StateMachine>(
    raw: &mut RawNode<S>,
    machine: &mut M,
    entry: &Entry,
    round: &mut Round<M::Applied>,
) -> Result<Option<ConfState>, RaftLoopError> {
    let mut conf_state = None;
    let mut value = None;
    match entry.get_entry_type() {
        EntryType::EntryNormal if entry.data.is_empty() => {} // a new leader's first
        EntryType::EntryNormal => {
            value = Some(machine.apply(entry));
            round.changed = true;
        }
        EntryType::EntryConfChange => {
            let changed = raw.apply_conf_change(&decode::<ConfChange>(entry)?);
            conf_state = Some(note_membership(raw, entry, changed)?);
        }
        EntryType::EntryConfChangeV2 => {
            let changed = raw.apply_conf_change(&decode::<ConfChangeV2>(entry)?);
            conf_state = Some(note_membership(raw, entry, changed)?);
        }
    }
    round.applied_to = entry.index;
    if let Some(Context { node_id, key }) = Context::decode(&entry.context)
        && node_id == raw.raft.id
    {
        round.applied.push((key, Outcome::Applied { index: entry.index, value }));
    }
    Ok(conf_state)
}

/// Takes note of a membership that raft has gone over to.
fn note_membership<S: LogStore>(
    raw: &mut RawNode<S>,
    entry: &Entry,
    changed: raft::Result<ConfState>,
) -> Result<ConfState, RaftLoopError> {
    let conf_state =
        changed.map_err(|error| RaftLoopError::Corrupt { index: entry.index, reason: error.to_string() })?;
    raw.mut_store().put_conf_state(&conf_state);
    Ok(conf_state)
}

fn decode<C: protobuf::Message>(entry: &Entry) -> Result<C, RaftLoopError> {
    let corrupt = |error: protobuf::ProtobufError| RaftLoopError::Corrupt {
        index: entry.index,
        reason: error.to_string(),
    };
    let mut change = C::new();
    change.merge_from_bytes(&entry.data).map_err(corrupt)?;
    Ok(change)
}
