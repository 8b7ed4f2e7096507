//! When the leader of each partition that this node follows was last heard of.
//!
//! A followed partition is *watched*, or it has an *election*, at every moment:
//!
//! ```text
//!                 sweep: stale, there is room, and it is still stale
//!      ┌─────────┐ ──────────────────────────────────────────────► ┌──────────┐
//!  ──► │ watched │                                                 │ election │
//!      └─────────┘ ◄────────────────────────────────────────────── └──────────┘
//!         │ unfollow       settle: led, refused, or heard of again      │ unfollow
//!         ▼                                                             ▼
//! ```
//!
//! The map is large and heartbeats are many, so it is sharded, and an iteration holds the lock of a shard. Hence the order of a sweep: iterate and
//! only read; then, for each candidate, if there is room for a trigger, remove the entry if it is *still* what was read, and put the trigger in. A
//! heartbeat that comes anywhere in between keeps its entry, and a trigger that does not get in leaves it.

mod under_way;

use std::fmt;
use std::hash::Hash;

pub use under_way::UnderWay;

use crate::sync::ShardedMap;
use crate::triggers::{NotSent, Sent, Triggers};

/// A sign of life of a partition's leader. Ordered by epoch, then by time: a later one is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heartbeat {
    /// The epoch in which it leads.
    pub leader_epoch: i32,
    /// When it was heard of, in milliseconds of the caller's clock.
    pub at_ms: i64,
}

impl Heartbeat {
    /// Whether nothing has been heard for `timeout_ms`. A heartbeat may be newer than `now_ms`, which was sampled before: that is no silence.
    pub fn is_stale(&self, now_ms: i64, timeout_ms: i64) -> bool {
        now_ms.saturating_sub(self.at_ms) >= timeout_ms
    }
}

/// A partition whose leader has been silent for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect<K> {
    /// Which partition.
    pub partition: K,
    /// The last that was heard of its leader.
    pub last: Heartbeat,
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Triggers that were queued.
    pub triggered: usize,
    /// Stale partitions for which there was no room: still watched, and found again by the next sweep.
    pub deferred: usize,
}

/// The partitions that this node follows.
pub struct HeartbeatMap<K> {
    /// The partitions that are watched. A shard is locked for one entry, or to be read through; nothing else is locked or called meanwhile.
    watched: ShardedMap<K, Heartbeat>,
    /// The partitions that have an election, none of which is watched. Its lock is taken before that of a shard; under it a partition
    /// comes, goes, and moves from here to `watched` and back. Without it an entry of `watched` is only refreshed.
    triggers: Triggers<K>,
}

impl<K: Ord + Hash + Copy> HeartbeatMap<K> {
    /// Follows nothing yet. At most `capacity` elections wait for a worker.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Self { watched: ShardedMap::new(), triggers: Triggers::new(capacity) }
    }

    /// Follows a partition, as of now; or a newer leader of one that is followed already. An election in an older epoch has become superfluous.
    pub fn follow(&self, partition: K, leader: Heartbeat) {
        self.triggers.with(|elections| {
            elections.cancel_before(&partition, leader.leader_epoch);
            if !elections.heard(&partition, leader) {
                self.watch(partition, leader);
            }
        });
    }

    /// Follows a partition no longer: it is gone, or led by this node.
    pub fn unfollow(&self, partition: &K) {
        self.triggers.with(|elections| {
            elections.cancel(partition);
            self.watched.remove_if(partition, |_| true);
        });
    }

    /// The leader of a partition was heard of. Of a partition that is not followed it says nothing, and of a deposed leader neither.
    pub fn heartbeat(&self, partition: &K, heartbeat: Heartbeat) {
        if self.refresh(partition, heartbeat) {
            return;
        }
        // Not watched: it has an election, or had one that was settled since the look above, or is not followed.
        self.triggers
            .with(|elections| elections.heard(partition, heartbeat) || self.refresh(partition, heartbeat));
    }

    /// Whether the partition is watched.
    fn refresh(&self, partition: &K, heartbeat: Heartbeat) -> bool {
        let refreshed = self.watched.update(partition, |last| *last = heartbeat.max(*last));
        refreshed.is_some()
    }

    fn watch(&self, partition: K, heartbeat: Heartbeat) {
        self.watched.upsert(partition, heartbeat, |last, heartbeat| *last = heartbeat.max(*last));
    }

    /// Sends a trigger for each partition whose leader has been silent for `timeout_ms`, and watches it no longer. It never waits for anything but locks that
    /// are held for a few lines.
    pub fn sweep(&self, now_ms: i64, timeout_ms: i64) -> Swept {
        let mut swept = Swept::default();
        for suspect in self.suspects(now_ms, timeout_ms) {
            match self.triggers.try_send_if(suspect, || self.remove_if_still_silent(&suspect)) {
                Ok(Sent::Queued) => swept.triggered += 1,
                Ok(Sent::UnderWay | Sent::Withdrawn) => {}
                Err(NotSent::Full | NotSent::Closed) => swept.deferred += 1,
            }
        }
        swept
    }

    /// Watches a partition no longer, unless its leader was heard of meanwhile. Returns whether it was removed.
    fn remove_if_still_silent(&self, suspect: &Suspect<K>) -> bool {
        self.watched.remove_if(&suspect.partition, |last| *last == suspect.last).is_some()
    }

    /// The candidates of a sweep. It only reads.
    fn suspects(&self, now_ms: i64, timeout_ms: i64) -> Vec<Suspect<K>> {
        let mut suspects = Vec::new();
        self.watched.for_each(|partition, last| {
            if last.is_stale(now_ms, timeout_ms) {
                suspects.push(Suspect { partition: *partition, last: *last });
            }
        });
        suspects
    }

    /// The next election to hold, or `None` once [`close`](Self::close)d and drained.
    ///
    /// *Cancel-safety*: dropped before it is ready, no election has been taken.
    pub async fn next_election(&self) -> Option<UnderWay<'_, K>> {
        let election = self.triggers.recv().await?;
        Some(UnderWay::new(self, election))
    }

    /// Starts no election any more; those that were triggered still come out.
    pub fn close(&self) {
        self.triggers.close();
    }

    /// The last that was heard of a partition's leader, if the partition is watched.
    pub fn watched(&self, partition: &K) -> Option<Heartbeat> {
        self.watched.get(partition)
    }

    /// Whether a partition is watched or has an election: a followed one always does.
    pub fn is_followed(&self, partition: &K) -> bool {
        self.triggers.with(|elections| elections.of(partition).is_some() || self.watched(partition).is_some())
    }

    /// Whether a partition has an election, queued or under way.
    pub fn has_election(&self, partition: &K) -> bool {
        self.triggers.has(partition)
    }

    /// How many elections wait for a worker.
    pub fn queued_elections(&self) -> usize {
        self.triggers.queued()
    }
}

impl<K> fmt::Debug for HeartbeatMap<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeartbeatMap").finish_non_exhaustive()
    }
}
