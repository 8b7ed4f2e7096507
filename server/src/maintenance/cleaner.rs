//! The log cleaner: compacts the logs whose `cleanup.policy` says so, one at a time, at a bounded rate.

use std::time::Duration;

use chronik_log::{Cleaned, CompactionError, CompactionJob, CompactionStats, CompactionStep, Op, Outcome};

use crate::clock::Clock;
use crate::spawn::Spawner;
use crate::storage::{Storage, StorageError};
use crate::telemetry::{Metrics, Pulse};

/// How often, and how much.
#[derive(Clone, Copy, Debug)]
pub struct CleanerSettings {
    /// `log.cleaner.backoff.ms`: between two looks, when there was nothing to do.
    pub backoff: Duration,
    /// `log.cleaner.dedupe.buffer.size`: bytes of the offset map.
    pub dedupe_buffer_bytes: usize,
    /// `log.cleaner.io.max.bytes.per.second`, read and written together.
    pub max_bytes_per_second: Option<u64>,
}

/// The cleaner task.
pub struct Cleaner {
    /// Whose log.
    pub storage: Storage,
    /// What time it is.
    pub clock: Clock,
    /// Where files are read and written.
    pub spawner: Spawner,
    /// How much.
    pub settings: CleanerSettings,
    /// What is counted.
    pub metrics: Metrics,
}

/// Spreads bytes over time.
#[derive(Debug, Default)]
struct Pace {
    /// When what was done so far would have been done at the allowed rate, in terms of the clock's uptime.
    paid_until: Duration,
}

impl Pace {
    /// How long to wait after `bytes`, at `now`. Time in which nothing was done is not saved up.
    fn pause(&mut self, now: Duration, started: Duration, bytes: u64, bytes_per_second: u64) -> Duration {
        let cost = Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / bytes_per_second.max(1));
        self.paid_until = self.paid_until.max(started) + cost;
        self.paid_until.saturating_sub(now)
    }
}

impl Cleaner {
    /// Works until storage ends: what is under way then is given up, and leaves the log as it was.
    pub async fn run(self, pulse: Pulse) {
        loop {
            pulse.idle();
            self.clock.sleep(self.settings.backoff).await;
            pulse.beat();
            if self.round(&pulse).await.is_err() {
                break;
            }
        }
    }

    /// Compacts until nothing is due, or one comes to nothing: it would again.
    async fn round(&self, pulse: &Pulse) -> Result<(), StorageError> {
        self.storage.note_high_watermarks().await?; // nothing above them is compacted
        loop {
            let (now_ms, map_bytes) = (self.clock.now_ms(), self.settings.dedupe_buffer_bytes);
            let begin = move |log: &mut chronik_log::Log| {
                (log.compaction_outlook(now_ms), log.begin_compaction(now_ms, map_bytes))
            };
            let (outlook, job) = self.storage.with_log(begin).await?;
            self.metrics.compaction_max_dirty_percent.set(percent(outlook.max_dirty_ratio));
            let uncleanable = i64::try_from(outlook.uncleanable_partitions).unwrap_or(i64::MAX);
            self.metrics.compaction_uncleanable_partitions.set(uncleanable);
            let Some(job) = job else { return Ok(()) };
            if !self.compact(job, pulse).await? {
                return Ok(());
            }
        }
    }

    /// Whether it came to something.
    async fn compact(&self, job: CompactionJob, pulse: &Pulse) -> Result<bool, StorageError> {
        let (id, started) = (job.id(), self.clock.uptime());
        let result = self.carry_out(job, pulse).await?;
        match &result {
            Ok(stats) if !stats.came_to_something() => {
                tracing::debug!(%id, "an open transaction is in the way");
            }
            Ok(stats) => self.report(id, stats, self.clock.uptime() - started),
            Err(CompactionError::Overtaken) => {
                tracing::debug!(%id, "a compaction was overtaken, and given up");
            }
            Err(error) => {
                self.metrics.compaction_failures.inc();
                tracing::error!(%id, %error, "the log cannot be compacted; nothing of it has changed");
            }
        }
        let came_to_something = matches!(&result, Ok(stats) if stats.came_to_something());
        self.storage.with_log(move |log| log.finish_compaction(id, &result)).await?;
        Ok(came_to_something)
    }

    /// Step by step, each on another thread.
    async fn carry_out(
        &self,
        mut job: CompactionJob,
        pulse: &Pulse,
    ) -> Result<Result<CompactionStats, CompactionError>, StorageError> {
        let mut pace = Pace::default();
        loop {
            let started = self.clock.uptime();
            pulse.idle();
            let step;
            (job, step) = self
                .spawner
                .blocking(move || {
                    let step = job.step();
                    (job, step)
                })
                .await;
            if let Some(bytes_per_second) = self.settings.max_bytes_per_second {
                let pause = pace.pause(self.clock.uptime(), started, job.take_bytes(), bytes_per_second);
                self.clock.sleep(pause).await;
            }
            pulse.beat();
            match step {
                Ok(CompactionStep::Working) => {}
                Ok(CompactionStep::Cleaned(cleaned)) => {
                    if !self.swap(cleaned).await? {
                        return Ok(Err(CompactionError::Overtaken));
                    }
                }
                Ok(CompactionStep::Finished) => return Ok(Ok(job.stats())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Whether what was cleaned is in its place now.
    async fn swap(&self, cleaned: Cleaned) -> Result<bool, StorageError> {
        match self.storage.execute(Op::Swap(Box::new(cleaned.clone()))).await {
            Ok(Outcome::Swapped { swapped: true }) => return Ok(true),
            Err(error @ (StorageError::Closed | StorageError::Dead)) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "compacted segments were not put in their place");
            }
            Ok(_) => {}
        }
        self.spawner.blocking(move || cleaned.discard()).await;
        Ok(false)
    }

    fn report(&self, id: chronik_log::PartitionId, stats: &CompactionStats, took: Duration) {
        let CompactionStats { first_dirty_offset, end_offset, keys, bytes_before, bytes_after, .. } = *stats;
        let metrics = &self.metrics;
        metrics.compactions.inc();
        metrics.compaction_duration.observe(took.as_secs_f64());
        metrics.compaction_read_bytes.inc_by(bytes_before);
        metrics.compaction_kept_bytes.inc_by(bytes_after);
        if let Some(kept) = (bytes_after.saturating_mul(100)).checked_div(bytes_before) {
            metrics.compaction_recopy_percent.set(i64::try_from(kept).unwrap_or(i64::MAX));
        }
        let seconds = i64::try_from(took.as_secs()).unwrap_or(i64::MAX);
        if seconds > metrics.compaction_max_seconds.get() {
            metrics.compaction_max_seconds.set(seconds);
        }
        tracing::info!(%id, first_dirty_offset, end_offset, keys, bytes_before, bytes_after, "compacted");
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a ratio from 0 to 1")]
fn percent(ratio: f64) -> i64 {
    (ratio * 100.0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_over_steps_of_any_length() {
        let ms = Duration::from_millis;
        let mut pace = Pace::default();
        for (what, started_ms, now_ms, bytes, pause_ms) in [
            ("quick", 1000, 1010, 100, 90),
            ("slower than allowed", 1100, 1300, 100, 0),
            ("what was lost then is made up for", 1300, 1300, 100, 100),
            ("idle time is not saved up", 9000, 9000, 100, 100),
        ] {
            assert_eq!(pace.pause(ms(now_ms), ms(started_ms), bytes, 1000), ms(pause_ms), "{what}");
        }
    }
}
