//! When requests are sent.
//!
//! At a given rate, a request has a time at which it *should* be sent, and its latency counts from there: a server that
//! stalls makes all the requests wait that should have been sent meanwhile, not only the one that it was working on.
//! (Gil Tene's "coordinated omission".)

use std::time::Duration;

use super::args::{LoadArgs, Rate};
use crate::clock::Clock;

/// The times at which one connection sends.
#[derive(Debug)]
pub(super) struct Pace {
    clock: Clock,
    /// Between two requests; none in a closed loop.
    interval: Option<Duration>,
    /// When the first is due.
    first: Duration,
    until: Option<Duration>,
    sent: u32,
    /// Requests left to send.
    left: Option<u64>,
}

impl Pace {
    /// That of connection `index`, which sends `requests` at most; the connections of a load take turns.
    pub(super) fn new(clock: &Clock, load: &LoadArgs, index: u32, requests: Option<u64>) -> Self {
        let now = clock.uptime();
        let interval = match load.rate {
            Rate::Max => None,
            Rate::PerSecond(rate) => Some(Duration::from_secs_f64(f64::from(load.connections) / rate)),
        };
        let turn = interval.map_or(Duration::ZERO, |interval| interval * index / load.connections);
        Self {
            clock: clock.clone(),
            interval,
            first: now + turn,
            until: load.duration.map(|seconds| now + Duration::from_secs(seconds)),
            sent: 0,
            left: requests,
        }
    }

    /// Waits until the next request is due and says when it was; `None` if there are no more.
    pub(super) async fn next(&mut self) -> Option<Duration> {
        let due =
            self.interval.map_or_else(|| self.clock.uptime(), |interval| self.first + interval * self.sent);
        if self.left == Some(0) || self.until.is_some_and(|until| due >= until) {
            return None;
        }
        let left = due.saturating_sub(self.clock.uptime());
        if !left.is_zero() {
            self.clock.sleep(left).await; // a timer takes a millisecond, also for nothing
        }
        self.sent += 1;
        self.left = self.left.map(|left| left - 1);
        Some(due)
    }

    /// From when a request's latency counts: from when it was due, or, in a closed loop, from now.
    pub(super) fn counts_from(&self, due: Duration) -> Duration {
        if self.interval.is_some() { due } else { self.clock.uptime() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn load(extra: &[&str]) -> LoadArgs {
        let words = ["chronik-server", "bench", "produce"].iter().chain(extra);
        match Cli::parse_from(words).command {
            Command::Bench(bench) => match bench.command {
                super::super::BenchCommand::Produce(produce) => produce.load,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_request_is_due_when_it_was_due() {
        let clock = Clock::starting_at(0);
        let mut pace = Pace::new(&clock, &load(&["--rate", "100", "--connections", "2"]), 1, Some(3));
        assert_eq!(pace.next().await, Some(Duration::from_millis(10)));
        tokio::time::sleep(Duration::from_secs(5)).await; // the server stalls
        assert_eq!(pace.next().await, Some(Duration::from_millis(30)));
        assert_eq!(pace.next().await, Some(Duration::from_millis(50)));
        assert_eq!(pace.counts_from(Duration::from_millis(50)), Duration::from_millis(50));
        assert_eq!(pace.next().await, None, "three requests were asked for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_loop_ends_with_its_time() {
        let clock = Clock::starting_at(0);
        let mut pace = Pace::new(&clock, &load(&["--duration", "1"]), 0, None);
        assert_eq!(pace.next().await, Some(Duration::ZERO));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(pace.counts_from(Duration::ZERO), Duration::from_secs(1));
        assert_eq!(pace.next().await, None);
    }
}
