//! What the consumers have seen, together.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Of all groups.
pub(crate) struct Ledger {
    /// By group and partition: the highest offset that was acknowledged; -1 for none.
    acknowledged: Vec<Vec<AtomicI64>>,
    heartbeats: Mutex<Vec<Duration>>,
    pub(crate) commits: AtomicU64,
    pub(crate) generations: AtomicU64,
    pub(crate) leaves: AtomicU64,
    pub(crate) deaths: AtomicU64,
    pub(crate) silences: AtomicU64,
}

impl Ledger {
    pub(crate) fn new(groups: usize, partitions: i32) -> Self {
        let of_group = || (0..partitions).map(|_| AtomicI64::new(-1)).collect();
        Self {
            acknowledged: (0..groups).map(|_| of_group()).collect(),
            heartbeats: Mutex::default(),
            commits: AtomicU64::new(0),
            generations: AtomicU64::new(0),
            leaves: AtomicU64::new(0),
            deaths: AtomicU64::new(0),
            silences: AtomicU64::new(0),
        }
    }

    /// Below this, nothing may be found any more.
    pub(crate) fn acknowledged(&self, group: usize, partition: i32) -> i64 {
        self.cell(group, partition).load(Ordering::SeqCst)
    }

    pub(crate) fn acknowledge(&self, group: usize, partition: i32, offset: i64) {
        self.cell(group, partition).fetch_max(offset, Ordering::SeqCst);
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    fn cell(&self, group: usize, partition: i32) -> &AtomicI64 {
        &self.acknowledged[group][usize::try_from(partition).expect("from 0 on")]
    }

    pub(crate) fn heartbeat(&self, took: Duration) {
        self.heartbeats.lock().expect("nobody panicked here").push(took);
    }

    pub(crate) fn heartbeat_p99(&self) -> Duration {
        self.percentile(99)
    }

    fn percentile(&self, percent: usize) -> Duration {
        let mut all = self.heartbeats.lock().expect("nobody panicked here").clone();
        all.sort_unstable();
        all.get(all.len() * percent / 100).copied().unwrap_or_default()
    }

    pub(crate) fn report(&self) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let heartbeats = self.heartbeats.lock().expect("nobody panicked here").len();
        eprintln!(
            "{} generations joined, {} commits, {} left, {} died, {} fell silent; {heartbeats} heartbeats, half in {:?}, 99 % in {:?}",
            count(&self.generations),
            count(&self.commits),
            count(&self.leaves),
            count(&self.deaths),
            count(&self.silences),
            self.percentile(50),
            self.percentile(99),
        );
    }
}
