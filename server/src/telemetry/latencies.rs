//! Times of which quantiles can be told. (A histogram of the metrics library can be printed, not read.)

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

/// Bounds from 25 us to 26 s: two for each doubling.
const BUCKETS: usize = 41;

/// The upper bound of a bucket, in microseconds. What is above the last is counted as if it were at it.
fn bound_us(bucket: usize) -> u64 {
    let doubled = bucket / 2;
    if bucket.is_multiple_of(2) { 25 << doubled } else { 35 << doubled }
}

/// How often something took how long, since the start. Clones are the same counters.
#[derive(Clone, Debug)]
pub struct Latencies {
    buckets: [Counter; BUCKETS],
}

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| Counter::default()) }
    }
}

impl Latencies {
    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (0..BUCKETS).find(|bucket| us <= bound_us(*bucket)).unwrap_or(BUCKETS - 1);
        self.buckets[bucket].inc();
    }

    /// The time that a share `q` of all took at most, in milliseconds, as near as the buckets tell; `None` before the first.
    pub fn quantile_ms(&self, q: f64) -> Option<f64> {
        let counts: Vec<u64> = self.buckets.iter().map(Counter::get).collect();
        quantile_us(&counts, q).map(|us| us / 1000.0)
    }
}

/// Within its bucket, a quantile is taken to lie as far as its rank does.
#[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
fn quantile_us(counts: &[u64], q: f64) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    let rank = q * total as f64;
    let mut below = 0.0;
    for (bucket, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let count = *count as f64;
        if below + count >= rank {
            let low = if bucket == 0 { 0.0 } else { bound_us(bucket - 1) as f64 };
            let share = ((rank - below) / count).clamp(0.0, 1.0);
            return Some(low + share * (bound_us(bucket) as f64 - low));
        }
        below += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_ascend_to_half_a_minute() {
        assert!((1..BUCKETS).all(|bucket| bound_us(bucket - 1) < bound_us(bucket)));
        assert!(bound_us(BUCKETS - 1) > 26_000_000);
    }

    #[test]
    fn quantiles_lie_in_their_bucket() {
        let latencies = Latencies::default();
        assert_eq!(latencies.quantile_ms(0.5), None);
        (0..99).for_each(|_| latencies.observe(Duration::from_micros(1000)));
        latencies.observe(Duration::from_secs(1000));
        let quantile = |q| latencies.quantile_ms(q).expect("there are some");
        assert!((0.8..=1.12).contains(&quantile(0.5)), "{}", quantile(0.5));
        assert!(quantile(0.99) <= 1.12 && quantile(0.999) > 18_000.0);
    }
}
