//! When a snapshot of the state takes the place of the log, and how far that has come.
//!
//! ```text
//! round: enough is applied, note how the log stands ──► machine.snapshot() ──► Persist ──► Persisted ──► round: raft's view forgets
//!        under the node lock                            without it                         on the disk        under the node lock
//! ```

use raft::RawNode;
use raft::eraftpb::{Entry, EntryType, Snapshot};

use super::round::{Applier, Persist};
use super::{LogStore, StateMachine};

/// When the log is compacted, and how much of it stays in memory (Raft paper, section 7).
///
/// A log that has begun with a snapshot is also compacted when its membership has changed since then: raft refuses a snapshot that the receiver is no
/// member of, so who joins later would never get one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Entries that are applied after the last snapshot before the next one is made; at least 1.
    pub after_entries: u64,
    /// The same in bytes of their data, whichever comes first.
    pub after_bytes: u64,
    /// Entries up to the snapshot's that stay in memory all the same: who is a little behind gets those, and not the whole state.
    pub keep_entries: u64,
}

/// Decides when, and remembers the one that is under way. There is never more than one.
#[derive(Debug)]
pub(super) struct Compactor {
    policy: Compaction,
    /// Entries that were applied after the last snapshot.
    entries: u64,
    /// Bytes of their data.
    bytes: u64,
    /// Whether one of them has changed the membership.
    membership_changed: bool,
    under_way: Option<UnderWay>,
}

/// A request to the disk that is not known to be durable.
#[derive(Debug)]
struct UnderWay {
    request: u64,
    snapshot: Snapshot,
}

impl Compactor {
    pub(super) fn new(policy: Compaction) -> Self {
        Self { policy, entries: 0, bytes: 0, membership_changed: false, under_way: None }
    }

    /// An entry is applied.
    pub(super) fn count(&mut self, entry: &Entry) {
        self.entries += 1;
        self.bytes += entry.data.len() as u64;
        self.membership_changed |= entry.get_entry_type() != EntryType::EntryNormal;
    }

    /// The state is that of a snapshot: of the leader's, or of one that is about to be made.
    pub(super) fn begin_anew(&mut self) {
        (self.entries, self.bytes, self.membership_changed) = (0, 0, false);
    }

    /// Whether a snapshot is to be made now; `whole` is a log that has its first entry.
    pub(super) fn is_due(&self, whole: bool) -> bool {
        let Compaction { after_entries, after_bytes, .. } = self.policy;
        let enough = self.entries >= after_entries || self.bytes >= after_bytes;
        self.under_way.is_none() && self.entries > 0 && (enough || (self.membership_changed && !whole))
    }

    /// A snapshot will be made; the request of this number brings it to the disk.
    pub(super) fn begin(&mut self, request: u64, snapshot: Snapshot) {
        self.begin_anew();
        self.under_way = Some(UnderWay { request, snapshot });
    }

    /// Puts the state into a request, if that is the one that brings it to the disk.
    pub(super) fn complete(&mut self, machine: &impl StateMachine, request: &mut Persist) {
        if let (Some(this), Some(snapshot)) = (&mut self.under_way, &mut request.snapshot)
            && this.request == request.number
        {
            snapshot.data = machine.snapshot().into();
            this.snapshot = snapshot.clone(); // shares the data
        }
    }

    /// Everything up to this number is durable: the snapshot that is among it, and how many entries stay.
    pub(super) fn end(&mut self, durable: u64) -> Option<(Snapshot, u64)> {
        let this = self.under_way.take_if(|this| this.request <= durable)?;
        Some((this.snapshot, self.policy.keep_entries))
    }
}

/// A snapshot of the state as it is after this round, if one is due. The state itself follows when the lock is gone. The request that takes it to the disk
/// is that of the round's ready, whose number raft knows: it has whatever that one would have had, too.
pub(super) fn compact<S: LogStore, M>(
    raw: &RawNode<S>,
    applier: &mut Applier<M>,
    number: u64,
) -> Option<Snapshot> {
    let log = &raw.raft.raft_log;
    if !applier.compactor.is_due(log.first_index() == 1) {
        return None;
    }
    let mut snapshot = Snapshot::default();
    let metadata = snapshot.mut_metadata();
    metadata.index = applier.applied;
    metadata.term = log.term(applier.applied).expect("what is applied is in the log, or right before it");
    metadata.set_conf_state(raw.raft.prs().conf().to_conf_state());
    applier.compactor.begin(number, snapshot.clone());
    Some(snapshot)
}

/// A request with a snapshot: what follows that is in the store by now, and so is the hard state.
pub(super) fn all_there_is<S: LogStore>(store: &S, number: u64, snapshot: Snapshot) -> Persist {
    Persist {
        number,
        entries: store.entries_behind(snapshot.get_metadata().index),
        hard_state: Some(store.hard_state()),
        snapshot: Some(snapshot),
        must_sync: true,
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    const POLICY: Compaction = Compaction { after_entries: 3, after_bytes: 100, keep_entries: 2 };

    fn after(entries: &[(usize, EntryType)]) -> Compactor {
        let mut compactor = Compactor::new(POLICY);
        for &(bytes, kind) in entries {
            let mut entry = Entry { data: vec![0; bytes].into(), ..Entry::default() };
            entry.set_entry_type(kind);
            compactor.count(&entry);
        }
        compactor
    }

    #[test]
    fn enough_entries_enough_bytes_or_another_membership_make_it_due() {
        use EntryType::{EntryConfChangeV2 as Change, EntryNormal as Normal};
        let table = [
            (vec![], false, false),
            (vec![(99, Normal)], false, false),
            (vec![(100, Normal)], true, true),
            (vec![(60, Normal), (60, Normal)], true, true),
            (vec![(0, Normal), (0, Normal)], false, false),
            (vec![(0, Normal), (0, Normal), (0, Normal)], true, true),
            (vec![(0, Change)], false, true),
        ];
        for (entries, whole, begun_with_a_snapshot) in table {
            let compactor = after(&entries);
            assert_eq!(compactor.is_due(true), whole, "{entries:?}, a whole log");
            assert_eq!(compactor.is_due(false), begun_with_a_snapshot, "{entries:?}, after a snapshot");
        }
    }

    #[test]
    fn one_is_under_way_at_a_time_and_what_comes_meanwhile_counts_for_the_next() {
        let mut compactor = after(&[(100, EntryType::EntryNormal)]);
        compactor.begin(7, Snapshot::default());
        assert!(!compactor.is_due(true), "nothing was applied since");
        compactor.count(&Entry { data: vec![0; 100].into(), ..Entry::default() });
        assert!(!compactor.is_due(true), "one at a time");
        assert_eq!(compactor.end(6), None);
        assert_eq!(compactor.end(8), Some((Snapshot::default(), 2)));
        assert_eq!(compactor.end(8), None);
        assert!(compactor.is_due(true));
    }
}
