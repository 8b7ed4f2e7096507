//! The log as raft reads it: in memory, owned by the [`raft::RawNode`], so that it needs no lock.

use raft::eraftpb::{Entry, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};

use super::Position;

/// What a round writes into raft's view of its log. Durable is what the WAL thread has written, and that comes later.
pub trait LogStore: Storage {
    /// The log is what the snapshot stands for, and nothing else.
    fn put_snapshot(&mut self, snapshot: &Snapshot);
    /// Appends, in place of everything from the first one's index on (Raft paper, figure 2: a conflicting suffix goes).
    fn put_entries(&mut self, entries: &[Entry]);
    /// Term, vote and commit index.
    fn put_hard_state(&mut self, hard_state: &HardState);
    /// A snapshot of this node's own is durable: it takes the place of the entries up to its index, of which the last `keep_entries` stay for others.
    /// It changes nothing if the log begins with a newer one meanwhile.
    fn compact(&mut self, snapshot: &Snapshot, keep_entries: u64);
    /// All entries behind this index, which the log has, or with which it begins.
    fn entries_behind(&self, index: u64) -> Vec<Entry>;
    /// What was put last.
    fn hard_state(&self) -> HardState;
}

/// Entries since the last snapshot, and some before.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// The membership in it is that of the snapshot: a restart applies the changes behind it once more.
    state: RaftState,
    /// The last one. Its index is not below `forgotten`, and not beyond the last entry.
    snapshot: Snapshot,
    /// Where the last entry was that is not here any more; raft asks for its term. The snapshot's place, or before it.
    forgotten: Position,
    /// The first one follows that, and none is missing.
    entries: Vec<Entry>,
}

impl MemoryStore {
    /// An empty log of a group that began with these voters. A member that joins later begins with the same: the changes since then are in the log.
    pub fn new(voters: impl Into<Vec<u64>>) -> Self {
        let mut state = RaftState::default();
        state.conf_state.set_voters(voters.into());
        Self { state, ..Self::default() }
    }

    /// What a recovery found; the membership in `state` is that of the snapshot, or that which the group began with. raft's configuration then says that
    /// everything up to the snapshot's index is applied, and so must the state machine.
    pub fn recovered(state: RaftState, snapshot: Snapshot, entries: Vec<Entry>) -> Self {
        let forgotten = end_of(&snapshot);
        Self { state, snapshot, forgotten, entries }
    }

    /// The snapshot with which a recovery begins; of index 0 if there is none.
    pub fn last_snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Where the entry of this index is, were it here; `None` if it is forgotten.
    fn position(&self, index: u64) -> Option<usize> {
        let behind = index.checked_sub(self.forgotten.index + 1)?;
        Some(usize::try_from(behind).unwrap_or(usize::MAX))
    }

    /// Forgets entries up to this index.
    fn forget(&mut self, index: u64) {
        let Some(last) = self.position(index) else { return };
        let last = self.entries.drain(..=last).last();
        self.forgotten = last.map_or(self.forgotten, |last| Position { term: last.term, index: last.index });
    }
}

/// Where the entry was that a snapshot ends with.
fn end_of(snapshot: &Snapshot) -> Position {
    let metadata = snapshot.get_metadata();
    Position { term: metadata.term, index: metadata.index }
}

/// Whether this node is a member in the snapshot.
fn has_member(snapshot: &Snapshot, node_id: u64) -> bool {
    let membership = snapshot.get_metadata().get_conf_state();
    [&membership.voters, &membership.learners, &membership.voters_outgoing]
        .into_iter()
        .any(|ids| ids.contains(&node_id))
}

impl LogStore for MemoryStore {
    fn put_snapshot(&mut self, snapshot: &Snapshot) {
        let metadata = snapshot.get_metadata();
        self.state.conf_state = metadata.get_conf_state().clone();
        self.state.hard_state.commit = self.state.hard_state.commit.max(metadata.index);
        self.snapshot = snapshot.clone();
        self.forgotten = end_of(snapshot);
        self.entries.clear();
    }

    fn put_entries(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        let from = self.position(first.index).unwrap_or_else(|| {
            panic!("entry {} is in place of what was forgotten: it is committed", first.index)
        });
        assert!(from <= self.entries.len(), "entry {} leaves a gap behind the log's end", first.index);
        self.entries.truncate(from);
        self.entries.extend_from_slice(entries);
    }

    fn put_hard_state(&mut self, hard_state: &HardState) {
        self.state.hard_state = hard_state.clone();
    }

    fn compact(&mut self, snapshot: &Snapshot, keep_entries: u64) {
        let metadata = snapshot.get_metadata();
        if metadata.index <= self.snapshot.get_metadata().index {
            return; // the leader's has come meanwhile
        }
        self.state.conf_state = metadata.get_conf_state().clone();
        self.snapshot = snapshot.clone();
        self.forget(metadata.index.saturating_sub(keep_entries));
    }

    fn entries_behind(&self, index: u64) -> Vec<Entry> {
        let behind = self.position(index + 1).and_then(|first| self.entries.get(first..));
        behind.unwrap_or_else(|| panic!("entry {index} is asked for, and is not in the log")).to_vec()
    }

    fn hard_state(&self) -> HardState {
        self.state.hard_state.clone()
    }
}

impl Storage for MemoryStore {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(self.state.clone())
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        let (Some(low), Some(high)) = (self.position(low), self.position(high)) else {
            return Err(StorageError::Compacted.into());
        };
        let mut entries = self.entries.get(low..high).ok_or(StorageError::Unavailable)?.to_vec();
        raft::util::limit_size(&mut entries, max_size.into());
        Ok(entries)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.forgotten.index {
            return Ok(self.forgotten.term);
        }
        let position = self.position(index).ok_or(StorageError::Compacted)?;
        let entry = self.entries.get(position).ok_or(StorageError::Unavailable)?;
        Ok(entry.term)
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.forgotten.index + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.forgotten.index + self.entries.len() as u64)
    }

    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<Snapshot> {
        let index = self.snapshot.get_metadata().index;
        if index < request_index.max(1) || !has_member(&self.snapshot, to) {
            return Err(StorageError::SnapshotTemporarilyUnavailable.into());
        }
        Ok(self.snapshot.clone())
    }
}
