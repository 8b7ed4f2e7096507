//! What keeps the log in shape, by the clock: syncs under `wal.flush=interval`, retention, checkpoints; and compaction
//! (`cleaner`), in a task of its own.

mod cleaner;

use std::time::Duration;

use chronik_log::{CommitError, Op, Outcome};

pub use cleaner::{Cleaner, CleanerSettings};

use crate::clock::Clock;
use crate::spawn::Spawner;
use crate::storage::{Storage, StorageError};
use crate::telemetry::{Metrics, Pulse};

/// How often, and how much.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// Between two looks at the log.
    pub tick: Duration,
    /// `log.retention.check.interval.ms`
    pub retention: Duration,
    /// Between two checkpoints, if anything was written.
    pub checkpoint: Duration,
    /// Bytes of WAL after which a checkpoint does not wait for its time.
    pub checkpoint_wal_bytes: u64,
}

/// The maintenance task.
pub struct Maintenance {
    /// Whose log.
    pub storage: Storage,
    /// What time it is.
    pub clock: Clock,
    /// Where files are synced.
    pub spawner: Spawner,
    /// How often.
    pub intervals: Intervals,
    /// What is counted.
    pub metrics: Metrics,
}

impl Maintenance {
    /// Works until storage ends.
    pub async fn run(self, pulse: Pulse) {
        let (mut retained, mut checkpointed) = (self.clock.uptime(), self.clock.uptime());
        loop {
            pulse.idle();
            self.clock.sleep(self.intervals.tick).await;
            pulse.beat();
            let now = self.clock.uptime();
            let retention_due = now - retained >= self.intervals.retention;
            let checkpoint_due = now - checkpointed >= self.intervals.checkpoint;
            match self.round(retention_due, checkpoint_due).await {
                Ok(checkpoint_taken) => {
                    retained = if retention_due { now } else { retained };
                    checkpointed = if checkpoint_taken || checkpoint_due { now } else { checkpointed };
                }
                Err(StorageError::Closed | StorageError::Dead) => break,
                Err(error) => tracing::warn!(%error, "log maintenance failed and will be tried again"),
            }
        }
    }

    /// Returns whether a checkpoint was taken.
    async fn round(&self, retention_due: bool, checkpoint_due: bool) -> Result<bool, StorageError> {
        let now_ms = self.clock.now_ms();
        let ticked =
            self.storage.with_log(move |log| log.tick(now_ms).map(|()| log.wal_bytes_since_checkpoint()));
        let wal_bytes = fatal_is_dead(ticked.await?)?;
        if retention_due {
            self.enforce_retention(now_ms).await?;
        }
        let due = wal_bytes >= self.intervals.checkpoint_wal_bytes || (checkpoint_due && wal_bytes > 0);
        if due {
            self.checkpoint().await?;
        }
        Ok(due)
    }

    async fn enforce_retention(&self, now_ms: i64) -> Result<(), StorageError> {
        self.storage.note_high_watermarks().await?; // nothing above them is deleted
        while let Outcome::Retained { segments_deleted, more } =
            self.storage.execute(Op::EnforceRetention { now_ms }).await?
        {
            if segments_deleted > 0 {
                tracing::info!(segments_deleted, "retention");
            }
            if !more {
                break;
            }
        }
        Ok(())
    }

    async fn checkpoint(&self) -> Result<(), StorageError> {
        self.storage.note_high_watermarks().await?; // it keeps them
        let Some(job) = self.storage.with_log(|log| log.begin_checkpoint()).await? else { return Ok(()) };
        let started = self.clock.uptime();
        let done = self.spawner.blocking(move || job.run()).await;
        fatal_is_dead(self.storage.with_log(move |log| log.finish_checkpoint(done)).await?)?;
        self.metrics.checkpoints.inc();
        self.metrics.checkpoint_duration.observe((self.clock.uptime() - started).as_secs_f64());
        Ok(())
    }
}

/// After a fatal error the log refuses everything, and the flusher ends at the next operation. A full disk passes.
fn fatal_is_dead<T>(result: Result<T, CommitError>) -> Result<T, StorageError> {
    result.map_err(|error| match error {
        CommitError::StorageFull => StorageError::Op(chronik_log::OpError::StorageFull),
        CommitError::Fatal(error) => {
            tracing::error!(%error, "log maintenance found storage failed");
            StorageError::Dead
        }
    })
}

#[cfg(test)]
mod tests {
    use chronik_kafka::record_batch::BatchBuilder;
    use chronik_log::PartitionId;
    use chronik_log::disk::SimDisk;
    use concurrency_models::isr::Acknowledgement;
    use uuid::Uuid;

    use super::*;
    use crate::storage;

    const ID: PartitionId = PartitionId { topic_id: Uuid::nil(), partition: 0 };
    const WEEKS_LATER: i64 = 30 * 24 * 3_600_000;

    fn maintenance(storage: &Storage, clock: &Clock) -> Maintenance {
        let never = Duration::MAX;
        let intervals =
            Intervals { tick: never, retention: never, checkpoint: never, checkpoint_wal_bytes: u64::MAX };
        let (spawner, metrics) = (Spawner::simulated(), Metrics::new());
        Maintenance { storage: storage.clone(), clock: clock.clone(), spawner, intervals, metrics }
    }

    /// The last segment of a topic that has gone quiet: the follower acknowledges after the leader's own commit, and no other commit follows.
    #[tokio::test(start_paused = true)]
    async fn what_followers_have_acknowledged_last_is_deleted_when_it_is_old() {
        let clock = Clock::starting_at(0);
        let storage = storage::example::running(1, &clock, SimDisk::new(1));
        let partition = storage::example::led(&storage, ID, 1).await;
        let mut batch = BatchBuilder::new();
        batch.record(1, None, Some(b"value"));
        storage::appended(storage.append(ID, batch.build(), 1, 0).unwrap()).await.unwrap();
        let log_start = || partition.durable().view.log_start_offset();

        let maintenance = maintenance(&storage, &clock);
        maintenance.enforce_retention(WEEKS_LATER).await.unwrap();
        assert_eq!(log_start(), 0, "it is not committed");
        let said = Acknowledgement { replica: 2, broker_epoch: 1, offset: 1, at_ms: 0 };
        assert_eq!(partition.isr().acknowledge(1, said), Ok(1));
        maintenance.enforce_retention(WEEKS_LATER).await.unwrap();
        assert_eq!(log_start(), 1);
    }
}
