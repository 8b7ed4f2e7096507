//! The task that suspects silent leaders: on each tick it sweeps the heartbeat map and sends triggers. It never waits for anything but its
//! mailbox.
//!
//! What it holds is all it can reach: its mailbox and the map. There is no way from here to the Raft node, whose lock may be held for as long as a
//! round takes; what follows from a suspicion is an [`election_worker`](crate::election_worker)'s to find out. A timeout is a suspicion, not a verdict.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use crate::heartbeat_map::HeartbeatMap;
use crate::mailbox::Receiver;

/// What the monitor wakes up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is time to look.
    Tick {
        /// Now, in milliseconds of the clock that heartbeats are dated by.
        now_ms: i64,
    },
    /// The node shuts down.
    Stop,
}

/// One for each node, however many connections it has.
pub struct TimeoutMonitor<K> {
    events: Receiver<Event>,
    heartbeats: Arc<HeartbeatMap<K>>,
    timeout_ms: i64,
}

impl<K: Ord + Hash + Copy> TimeoutMonitor<K> {
    /// A leader is suspected when nothing has been heard of it for `timeout_ms`.
    pub fn new(events: Receiver<Event>, heartbeats: Arc<HeartbeatMap<K>>, timeout_ms: i64) -> Self {
        Self { events, heartbeats, timeout_ms }
    }

    /// Runs until [`Event::Stop`], or until nobody can send an event any more. Then no election is triggered any more, and the workers end when they
    /// have held those that were.
    ///
    /// *Cancel-safety*: dropped half-way, no trigger is lost; but the workers are not told to end.
    pub async fn run(mut self) {
        while let Some(Event::Tick { now_ms }) = self.events.recv().await {
            self.heartbeats.sweep(now_ms, self.timeout_ms);
        }
        self.heartbeats.close();
    }
}

impl<K> fmt::Debug for TimeoutMonitor<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutMonitor").field("timeout_ms", &self.timeout_ms).finish_non_exhaustive()
    }
}
