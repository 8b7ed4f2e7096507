//! The channel from the timeout monitor to the election workers, and which elections are under way.
//!
//! It is bounded and never makes its sender wait; a partition is in it at most once, however often it is suspected; after
//! [`Triggers::close`] nothing gets in, and everything that got in comes out. A partition stays in it until its election is *settled*, not until
//! a worker takes it: so there is one election per (partition, epoch), also with several workers.

mod elections;

use std::future::Future;

pub use elections::{Election, Elections};

use crate::heartbeat_map::{Heartbeat, Suspect};
use crate::monitor::{Monitor, WaitQueue};

struct State<K> {
    elections: Elections<K>,
    capacity: usize,
    /// No trigger enters any more; those that are in still come out.
    closed: bool,
    receiving: WaitQueue,
}

/// Suspected leaders on their way to the election workers.
#[derive(Debug)]
pub struct Triggers<K>(Monitor<State<K>>);

/// What became of a trigger that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A worker will take it.
    Queued,
    /// The partition has an election already, in this epoch or in a newer one.
    UnderWay,
    /// The sender suspects it no longer.
    Withdrawn,
}

/// Why a trigger was not taken in. Nothing has changed: the partition is still to be watched, and the next sweep tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// As many elections wait as may.
    #[error("the queue of elections is full")]
    Full,
    /// The node shuts down.
    #[error("the queue of elections is closed")]
    Closed,
}

impl<K: Ord + Copy> Triggers<K> {
    /// A channel in which at most `capacity` triggers wait for a worker.
    ///
    /// # Panics
    /// If `capacity` is zero.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a channel for no triggers would never take one");
        let elections = Elections::default();
        Self(Monitor::new(State { elections, capacity, closed: false, receiving: WaitQueue::new() }))
    }

    /// Puts a trigger in if there is room now.
    ///
    /// # Errors
    /// Full or closed; the caller goes on watching the partition.
    #[track_caller]
    pub fn try_send(&self, suspect: Suspect<K>) -> Result<Sent, NotSent> {
        self.0.called("try_send");
        self.try_send_if(suspect, || true)
    }

    /// The same if the partition is `still_suspect` when everything else has been checked. All of it is one critical section: a trigger that does not get
    /// in has changed nothing, and of two senders one succeeds. Lock order: this, then a shard of the heartbeat map.
    pub(crate) fn try_send_if(
        &self,
        suspect: Suspect<K>,
        still_suspect: impl FnOnce() -> bool,
    ) -> Result<Sent, NotSent> {
        self.0.update(|state, wakes| {
            if state.closed {
                return Err(NotSent::Closed);
            }
            if state.elections.covers(&suspect) {
                return Ok(Sent::UnderWay);
            }
            if state.elections.queued() == state.capacity {
                return Err(NotSent::Full);
            }
            if !still_suspect() {
                return Ok(Sent::Withdrawn);
            }
            state.elections.enqueue(suspect);
            wakes.one(&mut state.receiving);
            Ok(Sent::Queued)
        })
    }

    /// The next election to hold, or `None` once the channel is closed and nobody waits in it. Whoever gets it settles it.
    ///
    /// *Cancel-safety*: dropped before it is ready, no election has been taken.
    #[track_caller]
    pub fn recv(&self) -> impl Future<Output = Option<Election<K>>> {
        self.0.called("recv");
        self.take()
    }

    /// *Cancel-safety*: as [`recv`](Self::recv).
    async fn take(&self) -> Option<Election<K>> {
        let taken = self.0.wait(
            |state| &mut state.receiving,
            (),
            |state, _| match state.elections.start() {
                Some(election) => Some(Some(election)),
                None => state.closed.then_some(None),
            },
        );
        taken.await
    }

    /// Lets no trigger in any more. Those that are in can still be received.
    pub fn close(&self) {
        self.0.update(|state, wakes| {
            state.closed = true;
            wakes.all(&mut state.receiving);
        });
    }

    /// Notes that a partition's leader was heard of. Returns whether the partition has an election.
    pub fn heard(&self, partition: &K, heartbeat: Heartbeat) -> bool {
        self.0.with(|state| state.elections.heard(partition, heartbeat))
    }

    /// The last that was heard of a leader, if `election` is still the one of its partition.
    pub fn last_heard(&self, election: &Election<K>) -> Option<Heartbeat> {
        self.0.with(|state| state.elections.last_heard(election))
    }

    /// Ends an election, if it is still the one of its partition; then `watch_again` is given the last that was heard of a leader, in the same critical section.
    /// Lock order as in `try_send_if`.
    pub fn settle(&self, election: &Election<K>, watch_again: impl FnOnce(Heartbeat)) {
        self.0.with(|state| {
            if let Some(last_heard) = state.elections.settle(election) {
                watch_again(last_heard);
            }
        });
    }

    /// How many triggers wait for a worker.
    pub fn queued(&self) -> usize {
        self.0.with(|state| state.elections.queued())
    }

    /// Whether the partition has an election, queued or under way.
    pub fn has(&self, partition: &K) -> bool {
        self.0.with(|state| state.elections.of(partition).is_some())
    }

    /// Looks at the elections and changes them, together with what is watched. Lock order as in [`try_send_if`](Self::try_send_if).
    #[track_caller]
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut Elections<K>) -> R) -> R {
        self.0.with(|state| change(&mut state.elections))
    }
}

impl<K> std::fmt::Debug for State<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("closed", &self.closed).finish_non_exhaustive()
    }
}
