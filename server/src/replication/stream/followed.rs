//! One partition on its way from its leader, as the follower sees it: what it has asked for, and where the next piece begins.
//!
//! A partition may be asked for twice, for the first answer can be late. What answers an earlier ask is ignored: the leader begins each answer where *that* ask said
//! that the log ends, so the answers to two asks do not fit together.

use std::collections::BTreeMap;
use std::time::Duration;

use chronik_log::PartitionId;

use crate::limits;

/// A partition that this node follows.
#[derive(Clone, Debug)]
pub(super) struct Followed {
    pub(super) leader_epoch: i32,
    /// Number of the last ask; 0 before the first.
    ask: u64,
    /// Where the next piece begins; `None` before an ask, and after something went wrong.
    next: Option<i64>,
    /// Where the log ends with what is queued: before `next`, if there is a gap.
    pub(super) log_end: i64,
    /// When the leader is to be asked (again), in terms of the clock's uptime; `None` while the stream flows.
    ask_at: Option<Duration>,
}

/// What a piece is to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It begins where the one before it ended.
    Next,
    /// It answers an ask that is over, or follows on something that was refused.
    Late,
    /// What was to come before it is lost.
    BehindAHole,
}

impl Followed {
    /// It is to be asked for at once.
    pub(super) fn new(leader_epoch: i32, now: Duration) -> Self {
        Self { leader_epoch, ask: 0, next: None, log_end: 0, ask_at: Some(now) }
    }

    /// The leader is told, with this number, that the log ends there.
    fn asked_from(&mut self, ask: u64, log_end: i64) {
        (self.ask, self.next, self.log_end) = (ask, Some(log_end), log_end);
    }

    /// Whether it is an answer to the last ask.
    pub(super) fn is_answer(&self, ask: u64) -> bool {
        self.ask == ask
    }

    /// Whether all pieces of this ask that were taken are in the log, or queued for it: none was refused.
    pub(super) fn flows(&self, ask: u64) -> bool {
        self.is_answer(ask) && self.next.is_some()
    }

    /// What a piece is that begins there.
    pub(super) fn place(&self, ask: u64, from: i64) -> Place {
        match self.next.filter(|_| self.is_answer(ask)) {
            None => Place::Late,
            Some(next) if next == from => Place::Next,
            Some(_) => Place::BehindAHole,
        }
    }

    /// A piece was taken that ends there.
    pub(super) fn flows_to(&mut self, to: i64) {
        (self.next, self.ask_at) = (Some(to), None);
    }

    /// Nothing is taken any more; the leader is to be asked at this time.
    pub(super) fn ask_at(&mut self, at: Duration) {
        (self.next, self.ask_at) = (None, Some(at));
    }

    /// Nothing is taken any more until somebody says when to ask.
    pub(super) fn pause(&mut self) {
        (self.next, self.ask_at) = (None, None);
    }
}

/// Those that this node follows by one leader.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    followed: BTreeMap<PartitionId, Followed>,
    /// Number of the last ask.
    asks: u64,
}

impl Partitions {
    pub(super) fn follow(&mut self, id: PartitionId, leader_epoch: i32, now: Duration) {
        self.followed.insert(id, Followed::new(leader_epoch, now));
    }

    pub(super) fn unfollow(&mut self, id: &PartitionId) {
        self.followed.remove(id);
    }

    /// A partition, if it is followed in that leader epoch.
    pub(super) fn get_mut(&mut self, id: &PartitionId, leader_epoch: i32) -> Option<&mut Followed> {
        self.followed.get_mut(id).filter(|followed| followed.leader_epoch == leader_epoch)
    }

    /// When the next partition is to be asked for.
    pub(super) fn next_ask_at(&self) -> Option<Duration> {
        self.followed.values().filter_map(|followed| followed.ask_at).min()
    }

    /// All are to be asked for.
    pub(super) fn ask_all_at(&mut self, now: Duration) {
        self.followed.values_mut().for_each(|followed| followed.ask_at = Some(now));
    }

    /// Those whose time to be asked for has come, with their leader epochs. If there is no answer, their time comes again.
    pub(super) fn due(&mut self, now: Duration) -> Vec<(PartitionId, i32)> {
        let is_due = |followed: &Followed| followed.ask_at.is_some_and(|at| at <= now);
        let due = self.followed.iter_mut().filter(|(_, followed)| is_due(followed));
        let due = due.map(|(id, followed)| {
            followed.ask_at = Some(now + limits::STREAM_ASK_AGAIN);
            (*id, followed.leader_epoch)
        });
        due.collect()
    }

    /// The leader is asked for these, whose logs end there. Returns the number to ask with.
    pub(super) fn ask(&mut self, log_ends: impl Iterator<Item = (PartitionId, i64)>) -> u64 {
        self.asks += 1;
        for (id, log_end) in log_ends {
            if let Some(followed) = self.followed.get_mut(&id) {
                followed.asked_from(self.asks, log_end);
            }
        }
        self.asks
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const ID: PartitionId = PartitionId { topic_id: Uuid::nil(), partition: 0 };
    const EPOCH: i32 = 7;

    /// What happens next.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// The leader's log grows.
        Append(u8),
        /// Time passes for the follower.
        Time(u16),
        /// The follower does what its clock says.
        Ask,
        /// The leader takes the next message.
        Hear,
        /// It sends a piece of at most so many records.
        Send(u8),
        /// The follower takes the next message.
        Take,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            any::<u8>().prop_map(Step::Append),
            (0u16..400).prop_map(Step::Time),
            Just(Step::Ask),
            Just(Step::Hear),
            (1u8..).prop_map(Step::Send),
            Just(Step::Take),
        ]
    }

    /// A leader and a follower, and what is under way between them, in order.
    struct Pair {
        now: Duration,
        leader_end: i64,
        /// The last ask that the leader has heard, and where its next piece begins.
        feed: Option<(u64, i64)>,
        asks: VecDeque<(u64, i64)>,
        pieces: VecDeque<(u64, i64, i64)>,
        follower: Partitions,
        log_end: i64,
    }

    impl Pair {
        fn new() -> Self {
            let (now, mut follower) = (Duration::ZERO, Partitions::default());
            follower.follow(ID, EPOCH, now);
            let (asks, pieces) = (VecDeque::new(), VecDeque::new());
            Self { now, leader_end: 0, feed: None, asks, pieces, follower, log_end: 0 }
        }

        fn take(&mut self, step: Step) {
            match step {
                Step::Append(records) => self.leader_end += i64::from(records),
                Step::Time(ms) => self.now += Duration::from_millis(u64::from(ms)),
                Step::Ask => {
                    if !self.follower.due(self.now).is_empty() {
                        let ask = self.follower.ask([(ID, self.log_end)].into_iter());
                        self.asks.push_back((ask, self.log_end));
                    }
                }
                Step::Hear => self.feed = self.asks.pop_front().or(self.feed),
                Step::Send(most) => {
                    if let Some((ask, next)) = &mut self.feed {
                        let to = self.leader_end.min(*next + i64::from(most));
                        self.pieces.push_back((*ask, *next, to));
                        *next = to;
                    }
                }
                Step::Take => {
                    if let Some((ask, from, to)) = self.pieces.pop_front()
                        && let Some(followed) = self.follower.get_mut(&ID, EPOCH)
                        && followed.place(ask, from) == Place::Next
                    {
                        assert_eq!(from, self.log_end, "a piece begins where the log ends");
                        followed.flows_to(to);
                        self.log_end = to;
                    }
                }
            }
        }

        /// Nothing is late any more.
        fn settle(&mut self) {
            for _ in 0..3 {
                self.take(Step::Time(400));
                self.take(Step::Ask);
                while !self.asks.is_empty() {
                    self.take(Step::Hear);
                }
                while self.feed.is_some_and(|(_, next)| next < self.leader_end) {
                    self.take(Step::Send(u8::MAX));
                }
                while !self.pieces.is_empty() {
                    self.take(Step::Take);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_follower_gets_everything_however_late_what_it_asks_for_is_heard(
            steps in prop::collection::vec(step(), 0..60)
        ) {
            let mut pair = Pair::new();
            steps.into_iter().for_each(|step| pair.take(step));
            pair.take(Step::Append(1));
            pair.settle();
            prop_assert_eq!(pair.log_end, pair.leader_end);
        }
    }
}
