//! The log as raft reads it: in memory, owned by the [`raft::RawNode`], so that it needs no lock.

use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};

/// What a round writes into raft's view of its log. Durable is what the WAL thread has written, and that comes later.
pub trait LogStore: Storage {
    /// The log is what the snapshot stands for, and nothing else.
    fn put_snapshot(&mut self, snapshot: &Snapshot);
    /// Appends, in place of everything from the first one's index on (Raft paper, figure 2: a conflicting suffix goes).
    fn put_entries(&mut self, entries: &[Entry]);
    /// Term, vote and commit index.
    fn put_hard_state(&mut self, hard_state: &HardState);
    /// Who votes and who learns.
    fn put_conf_state(&mut self, conf_state: &ConfState);
}

/// Entries since the last snapshot.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: RaftState,
    snapshot: Snapshot,
    entries: Vec<Entry>,
}

impl MemoryStore {
    /// An empty log of a group with these voters.
    pub fn new(voters: impl Into<Vec<u64>>) -> Self {
        let mut state = RaftState::default();
        state.conf_state.set_voters(voters.into());
        Self { state, ..Self::default() }
    }

    /// What a recovery found.
    pub fn recovered(state: RaftState, snapshot: Snapshot, entries: Vec<Entry>) -> Self {
        Self { state, snapshot, entries }
    }

    /// Index of the entry that the snapshot ends with; 0 without one.
    fn compacted_to(&self) -> u64 {
        self.snapshot.get_metadata().index
    }

    /// Where the entry of this index is, were it here.
    fn position(&self, index: u64) -> usize {
        usize::try_from(index - self.compacted_to() - 1).unwrap_or(usize::MAX)
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
        let from = self.position(first.index);
        assert!(from <= self.entries.len(), "entry {} leaves a gap behind the log's end", first.index);
        self.entries.truncate(from);
        self.entries.extend_from_slice(entries);
    }

    fn put_hard_state(&mut self, hard_state: &HardState) {
        self.state.hard_state = hard_state.clone();
    }

    fn put_conf_state(&mut self, conf_state: &ConfState) {
        self.state.conf_state = conf_state.clone();
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
        if low <= self.compacted_to() {
            return Err(StorageError::Compacted.into());
        }
        let range = self.position(low)..self.position(high);
        let mut entries = self.entries.get(range).ok_or(StorageError::Unavailable)?.to_vec();
        raft::util::limit_size(&mut entries, max_size.into());
        Ok(entries)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        let compacted_to = self.compacted_to();
        if index == compacted_to {
            return Ok(self.snapshot.get_metadata().term);
        }
        if index < compacted_to {
            return Err(StorageError::Compacted.into());
        }
        let entry = self.entries.get(self.position(index)).ok_or(StorageError::Unavailable)?;
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
