//! What the connections of a load have done. They all run on one thread.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::cli::progress::Progress;
use crate::clock::Clock;

/// Latencies are kept in microseconds with three digits, up to this.
const LONGEST_US: u64 = 3_600_000_000;

/// Counts what has been answered.
pub(super) struct Recorder {
    clock: Clock,
    started: Duration,
    latency_us: RefCell<Histogram<u64>>,
    pub(super) requests: Cell<u64>,
    pub(super) records: Cell<u64>,
    pub(super) bytes: Cell<u64>,
    last: Cell<Duration>,
    progress: Progress,
}

impl Recorder {
    /// Counts from now.
    pub(super) fn start(clock: &Clock, progress: Progress) -> Self {
        Self {
            clock: clock.clone(),
            started: clock.uptime(),
            latency_us: RefCell::new(
                Histogram::new_with_bounds(1, LONGEST_US, 3).expect("bounds are in order"),
            ),
            requests: Cell::new(0),
            records: Cell::new(0),
            bytes: Cell::new(0),
            last: Cell::new(clock.uptime()),
            progress,
        }
    }

    /// One request was answered; its latency counts from `from`.
    pub(super) fn answered(&self, from: Duration, records: u64, bytes: u64) {
        let now = self.clock.uptime();
        let latency_us = u64::try_from(now.saturating_sub(from).as_micros()).unwrap_or(u64::MAX);
        self.latency_us.borrow_mut().saturating_record(latency_us.max(1));
        self.requests.set(self.requests.get() + 1);
        self.records.set(self.records.get() + records);
        self.bytes.set(self.bytes.get() + bytes);
        self.last.set(now);
        self.progress.set(self.bytes.get());
    }

    /// From the start to the last answer.
    pub(super) fn elapsed(&self) -> Duration {
        self.last.get() - self.started
    }

    /// The latency below which so many percent of all requests were answered.
    pub(super) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.latency_us.borrow().value_at_percentile(percent))
    }

    /// Since the start.
    pub(super) fn running_for(&self) -> Duration {
        self.clock.uptime() - self.started
    }
}
