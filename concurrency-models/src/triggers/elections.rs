//! The elections of all partitions, as plain data: at most one for each.

use std::collections::{BTreeMap, VecDeque};

use crate::heartbeat_map::{Heartbeat, Suspect};

/// Elections that are queued or under way.
#[derive(Debug)]
pub struct Elections<K> {
    /// By partition.
    by_partition: BTreeMap<K, Entry>,
    /// Those that no worker has taken, in order of coming. Each is in `by_partition`.
    queue: VecDeque<K>,
    /// Never used twice.
    next_serial: u64,
}

#[derive(Debug)]
struct Entry {
    /// Tells this election from an earlier one of the same partition, whose worker may still be at it.
    serial: u64,
    suspected: Heartbeat,
    /// The last that was heard of a leader; at first what it is suspected for.
    last_heard: Heartbeat,
}

/// An election that a worker holds. There is no other of its partition until it is settled or superseded.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an election that nobody settles keeps its partition from being watched"]
pub struct Election<K> {
    suspect: Suspect<K>,
    serial: u64,
}

impl<K: Copy> Election<K> {
    /// Whose leader is suspected, and what was last heard of it then.
    pub fn suspect(&self) -> Suspect<K> {
        self.suspect
    }
}

impl<K> Default for Elections<K> {
    fn default() -> Self {
        Self { by_partition: BTreeMap::new(), queue: VecDeque::new(), next_serial: 0 }
    }
}

impl<K: Ord + Copy> Elections<K> {
    /// How many wait for a worker.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The epoch whose leader is suspected, if the partition has an election.
    pub fn of(&self, partition: &K) -> Option<i32> {
        self.by_partition.get(partition).map(|entry| entry.suspected.leader_epoch)
    }

    /// Whether there is an election that makes this one superfluous.
    pub(crate) fn covers(&self, suspect: &Suspect<K>) -> bool {
        self.of(&suspect.partition).is_some_and(|epoch| epoch >= suspect.last.leader_epoch)
    }

    /// Adds an election, in place of one of an older epoch.
    pub(crate) fn enqueue(&mut self, suspect: Suspect<K>) {
        let Suspect { partition, last } = suspect;
        self.cancel(&partition);
        let entry = Entry { serial: self.next_serial, suspected: last, last_heard: last };
        self.next_serial += 1;
        self.by_partition.insert(partition, entry);
        self.queue.push_back(partition);
    }

    /// Takes the first that waits; it stays in the table.
    pub(crate) fn start(&mut self) -> Option<Election<K>> {
        let partition = self.queue.pop_front()?;
        let entry = self.by_partition.get(&partition)?;
        Some(Election { suspect: Suspect { partition, last: entry.suspected }, serial: entry.serial })
    }

    /// Notes that a leader was heard of. Returns whether the partition has an election.
    pub(crate) fn heard(&mut self, partition: &K, heartbeat: Heartbeat) -> bool {
        let Some(entry) = self.by_partition.get_mut(partition) else { return false };
        entry.last_heard = entry.last_heard.max(heartbeat);
        true
    }

    /// The last that was heard of a leader, if this very election is still the one of its partition: it may have been superseded by a newer one, or the
    /// partition not be followed any more.
    pub(crate) fn last_heard(&self, election: &Election<K>) -> Option<Heartbeat> {
        let entry = self.by_partition.get(&election.suspect.partition)?;
        (entry.serial == election.serial).then_some(entry.last_heard)
    }

    /// Takes out this very election, if it is still there; returns as [`last_heard`](Self::last_heard).
    pub(crate) fn settle(&mut self, election: &Election<K>) -> Option<Heartbeat> {
        let last_heard = self.last_heard(election)?;
        self.by_partition.remove(&election.suspect.partition);
        Some(last_heard)
    }

    /// Takes out whichever election the partition has. Its worker may go on; what comes of it does not count.
    pub(crate) fn cancel(&mut self, partition: &K) {
        if self.by_partition.remove(partition).is_some() {
            self.queue.retain(|queued| queued != partition);
        }
    }

    /// The same if it is about an epoch before `leader_epoch`.
    pub(crate) fn cancel_before(&mut self, partition: &K, leader_epoch: i32) {
        if self.of(partition).is_some_and(|epoch| epoch < leader_epoch) {
            self.cancel(partition);
        }
    }
}
