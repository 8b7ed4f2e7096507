//! The log as raft reads it: in memory, owned by the [`raft::RawNode`], so that it needs no lock.

use raft::eraftpb::{Entry, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};

/// What a round writes into raft's view of its log. Durable is what the WAL thread has written, and that comes later.
pub trait LogStore: Storage {
    /// The log is what the snapshot stands for, and nothing else.
    fn put_snapshot(&mut self, snapshot: &Snapshot);
    /// Appends, in place of everything from the first one's index on (Raft paper, figure 2: a conflicting suffix goes).
    fn put_entries(&mut self, entries: &[Entry]);
    /// Term, vote and commit index.
    fn put_hard_state(&mut self, hard_state: &HardState);
}

/// Entries since the last snapshot.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// The membership in it is that of the snapshot: a restart applies the changes behind it once more.
    state: RaftState,
    snapshot: Snapshot,
    /// The first one follows the snapshot, and none is missing.
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
        Self { state, snapshot, entries }
    }

    /// Index of the entry that the snapshot ends with; 0 without one.
    fn compacted_to(&self) -> u64 {
        self.snapshot.get_metadata().index
    }

    /// Where the entry of this index is, were it here; `None` if the snapshot stands for it.
    fn position(&self, index: u64) -> Option<usize> {
        let behind = index.checked_sub(self.compacted_to() + 1)?;
        Some(usize::try_from(behind).unwrap_or(usize::MAX))
    }
}

impl LogStore for MemoryStore {
    fn put_snapshot(&mut self, snapshot: &Snapshot) {
        let metadata = snapshot.get_metadata();
        self.state.conf_state = metadata.get_conf_state().clone();
        self.state.hard_state.commit = self.state.hard_state.commit.max(metadata.index);
        self.snapshot = snapshot.clone();
        self.entries.clear();
    }

    fn put_entries(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        let from = self.position(first.index).unwrap_or_else(|| {
            panic!("entry {} is in place of what the snapshot stands for: it is committed", first.index)
        });
        assert!(from <= self.entries.len(), "entry {} leaves a gap behind the log's end", first.index);
        self.entries.truncate(from);
        self.entries.extend_from_slice(entries);
    }

    fn put_hard_state(&mut self, hard_state: &HardState) {
        self.state.hard_state = hard_state.clone();
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
        if index == self.compacted_to() {
            return Ok(self.snapshot.get_metadata().term);
        }
        let position = self.position(index).ok_or(StorageError::Compacted)?;
        let entry = self.entries.get(position).ok_or(StorageError::Unavailable)?;
        Ok(entry.term)
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.compacted_to() + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.compacted_to() + self.entries.len() as u64)
    }

    fn snapshot(&self, request_index: u64, _to: u64) -> raft::Result<Snapshot> {
        if self.compacted_to() < request_index.max(1) {
            return Err(StorageError::SnapshotTemporarilyUnavailable.into());
        }
        Ok(self.snapshot.clone())
    }
}
