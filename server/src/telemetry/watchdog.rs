//! The stall watchdog. A freeze must not be silent: every long-running loop shows life, and the one that stops is named.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use concurrency_models::image::Image;
use prometheus_client::metrics::gauge::Gauge;

use super::instruments::Metrics;
use super::labels::LoopLabels;
use crate::clock::Clock;
use crate::shutdown::Shutdown;

/// Value of a beat while the loop waits for something that may take for ever.
const IDLE: i64 = -1;

/// Knows every loop that shows life. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Watchdog {
    clock: Clock,
    metrics: Metrics,
    threshold: Duration,
    loops: Arc<Image<Vec<Arc<Watched>>>>,
}

#[derive(Debug)]
struct Watched {
    name: String,
    /// How long one turn may take, waiting apart.
    max_interval: Duration,
    /// Uptime in milliseconds of the last beat, or [`IDLE`]. A metric, and the only state: written by the loop, read by the watchdog.
    last_beat: Gauge,
}

/// A loop's sign of life. Its drop says that the loop has ended.
#[derive(Debug)]
pub struct Pulse {
    watched: Arc<Watched>,
    watchdog: Watchdog,
}

/// A loop that stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The loop.
    pub name: String,
    /// Since when.
    pub silent_for: Duration,
}

impl Watchdog {
    /// A watchdog that calls a loop stalled when it is silent for `threshold` longer than it said it would be.
    pub fn new(clock: Clock, metrics: Metrics, threshold: Duration) -> Self {
        Self { clock, metrics, threshold, loops: Arc::new(Image::new(Vec::new())) }
    }

    /// Watches a loop of which one turn takes `max_interval` at most, waiting apart. It beats from now on. No two loops have the same name.
    pub fn register(&self, name: &str, max_interval: Duration) -> Pulse {
        let last_beat = self.metrics.loop_last_beat.get_or_create(&labels(name)).clone();
        drop(self.metrics.loop_stalled.get_or_create(&labels(name))); // shown as 0 from the beginning, for alerts
        let watched = Arc::new(Watched { name: name.to_owned(), max_interval, last_beat });
        self.loops.update(|loops| Arc::new(loops.iter().cloned().chain([watched.clone()]).collect()));
        let pulse = Pulse { watched, watchdog: self.clone() };
        pulse.beat();
        pulse
    }

    /// The loops that stand still now.
    pub fn stalled(&self) -> Vec<Stall> {
        let now_ms = self.uptime_ms();
        self.loops.load().iter().filter_map(|watched| self.judge(watched, now_ms)).collect()
    }

    /// Looks again and again, until shutdown is asked for, and reports every loop that stops and every one that goes on.
    pub async fn run(self, shutdown: Shutdown) {
        let every = (self.threshold / 4).max(Duration::from_millis(1));
        let mut known: Vec<Stall> = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = shutdown.requested() => return,
                () = self.clock.sleep(every) => known = self.report(&known),
            }
        }
    }

    /// Reports what differs from `before`; returns what stands still now.
    fn report(&self, before: &[Stall]) -> Vec<Stall> {
        let now = self.stalled();
        for stall in now.iter().filter(|stall| !names(before, &stall.name)) {
            tracing::error!(
                name = stall.name,
                silent_ms = u64::try_from(stall.silent_for.as_millis()).unwrap_or(u64::MAX),
                "a loop of the server stands still; /health/live fails until it goes on"
            );
            self.metrics.loop_stalled.get_or_create(&labels(&stall.name)).set(1);
            self.metrics.loop_stalls.get_or_create(&labels(&stall.name)).inc();
        }
        for stall in before.iter().filter(|stall| !names(&now, &stall.name)) {
            tracing::warn!(name = stall.name, "the loop goes on");
            self.metrics.loop_stalled.get_or_create(&labels(&stall.name)).set(0);
        }
        now
    }

    fn judge(&self, watched: &Watched, now_ms: i64) -> Option<Stall> {
        let last_beat = watched.last_beat.get();
        let silent_for = Duration::from_millis(u64::try_from(now_ms - last_beat).unwrap_or(0));
        let stalled = last_beat != IDLE && silent_for > watched.max_interval + self.threshold;
        stalled.then(|| Stall { name: watched.name.clone(), silent_for })
    }

    fn uptime_ms(&self) -> i64 {
        i64::try_from(self.clock.uptime().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Pulse {
    /// A turn of the loop begins or goes on.
    pub fn beat(&self) {
        self.watched.last_beat.set(self.watchdog.uptime_ms());
    }

    /// The loop now waits for work, which may take for ever. The next [`beat`](Self::beat) ends that.
    pub fn idle(&self) {
        self.watched.last_beat.set(IDLE);
    }

    /// Runs a loop that gives its thread back whenever it waits. Each time it is polled is a turn, or a few without a pause; in between it is idle. `observe`
    /// hears of each turn: at which uptime it began, and how long it took.
    pub async fn turns<F: Future>(self, run: F, mut observe: impl FnMut(Duration, Duration)) -> F::Output {
        let clock = &self.watchdog.clock;
        let mut run = pin!(run);
        let polled = poll_fn(|context| {
            self.beat();
            let began = clock.uptime();
            let polled = run.as_mut().poll(context);
            observe(began, clock.uptime() - began);
            self.idle();
            polled
        });
        polled.await
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.idle();
        let ended = &self.watched;
        self.watchdog.loops.update(|loops| {
            Arc::new(loops.iter().filter(|watched| !Arc::ptr_eq(watched, ended)).cloned().collect())
        });
    }
}

fn labels(name: &str) -> LoopLabels {
    LoopLabels { name: name.to_owned() }
}

fn names(stalls: &[Stall], name: &str) -> bool {
    stalls.iter().any(|stall| stall.name == name)
}
