//! The owner of the log: takes groups from the queue, commits them, publishes, answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chronik_log::{CommitError, Committed, Log, Op, OpError, PartitionId, TopicLogConfig, Touched};
use concurrency_models::group_commit::{self, Entry, settle};
use concurrency_models::mailbox::Sender;
use concurrency_models::registry::Registry;
use concurrency_models::reply::Reply;

use super::files::Job;
use super::{OpResult, Partition, StorageError};
use crate::clock::Clock;
use crate::limits;
use crate::telemetry::{Metrics, Pulse};

/// What the flusher is asked to do.
pub(super) enum Work {
    /// Part of a group.
    Op(Op),
    /// Something between two groups.
    With(Box<dyn FnOnce(&mut Log) + Send>),
    /// The last: the metadata as it stands, to close the log with.
    Close(Bytes),
}

/// The flusher; it must be run on a thread of its own.
pub struct Flusher {
    log: Log,
    work: group_commit::Flusher<Work, OpResult>,
    partitions: Arc<Registry<PartitionId, Partition>>,
    /// Whom to answer once the staged operations are committed, in the order of staging.
    staged: Vec<Reply<OpResult>>,
    /// When to try again what a full disk refused, in terms of the clock's uptime.
    prepare_again_at: Duration,
    /// When to complain again that the disk is full.
    complain_again_at: Duration,
}

/// The disk has failed in a way that the process must not survive.
#[derive(Debug)]
struct Fatal(String);

/// What the flusher reports to.
pub struct Telemetry {
    /// Times the commits.
    pub clock: Clock,
    /// Counts the commits.
    pub metrics: Metrics,
    /// Shows that the loop is alive.
    pub pulse: Pulse,
}

impl Flusher {
    pub(super) fn new(
        log: Log,
        work: group_commit::Flusher<Work, OpResult>,
        partitions: Arc<Registry<PartitionId, Partition>>,
    ) -> Self {
        let (prepare_again_at, complain_again_at) = (Duration::ZERO, Duration::ZERO);
        Self { log, work, partitions, staged: Vec::new(), prepare_again_at, complain_again_at }
    }

    /// Publishes a partition that recovery found, before anybody asks, and gives it back its settings.
    pub fn publish_recovered(
        &mut self,
        id: PartitionId,
        log_end_offset: i64,
        config: Option<Arc<TopicLogConfig>>,
    ) {
        if let Some(config) = config {
            self.log.set_config(id, config);
        }
        if let Some(view) = self.log.view(id) {
            let _new = self.partitions.get_or_insert(&id, Partition::new(view, log_end_offset));
        }
    }

    /// Works until the queue is closed and empty, then closes the log; or until the disk fails, and then whoever waits learns that by the end of its
    /// reply.
    pub async fn run(mut self, files: Sender<Job>, telemetry: Telemetry) {
        let mut snapshot = None;
        loop {
            telemetry.pulse.idle();
            let Some(group) = self.work.next_group(limits::MAX_GROUP_BYTES).await else { break };
            telemetry.pulse.beat();
            if let Err(Fatal(error)) = self.carry_out(group, &mut snapshot, &telemetry) {
                tracing::error!(%error, "storage has failed: the server must stop. Nothing that was acknowledged is lost");
                return;
            }
            self.hand_out_jobs(&files, telemetry.clock.uptime());
        }
        if let Some(snapshot) = snapshot
            && let Err(error) = self.log.close(snapshot)
        {
            tracing::error!(%error, "the log was not closed cleanly: the next start recovers it");
        }
    }

    fn carry_out(
        &mut self,
        group: Vec<Entry<Work, OpResult>>,
        snapshot: &mut Option<Bytes>,
        telemetry: &Telemetry,
    ) -> Result<(), Fatal> {
        for Entry { value, reply, .. } in group {
            match value {
                Work::Op(op) => self.stage(op, reply, telemetry)?,
                Work::With(run) => {
                    self.commit(telemetry)?;
                    run(&mut self.log);
                }
                Work::Close(metadata) => *snapshot = Some(metadata),
            }
        }
        self.commit(telemetry)
    }

    fn stage(&mut self, op: Op, reply: Reply<OpResult>, telemetry: &Telemetry) -> Result<(), Fatal> {
        if self.log.must_commit_before(&op) {
            self.commit(telemetry)?;
        }
        match self.log.stage(op) {
            Ok(_) => self.staged.push(reply),
            Err(error) => answer(reply, Err(error.into())),
        }
        Ok(())
    }

    /// One write, one sync, and everything that follows from it, in this order: views, high watermarks, answers.
    fn commit(&mut self, telemetry: &Telemetry) -> Result<(), Fatal> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let replies = std::mem::take(&mut self.staged);
        let started = telemetry.clock.uptime();
        match self.log.commit() {
            Ok(Committed { outcomes, touched, .. }) => {
                record(telemetry, replies.len(), telemetry.clock.uptime() - started);
                let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
                telemetry.metrics.storage_errors.inc_by(refused as u64);
                if outcomes.iter().any(|outcome| matches!(outcome, Err(OpError::StorageFull))) {
                    self.complain_of_full_disk(telemetry);
                }
                let answers = outcomes.into_iter().map(|outcome| outcome.map_err(StorageError::from));
                settle(
                    || touched.into_iter().for_each(|touched| self.publish(touched)),
                    replies.into_iter().zip(answers),
                );
                Ok(())
            }
            Err(CommitError::StorageFull) => {
                self.complain_of_full_disk(telemetry);
                telemetry.metrics.storage_errors.inc_by(replies.len() as u64);
                replies.into_iter().for_each(|reply| answer(reply, Err(OpError::StorageFull.into())));
                Ok(())
            }
            Err(CommitError::Fatal(error)) => Err(Fatal(error)),
        }
    }

    fn complain_of_full_disk(&mut self, telemetry: &Telemetry) {
        let now = telemetry.clock.uptime();
        if now >= self.complain_again_at {
            self.complain_again_at = now + limits::FULL_DISK_REMINDER;
            tracing::error!(
                "no space left on the disk: records are refused (KAFKA_STORAGE_ERROR), nothing acknowledged is lost. To free space, delete topics, \
                 lower their retention, or remove other files; there is no need to restart"
            );
        }
    }

    fn publish(&mut self, Touched { id, log_end_offset, view, dropped, .. }: Touched) {
        if dropped {
            return; // it was retired before its log was dropped
        }
        match (self.partitions.lease(&id), view) {
            (Some(partition), None) => partition.advance(log_end_offset),
            (Some(partition), Some(view)) => partition.publish(view, log_end_offset),
            (None, Some(view)) => {
                let _new_or_retiring =
                    self.partitions.get_or_insert(&id, Partition::new(view, log_end_offset));
            }
            (None, None) => return, // it is being deleted
        }
        self.log.set_high_watermark(id, log_end_offset);
    }

    /// There is at most one job of a kind at a time, so the mailbox has room; if its worker is gone, the server is stopping.
    fn hand_out_jobs(&mut self, files: &Sender<Job>, now: Duration) {
        let too_early = self.log.wal_prepare_failing() && now < self.prepare_again_at;
        if !too_early && let Some(job) = self.log.wal_prepare_job() {
            self.prepare_again_at = now + limits::PREPARE_RETRY;
            let _ = files.try_send(Job::PrepareWal(job));
        }
        if let Some(job) = self.log.garbage_job() {
            let _ = files.try_send(Job::Garbage(job));
        }
    }
}

/// Whoever gave up waiting does not want to know.
fn answer(reply: Reply<OpResult>, result: OpResult) {
    let _ = reply.send(result);
}

fn record(telemetry: &Telemetry, operations: usize, took: Duration) {
    let metrics = &telemetry.metrics;
    metrics.wal_groups.inc();
    #[expect(clippy::cast_precision_loss, reason = "a count of operations is far below 2^52")]
    metrics.wal_group_entries.observe(operations as f64);
    metrics.wal_sync_duration.observe(took.as_secs_f64());
}
