//! The writer of the Raft log: what the loop asks for becomes metadata records of the write-ahead log.

use concurrency_models::mailbox::{Receiver, Sender};
use concurrency_models::raft_loop::{Event, Persist, PersistFailed};
use raft::eraftpb::HardState;

use super::Trouble;
use super::record::Record;
use crate::clock::Clock;
use crate::limits;
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pulse;

/// The task that writes.
pub(super) struct RaftWal {
    pub(super) requests: Receiver<Persist>,
    pub(super) events: Sender<Event>,
    pub(super) storage: Storage,
    pub(super) clock: Clock,
    pub(super) trouble: Trouble,
}

impl RaftWal {
    /// Writes until the loop is gone, or the disk has failed.
    pub(super) async fn run(mut self, pulse: Pulse) {
        let mut later = None;
        loop {
            pulse.idle();
            let Some(first) = self.requests.recv().await else { return };
            pulse.beat();
            let batch = Batch::of(first, later.take(), || self.requests.try_recv());
            let number = batch.number;
            later = batch.later;
            let written = match batch.record {
                Some(record) => self.write(&record).await,
                None => Ok(()),
            };
            let failed = written.is_err();
            let persisted = written.map(|()| number).map_err(|error| PersistFailed(error.to_string()));
            let _ended = self.events.send(Event::Persisted(persisted)).await;
            if failed {
                return;
            }
        }
    }

    /// Makes one record durable. A full disk is waited for: what was proposed is neither lost nor done until then.
    async fn write(&self, record: &Record) -> Result<(), StorageError> {
        let bytes = record.encode();
        loop {
            let written = if record.is_whole() {
                self.storage.replace_metadata(bytes.clone()).await
            } else {
                self.storage.append_metadata(bytes.clone()).await
            };
            match written {
                Err(error @ StorageError::Op(chronik_log::OpError::StorageFull)) => {
                    self.trouble.replace(Some(error));
                    self.clock.sleep(limits::METADATA_RETRY).await;
                }
                other => {
                    if self.trouble.load().is_some() {
                        self.trouble.replace(None);
                    }
                    return other;
                }
            }
        }
    }
}

/// Requests that are made durable together.
struct Batch {
    /// What must be synced; `None` if nothing must.
    record: Option<Record>,
    /// The newest hard state if it need not be synced (a commit index, which the leader says again): it goes with the next record.
    later: Option<HardState>,
    /// Number of the last request.
    number: u64,
}

impl Batch {
    /// All that is there, up to a bound: one record, so that the disk has all of it or nothing.
    fn of(first: Persist, later: Option<HardState>, mut next: impl FnMut() -> Option<Persist>) -> Self {
        let mut record = Record { hard_state: later, ..Record::default() };
        let (mut must_sync, mut number) = (false, first.number);
        let mut request = Some(first);
        while let Some(Persist { number: of_this, snapshot, entries, hard_state, must_sync: this_must }) =
            request
        {
            number = of_this;
            must_sync |= this_must || snapshot.is_some();
            record.add(snapshot, entries, hard_state);
            let full = record.bytes() >= limits::MAX_RAFT_RECORD_BYTES;
            request = if full { None } else { next() };
        }
        match must_sync {
            true => Self { record: Some(record), later: None, number },
            false => Self { record: None, later: record.hard_state, number },
        }
    }
}

/// What a member has to write at once, and what a batch may have besides, is one record of the log.
const _: () = assert!(
    limits::RAFT_IN_FLIGHT_MESSAGES * (limits::RAFT_MESSAGE_BYTES + limits::MAX_COMMAND_BYTES)
        + limits::MAX_RAFT_RECORD_BYTES
        < chronik_log::limits::MAX_METADATA_BYTES
);

#[cfg(test)]
mod tests {
    use raft::eraftpb::{Entry, Snapshot};

    use super::*;

    fn request(number: u64) -> Persist {
        Persist { number, snapshot: None, entries: Vec::new(), hard_state: None, must_sync: false }
    }

    fn committed(number: u64, commit: u64) -> Persist {
        let hard_state = Some(HardState { term: 1, commit, ..HardState::default() });
        Persist { hard_state, ..request(number) }
    }

    fn entries(number: u64, indexes: &[u64]) -> Persist {
        let entry = |&index: &u64| Entry { term: 1, index, data: b"{}".to_vec().into(), ..Entry::default() };
        Persist { entries: indexes.iter().map(entry).collect(), must_sync: true, ..request(number) }
    }

    fn batch(requests: Vec<Persist>, later: Option<HardState>) -> Batch {
        let mut requests = requests.into_iter();
        let first = requests.next().expect("a request");
        Batch::of(first, later, || requests.next())
    }

    #[test]
    fn a_commit_index_alone_is_not_synced_and_goes_with_what_is() {
        let Batch { record, later, number } = batch(vec![committed(1, 4), committed(2, 5)], None);
        assert_eq!((record, number), (None, 2));
        let Batch { record, later, number } = batch(vec![entries(3, &[6])], later);
        let record = record.expect("entries are synced");
        assert_eq!((record.entries.len(), record.hard_state.map(|state| state.commit)), (1, Some(5)));
        assert_eq!((later, number), (None, 3));
    }

    #[test]
    fn what_is_there_is_one_record() {
        let Batch { record, number, .. } =
            batch(vec![entries(1, &[1, 2]), committed(2, 1), entries(3, &[2, 3])], None);
        let record = record.expect("entries are synced");
        assert_eq!(record.entries.iter().map(|entry| entry.index).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!((record.hard_state.map(|state| state.commit), number), (Some(1), 3));
    }

    #[test]
    fn a_snapshot_is_all_there_is() {
        let snapshot = Persist { snapshot: Some(Snapshot::default()), ..committed(2, 9) };
        let Batch { record, .. } = batch(vec![entries(1, &[1]), snapshot, entries(3, &[10])], None);
        let record = record.expect("a snapshot is synced");
        assert!(record.is_whole());
        assert_eq!(record.entries.iter().map(|entry| entry.index).collect::<Vec<_>>(), [10]);
    }

    #[test]
    fn a_record_that_is_large_enough_takes_no_more() {
        let mut large = entries(1, &[1]);
        large.entries[0].data = vec![0; limits::MAX_RAFT_RECORD_BYTES].into();
        assert_eq!(batch(vec![large, entries(2, &[2])], None).number, 1);
    }
}
