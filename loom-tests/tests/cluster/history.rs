//! What the group must never contradict, whoever says it and after however many restarts.

use std::collections::BTreeMap;

use raft::eraftpb::{Entry, Message, MessageType};

/// What has been seen of the group.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Who has led in a term.
    leaders: BTreeMap<u64, u64>,
    /// What was applied at an index, by whoever came first.
    applied: BTreeMap<u64, Vec<u8>>,
    /// Elected leaders of partitions, by partition and epoch.
    elected: BTreeMap<(u8, u8), u8>,
    /// What a proposer was told: his entry is at this index.
    acknowledged: BTreeMap<u64, Vec<u8>>,
    pub(crate) seen: Seen,
}

/// What has happened with snapshots.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// A member began with a snapshot.
    pub(crate) restart_from_a_snapshot: bool,
    /// A member that was behind got one.
    pub(crate) caught_up_by_a_snapshot: bool,
    /// The power was cut before one was durable.
    pub(crate) cut_short: bool,
}

impl History {
    /// Only a leader sends these.
    pub(crate) fn sent(&mut self, message: &Message) {
        let kinds = [MessageType::MsgAppend, MessageType::MsgHeartbeat, MessageType::MsgSnapshot];
        if kinds.contains(&message.get_msg_type()) {
            let leader = *self.leaders.entry(message.term).or_insert(message.from);
            assert_eq!(leader, message.from, "two leaders in term {}", message.term);
        }
    }

    pub(crate) fn applied(&mut self, index: u64, data: &[u8]) {
        let first = self.applied.entry(index).or_insert_with(|| data.to_vec());
        assert_eq!(*first, data, "two entries applied at index {index}");
    }

    pub(crate) fn restored(&mut self, restarts: bool) {
        self.seen.restart_from_a_snapshot |= restarts;
        self.seen.caught_up_by_a_snapshot |= !restarts;
    }

    pub(crate) fn elected(&mut self, partition: u8, epoch: u8, leader: u8) {
        let first = *self.elected.entry((partition, epoch)).or_insert(leader);
        assert_eq!(first, leader, "two leaders of partition {partition} in epoch {epoch}");
    }

    pub(crate) fn acknowledged(&mut self, index: u64, data: Vec<u8>) {
        let before = self.acknowledged.insert(index, data);
        assert_eq!(before, None, "two proposers were told that index {index} is theirs");
    }

    /// A member that is level has applied this much, in order: as all others, and nothing that was acknowledged is missing.
    pub(crate) fn holds(&self, log: &[(u64, Vec<u8>)]) {
        let all: Vec<(u64, Vec<u8>)> = self.applied.clone().into_iter().take(log.len()).collect();
        assert_eq!(log, all, "a member has not applied what others have, in their order");
        for acknowledged in self.acknowledged.clone() {
            assert!(log.contains(&acknowledged), "acknowledged, and lost: {acknowledged:?}");
        }
    }
}

/// Raft paper, figure 3: if two logs have an entry of the same index and term, they are the same up to there, as far as neither has forgotten it.
pub(crate) fn logs_match(one: &[Entry], other: &[Entry]) {
    let first = |log: &[Entry]| log.first().map_or(u64::MAX, |entry| entry.index);
    let both_from = first(one).max(first(other));
    let [one, other] = [one, other].map(|log| log.iter().skip_while(move |entry| entry.index < both_from));
    let pairs: Vec<_> = one.zip(other).collect();
    let last_common = pairs.iter().rposition(|(a, b)| a.term == b.term).map_or(0, |last| last + 1);
    for (a, b) in &pairs[..last_common] {
        assert_eq!(a, b, "one index and term, and two histories");
    }
}
