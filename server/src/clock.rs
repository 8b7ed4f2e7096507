//! The clock seam: the only place that asks what time it is.
//!
//! Every reading comes from the runtime's clock. A simulation pauses that clock, so that time passes only when nothing else can run, and a
//! second of it costs nothing.
#![expect(clippy::disallowed_methods, reason = "the clock seam itself")]

use std::time::Duration;

use tokio::time::Instant;

/// Milliseconds since the Unix epoch, as Kafka counts time.
pub type UnixMs = i64;

/// The wall clock and the passage of time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The wall clock's reading at `started`.
    epoch_ms: UnixMs,
    started: Instant,
}

impl Clock {
    /// The machine's clock. The wall clock is read once; after that time only moves forward, at the monotonic clock's pace.
    pub fn system() -> Self {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// A clock whose wall reads `epoch_ms` now.
    pub fn starting_at(epoch_ms: UnixMs) -> Self {
        let started = Instant::now();
        Self { epoch_ms, started }
    }

    /// The wall clock, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> UnixMs {
        self.epoch_ms.saturating_add(i64::try_from(self.uptime().as_millis()).unwrap_or(i64::MAX))
    }

    /// How long this clock has run.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits for `duration` to pass.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
