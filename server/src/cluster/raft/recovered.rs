//! The Raft log as the disk has it.

use bytes::Bytes;
use concurrency_models::raft_loop::{LogStore, MemoryStore};
use raft::Storage as _;
use raft::eraftpb::{Entry, HardState, Snapshot};

use super::super::state::ClusterState;
use super::record::{BadRecord, Record};

/// Index and term of the snapshot that a group begins with.
pub const BEGINNING: u64 = 1;

/// What a member starts with.
pub struct RaftLog {
    /// Entries, hard state, membership.
    pub(super) store: MemoryStore,
    /// The metadata as of the snapshot; what was committed since is applied by the loop.
    pub(super) state: ClusterState,
}

/// The log on the disk makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableLog {
    /// A record cannot be read.
    #[error("record {number} of the Raft log: {reason}")]
    Record {
        /// Which, from 0; 0 is the whole one.
        number: usize,
        /// Why.
        reason: BadRecord,
    },
    /// A record does not continue the one before it.
    #[error("record {number} of the Raft log begins with entry {first}, and the log ends with entry {last}")]
    Gap {
        /// Which.
        number: usize,
        /// Its first entry.
        first: u64,
        /// The last entry before it.
        last: u64,
    },
    /// There are records, and none says what the group began with.
    #[error("the Raft log has no beginning")]
    NoBeginning,
    /// The state in the snapshot cannot be read.
    #[error("the snapshot of the metadata cannot be read: {0}")]
    State(String),
}

impl RaftLog {
    /// The log of a group that begins with these voters (raft ids), and its first record. It begins behind a snapshot of nothing, in which they are the members: whoever joins
    /// later asks for the first entry, and gets a snapshot of what is so by then. Without voters: the log of such a one.
    pub fn beginning(voters: Vec<u64>) -> (Self, Bytes) {
        let first = Record::beginning(voters.clone()).encode();
        (Self::begun_with(voters), first)
    }

    fn begun_with(voters: Vec<u64>) -> Self {
        let (mut store, state) = (MemoryStore::default(), ClusterState::default());
        if !voters.is_empty() {
            let mut nothing = Snapshot { data: state.to_bytes().into(), ..Snapshot::default() };
            let metadata = nothing.mut_metadata();
            (metadata.index, metadata.term) = (BEGINNING, BEGINNING);
            metadata.mut_conf_state().voters = voters;
            store.put_snapshot(&nothing);
            store.put_hard_state(&HardState { term: BEGINNING, commit: BEGINNING, ..HardState::default() });
        }
        Self { store, state }
    }

    /// What the log's metadata records amount to: the whole one, and those behind it. `None` if there are none.
    ///
    /// # Errors
    /// They make no sense.
    pub fn read(whole: Option<&Bytes>, records: &[Bytes]) -> Result<Option<Self>, UnreadableLog> {
        let mut log: Option<Self> = None;
        for (number, bytes) in whole.into_iter().chain(records).enumerate() {
            let record = Record::decode(bytes).map_err(|reason| UnreadableLog::Record { number, reason })?;
            let Record { began_with, snapshot, entries, hard_state } = record;
            if let Some(membership) = began_with {
                log = Some(Self::begun_with(membership.voters));
            }
            if let Some(snapshot) = snapshot {
                log = Some(Self::of(&snapshot)?);
            }
            let log = log.as_mut().ok_or(UnreadableLog::NoBeginning)?;
            log.append(number, &entries)?;
            if let Some(hard_state) = hard_state {
                log.store.put_hard_state(&hard_state);
            }
        }
        Ok(log)
    }

    /// Index of the entry that `state` ends with.
    pub(super) fn applied(&self) -> u64 {
        self.store.last_snapshot().get_metadata().index
    }

    /// Raft ids of the members as of the snapshot, or as the group began.
    pub fn members(&self) -> Vec<u64> {
        let conf_state = self.store.initial_state().map(|state| state.conf_state).unwrap_or_default();
        let parts =
            [conf_state.voters, conf_state.voters_outgoing, conf_state.learners, conf_state.learners_next];
        parts.concat()
    }

    /// The metadata as of the snapshot.
    pub fn state(&self) -> &ClusterState {
        &self.state
    }

    fn of(snapshot: &Snapshot) -> Result<Self, UnreadableLog> {
        let state =
            ClusterState::read(&snapshot.data).map_err(|error| UnreadableLog::State(error.to_string()))?;
        let mut store = MemoryStore::default();
        store.put_snapshot(snapshot);
        Ok(Self { store, state })
    }

    fn append(&mut self, number: usize, entries: &[Entry]) -> Result<(), UnreadableLog> {
        let last = self.store.last_index().unwrap_or_default();
        if let Some(first) = entries.first().map(|entry| entry.index)
            && !(self.applied() + 1..=last + 1).contains(&first)
        {
            return Err(UnreadableLog::Gap { number, first, last });
        }
        self.store.put_entries(entries);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(term: u64, index: u64) -> Entry {
        Entry { term, index, ..Entry::default() }
    }

    fn record(entries: Vec<Entry>, commit: u64) -> Bytes {
        let mut record = Record::default();
        record.add(None, entries, Some(HardState { term: 2, commit, ..HardState::default() }));
        record.encode()
    }

    #[test]
    fn records_are_read_in_their_order() {
        let (_, first) = RaftLog::beginning(vec![1]);
        let records = [record(vec![entry(1, 2), entry(1, 3)], 2), record(vec![entry(2, 3)], 3)];
        let log = RaftLog::read(Some(&first), &records).unwrap().unwrap();
        assert_eq!(log.store.initial_state().unwrap().hard_state.commit, 3);
        assert_eq!((log.store.last_index().unwrap(), log.store.term(3).unwrap(), log.applied()), (3, 2, 1));
        assert_eq!(log.members(), [1]);
    }

    #[test]
    fn a_snapshot_takes_the_place_of_what_was_before() {
        let mut state = ClusterState::default();
        state.version = 7;
        let mut snapshot = Snapshot { data: state.to_bytes().into(), ..Snapshot::default() };
        snapshot.mut_metadata().index = 9;
        snapshot.mut_metadata().term = 3;
        let mut whole = Record::default();
        whole.add(Some(snapshot), vec![entry(3, 10)], Some(HardState { term: 3, ..HardState::default() }));
        let log = RaftLog::read(Some(&whole.encode()), &[record(vec![entry(3, 11)], 11)]).unwrap().unwrap();
        assert_eq!((log.state.version, log.applied()), (7, 9));
        assert_eq!((log.store.first_index().unwrap(), log.store.last_index().unwrap()), (10, 11));
    }

    #[test]
    fn what_does_not_continue_is_refused() {
        let (_, first) = RaftLog::beginning(vec![1]);
        let gap = RaftLog::read(Some(&first), &[record(vec![entry(1, 3)], 0)]).err();
        assert_eq!(gap, Some(UnreadableLog::Gap { number: 1, first: 3, last: 1 }));
        let headless = RaftLog::read(None, &[record(vec![entry(1, 1)], 0)]).err();
        assert_eq!(headless, Some(UnreadableLog::NoBeginning));
        assert!(RaftLog::read(None, &[]).unwrap().is_none());
    }

    #[test]
    fn who_joins_has_no_entry_and_no_member() {
        let (_, first) = RaftLog::beginning(vec![]);
        let log = RaftLog::read(Some(&first), &[]).unwrap().unwrap();
        assert_eq!((log.store.last_index().unwrap(), log.members().len()), (0, 0));
    }
}
