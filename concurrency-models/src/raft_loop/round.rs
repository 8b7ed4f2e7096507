//! What happens while the node lock is held. Everything here gets `&mut RawNode`, and none of it can reach the lock.

use raft::eraftpb::{ConfChange, ConfChangeV2, Entry, EntryType, HardState, Message, MessageType, Snapshot};
use raft::{INVALID_ID, RawNode, ReadState, SnapshotStatus, StateRole};

use super::compaction::{Compactor, all_there_is, compact};
use super::node::{Outcome, Position};
use super::run::RaftLoopError;
use super::{ElectionTimeouts, LogStore, StateMachine};

/// What a round begins with.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    /// Everything up to the ready of this number is durable.
    pub(super) persisted: Option<u64>,
    /// This snapshot is durable, and stands for the log up to it but for so many entries.
    pub(super) compacted: Option<(Snapshot, u64)>,
    /// The node has just started.
    pub(super) starts: bool,
    pub(super) ticks: usize,
    pub(super) messages: Vec<Message>,
    /// Nodes that do not get what is sent to them.
    pub(super) unreachable: Vec<u64>,
}

/// What is to be made durable, in the order of `number`.
///
/// A request with a snapshot is *all there is*: it takes the place of everything that was written before it, so what it has of entries is all that follows
/// the snapshot, and its hard state is always there. Either all of it is on the disk, or the disk is as it was. So whoever writes it need not know what was
/// there before: a new file with it, synced, then in place of the older ones.
///
/// A recovery takes the snapshot, its membership and its index as the one up to which everything is applied, the entries, and the last hard state:
/// the commit index in it brings the membership back to where this node has acted upon it.
#[derive(Clone, Debug, PartialEq)]
pub struct Persist {
    /// Grows from request to request.
    pub number: u64,
    /// The log begins anew with it: the leader's, or this node's own.
    pub snapshot: Option<Snapshot>,
    /// In place of everything from the first one's index on.
    pub entries: Vec<Entry>,
    /// Term, vote and commit index, if one changed or there is a snapshot.
    pub hard_state: Option<HardState>,
    /// Whether it must be synced, not only written.
    pub must_sync: bool,
}

/// What came of a round, to be acted upon after the lock is gone.
#[derive(Debug)]
pub(super) struct Round<T> {
    /// For other nodes at once.
    pub(super) messages: Vec<Message>,
    /// What raft had ready, if anything.
    pub(super) ready: Option<Readied>,
    /// Entries that were applied; somebody may wait for them.
    pub(super) applied: Vec<(Position, Outcome<T>)>,
    pub(super) reads: Vec<ReadState>,
    /// Whether the state machine has changed.
    pub(super) changed: bool,
    /// Whether there is more to do at once.
    pub(super) again: bool,
}

/// The disk's part of a round.
#[derive(Debug)]
pub(super) struct Readied {
    pub(super) number: u64,
    /// The term as of then.
    pub(super) term: u64,
    /// `None` if there is nothing to write.
    pub(super) persist: Option<Persist>,
    /// To be sent when everything up to here is durable.
    pub(super) messages: Vec<Message>,
}

/// The state machine, and how far it has come.
#[derive(Debug)]
pub(super) struct Applier<M> {
    pub(super) machine: M,
    /// Index of the last entry applied, or of the snapshot restored. raft learns of it only when that is durable, too.
    pub(super) applied: u64,
    pub(super) compactor: Compactor,
}

/// One round.
pub(super) fn round<S: LogStore, M: StateMachine>(
    raw: &mut RawNode<S>,
    inputs: Inputs,
    applier: &mut Applier<M>,
    timeouts: &mut impl ElectionTimeouts,
) -> Result<Round<M::Applied>, RaftLoopError> {
    let starts = inputs.starts;
    take_inputs(raw, inputs, timeouts);
    let mut round = Round {
        messages: Vec::new(),
        ready: None,
        applied: Vec::new(),
        reads: Vec::new(),
        changed: false,
        again: false,
    };
    if raw.has_ready() {
        carry_out(raw, applier, &mut round)?;
        wait_for_no_snapshot(raw, &round.messages);
    }
    note_applied(raw, applier.applied);
    with_our_timeouts(raw, timeouts, step_down_if_removed);
    if starts && !raw.has_ready() {
        with_our_timeouts(raw, timeouts, lead_if_alone);
    }
    round.again = raw.has_ready();
    Ok(round)
}

fn take_inputs<S: LogStore>(raw: &mut RawNode<S>, inputs: Inputs, timeouts: &mut impl ElectionTimeouts) {
    if let Some(number) = inputs.persisted {
        raw.on_persist_ready(number);
    }
    if let Some((snapshot, keep_entries)) = inputs.compacted {
        raw.mut_store().compact(&snapshot, keep_entries);
    }
    for node_id in inputs.unreachable {
        raw.report_unreachable(node_id);
    }
    for _ in 0..inputs.ticks {
        with_our_timeouts(raw, timeouts, tick);
    }
    for message in inputs.messages {
        with_our_timeouts(raw, timeouts, |raw| step(raw, message));
    }
}

/// raft draws a random election timeout whenever its term, its role or its leader changes: then we draw another. (Not more often: the
/// smallest of many draws is not random.)
fn with_our_timeouts<S: LogStore>(
    raw: &mut RawNode<S>,
    timeouts: &mut impl ElectionTimeouts,
    act: impl FnOnce(&mut RawNode<S>),
) {
    let stand = |raw: &RawNode<S>| (raw.raft.term, raw.raft.state, raw.raft.leader_id);
    let before = stand(raw);
    act(raw);
    if stand(raw) != before {
        raw.raft.set_randomized_election_timeout(timeouts.next());
    }
}

fn tick<S: LogStore>(raw: &mut RawNode<S>) {
    if raw.raft.state == StateRole::Leader || may_ask_for_votes(raw) {
        raw.tick();
    }
}

fn step<S: LogStore>(raw: &mut RawNode<S>, message: Message) {
    if message.get_msg_type() != MessageType::MsgTimeoutNow || may_ask_for_votes(raw) {
        let _unwanted = raw.step(message); // of a removed node, or of an older term
    }
}

/// The last voter of a group would lead as soon as it likes, and raft takes for granted that its log is durable then. All others wait for their
/// disk before they ask for a vote; but first raft looks for changes of membership that are not applied, and where a snapshot has taken their
/// place and is not durable, it would look in vain, and panic.
fn may_ask_for_votes<S: LogStore>(raw: &RawNode<S>) -> bool {
    let log = &raw.raft.raft_log;
    let snapshot_under_way = log.applied + 1 < log.first_index();
    let alone_and_behind = raw.raft.prs().is_singleton() && log.persisted < log.last_index();
    !(snapshot_under_way || alone_and_behind)
}

/// Nobody else can lead. Not before everything that is committed is applied: raft refuses while there may be a change of membership in it.
fn lead_if_alone<S: LogStore>(raw: &mut RawNode<S>) {
    if raw.raft.prs().is_singleton() && raw.raft.promotable() {
        let _it_leads_already = raw.campaign();
    }
}

/// From `ready` to `advance`, without letting anybody in between.
fn carry_out<S: LogStore, M: StateMachine>(
    raw: &mut RawNode<S>,
    applier: &mut Applier<M>,
    round: &mut Round<M::Applied>,
) -> Result<(), RaftLoopError> {
    let mut ready = raw.ready();
    round.messages = ready.take_messages();
    round.reads = ready.take_read_states();
    let snapshot = (!ready.snapshot().is_empty()).then(|| ready.snapshot().clone());
    if let Some(snapshot) = &snapshot {
        let index = snapshot.get_metadata().index;
        raw.mut_store().put_snapshot(snapshot);
        applier.machine.restore(snapshot).map_err(|reason| RaftLoopError::Corrupt { index, reason })?;
        applier.applied = index;
        applier.compactor.begin_anew();
        round.changed = true;
    }
    for entry in ready.take_committed_entries() {
        let value = apply(raw, &mut applier.machine, &entry)?;
        applier.applied = entry.index;
        applier.compactor.count(&entry);
        round.changed |= value.is_some();
        let position = Position { term: entry.term, index: entry.index };
        round.applied.push((position, Outcome::Applied { index: entry.index, value }));
    }
    let mut persist = Persist {
        number: ready.number(),
        snapshot: None,
        entries: ready.take_entries(),
        hard_state: ready.hs().cloned(),
        must_sync: ready.must_sync(),
    };
    raw.mut_store().put_entries(&persist.entries);
    if let Some(hard_state) = &persist.hard_state {
        raw.mut_store().put_hard_state(hard_state);
    }
    if let Some(snapshot) = snapshot.or_else(|| compact(raw, applier, persist.number)) {
        persist = all_there_is(raw.store(), persist.number, snapshot);
    }
    round.ready = Some(Readied {
        number: persist.number,
        term: raw.raft.term,
        messages: ready.take_persisted_messages(),
        persist: persist.has_anything().then_some(persist),
    });
    raw.advance_append_async(ready);
    Ok(())
}

impl Persist {
    fn has_anything(&self) -> bool {
        self.snapshot.is_some() || !self.entries.is_empty() || self.hard_state.is_some()
    }
}

/// Applies one committed entry; a ConfChange with the guard in hand. Returns what the state machine says.
fn apply<S: LogStore, M: StateMachine>(
    raw: &mut RawNode<S>,
    machine: &mut M,
    entry: &Entry,
) -> Result<Option<M::Applied>, RaftLoopError> {
    let corrupt = |reason| RaftLoopError::Corrupt { index: entry.index, reason };
    let changed = match entry.get_entry_type() {
        EntryType::EntryNormal if entry.data.is_empty() => return Ok(None), // a new leader's first
        EntryType::EntryNormal => return machine.apply(entry).map(Some).map_err(corrupt),
        EntryType::EntryConfChange => raw.apply_conf_change(&decode::<ConfChange>(entry)?),
        EntryType::EntryConfChangeV2 => raw.apply_conf_change(&decode::<ConfChangeV2>(entry)?),
    };
    match changed {
        Ok(_membership) => Ok(None), // raft has it; the disk has the entry
        Err(error) => Err(corrupt(error.to_string())),
    }
}

/// A snapshot that leaves counts as sent: after the next heartbeat raft asks the receiver for what follows it, and sends it again if it is refused that.
/// Until then raft would send nothing else, and wait for ever if the snapshot is lost, or the answer to it.
fn wait_for_no_snapshot<S: LogStore>(raw: &mut RawNode<S>, messages: &[Message]) {
    for message in messages.iter().filter(|message| message.get_msg_type() == MessageType::MsgSnapshot) {
        raw.report_snapshot(message.to, SnapshotStatus::Finish);
    }
}

/// Tells raft how far the state machine has come: not beyond a snapshot that is not durable yet.
fn note_applied<S: LogStore>(raw: &mut RawNode<S>, applied: u64) {
    let log = &raw.raft.raft_log;
    if log.applied < applied && applied <= log.persisted {
        raw.advance_apply_to(applied);
    }
}

/// A leader that is no voter any more leads no longer. raft leaves that to us, and fails if it has anything durable to note for it.
fn step_down_if_removed<S: LogStore>(raw: &mut RawNode<S>) {
    if raw.raft.state == StateRole::Leader && !raw.raft.promotable() {
        let term = raw.raft.term;
        raw.raft.become_follower(term, INVALID_ID);
    }
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
