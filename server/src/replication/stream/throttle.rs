//! A rate that is kept: a bucket that fills with time, out of which whole pieces are paid afterwards.
//!
//! Whoever owes nothing may send a piece, however large it is, and owes it then. What was not used is kept for [`BURST`] at most. The time is the caller's.

use std::time::Duration;

/// For how long a rate that was not used can be made up for.
const BURST: Duration = Duration::from_secs(1);
const NANOS: i128 = 1_000_000_000;

/// The bucket.
#[derive(Clone, Debug, Default)]
pub(super) struct Throttle {
    /// Bytes per second; `None`: as many as there are. 0: none.
    rate: Option<u64>,
    /// Billionths of a byte: a nanosecond adds as many as the rate says. Negative: owed.
    balance: i128,
    /// When the balance was that.
    at: Duration,
}

impl Throttle {
    /// From now on it is this rate. What is owed stays owed, unless there is no rate any more.
    pub(super) fn set_rate(&mut self, rate: Option<u64>, now: Duration) {
        if rate == self.rate {
            return;
        }
        self.fill(now);
        self.rate = rate;
        self.balance = rate.map_or(0, |rate| self.balance.min(burst(rate)));
    }

    /// Bytes per second.
    pub(super) fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// How long it is until something may be sent; zero if it may be now, [`Duration::MAX`] if it never may at this rate.
    pub(super) fn wait(&mut self, now: Duration) -> Duration {
        self.fill(now);
        match self.rate {
            None => Duration::ZERO,
            Some(0) => Duration::MAX,
            Some(_) if self.balance >= 0 => Duration::ZERO,
            Some(rate) => {
                let nanos = self.balance.unsigned_abs().div_ceil(u128::from(rate));
                Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        }
    }

    /// So much was sent.
    pub(super) fn spend(&mut self, bytes: usize, now: Duration) {
        self.fill(now);
        if self.rate.is_some() {
            let bytes = i128::try_from(bytes).unwrap_or(i128::MAX);
            self.balance = self.balance.saturating_sub(bytes.saturating_mul(NANOS));
        }
    }

    fn fill(&mut self, now: Duration) {
        let nanos = i128::try_from(now.saturating_sub(self.at).as_nanos()).unwrap_or(i128::MAX);
        self.at = self.at.max(now);
        if let Some(rate) = self.rate {
            let more = nanos.saturating_mul(i128::from(rate));
            self.balance = self.balance.saturating_add(more).min(burst(rate));
        }
    }
}

fn burst(rate: u64) -> i128 {
    i128::from(rate).saturating_mul(i128::try_from(BURST.as_nanos()).unwrap_or(i128::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// What happens to a throttle.
    enum Step {
        Rate(Option<u64>),
        Spend(usize),
        /// So many milliseconds pass.
        Pass(u32),
    }

    #[test]
    fn whoever_owes_nothing_may_send() {
        use Step::{Pass, Rate, Spend};
        for (steps, expected) in [
            (&[][..], Duration::ZERO),
            (&[Spend(1 << 30)], Duration::ZERO), // there is no rate
            (&[Rate(Some(100))], Duration::ZERO),
            (&[Rate(Some(100)), Spend(1)], 10 * MS),
            (&[Rate(Some(100)), Spend(1000)], 10_000 * MS), // a whole piece
            (&[Rate(Some(100)), Spend(1000), Pass(9_999)], MS),
            (&[Rate(Some(100)), Spend(1000), Pass(10_000)], Duration::ZERO),
            (&[Rate(Some(3)), Spend(1)], Duration::from_nanos(333_333_334)), // not a moment too soon
            (&[Rate(Some(100)), Pass(500), Spend(50)], Duration::ZERO),
            (&[Rate(Some(100)), Pass(500), Spend(51)], 10 * MS),
            (&[Rate(Some(100)), Pass(60_000), Spend(101)], 10 * MS), // no more than a second is kept
            (&[Rate(Some(0))], Duration::MAX),
            (&[Rate(Some(0)), Pass(60_000)], Duration::MAX),
            (&[Rate(Some(u64::MAX)), Pass(60_000), Spend(usize::MAX)], Duration::ZERO),
            // Another rate: what is owed is owed at that.
            (&[Rate(Some(100)), Spend(1000), Rate(Some(1000))], 1_000 * MS),
            (&[Rate(Some(100)), Spend(1000), Pass(5_000), Rate(Some(50))], 10_000 * MS),
            (&[Rate(Some(100)), Spend(1000), Rate(Some(0)), Rate(Some(100))], 10_000 * MS),
            (&[Rate(Some(1000)), Pass(1_000), Rate(Some(100)), Spend(101)], 10 * MS),
            (&[Rate(Some(100)), Spend(1000), Rate(None)], Duration::ZERO),
            (&[Rate(Some(100)), Spend(1000), Rate(None), Rate(Some(1))], Duration::ZERO),
            (&[Rate(None), Pass(60_000), Rate(Some(100)), Spend(1)], 10 * MS), // nothing was saved before
        ] {
            let (mut throttle, mut now) = (Throttle::default(), Duration::ZERO);
            for step in steps {
                match step {
                    Rate(rate) => throttle.set_rate(*rate, now),
                    Spend(bytes) => throttle.spend(*bytes, now),
                    Pass(ms) => now += *ms * MS,
                }
            }
            assert_eq!(throttle.wait(now), expected, "after {now:?}: {throttle:?}");
        }
    }

    proptest! {
        #[test]
        fn nobody_sends_more_than_the_rate_and_nobody_starves(
            rate in 1u64..10_000_000,
            pieces in prop::collection::vec((1usize..1 << 20, 0u32..3_000), 1..50),
        ) {
            let (mut throttle, mut now) = (Throttle::default(), Duration::ZERO);
            throttle.set_rate(Some(rate), now);
            let mut paid = 0u128; // all that was sent but for the last piece
            for (bytes, idle_ms) in pieces {
                now += idle_ms * MS;
                let wait = throttle.wait(now);
                prop_assert!(wait < Duration::MAX);
                now += wait;
                prop_assert_eq!(throttle.wait(now), Duration::ZERO, "waiting once is enough");
                let most = u128::from(rate) * (now + BURST).as_nanos() / NANOS.unsigned_abs();
                prop_assert!(paid <= most, "{} of {} bytes after {:?}", paid, most, now);
                throttle.spend(bytes, now);
                paid += bytes as u128;
            }
        }
    }
}
