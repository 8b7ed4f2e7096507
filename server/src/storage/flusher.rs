//! The owner of the log: takes groups from the queue, commits them, publishes, answers.
//!
//! Groups of bulk are synced on other threads, while the next one is copied into the page cache: a few are *in flight* at a time. Groups land,
//! and are answered, in the order in which they came.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chronik_log::{BulkDone, BulkJob, CommitError, Committed, Log, Op, OpError, PartitionId, Touched};
use concurrency_models::group_commit::{self, Entry, settle};
use concurrency_models::isr::Sent;
use concurrency_models::mailbox::Sender;
use concurrency_models::registry::Registry;
use concurrency_models::reply::Reply;

use super::files::Job;
use super::partition::Partition;
use super::{OpResult, StorageError};
use crate::clock::Clock;
use crate::limits;
use crate::spawn::Spawner;
use crate::telemetry::{Metrics, Pulse};

/// What the flusher is asked to do.
pub(super) enum Work {
    /// Part of a group.
    Op(Op),
    /// The same for a partition that this node follows, as long as it does. Only this thread makes the node a leader ([`Storage::with_log`](super::Storage::with_log)),
    /// and never between the check and the commit.
    Follow { id: PartitionId, sent: Sent<Op> },
    /// Something between two groups.
    With(Box<dyn FnOnce(&mut Log) + Send>),
}

/// The flusher; it must be run on a thread of its own.
pub struct Flusher {
    /// `node.id`
    me: i32,
    log: Log,
    work: group_commit::Flusher<Work, OpResult>,
    partitions: Arc<Registry<PartitionId, Partition>>,
    /// Whom to answer once the staged operations are committed, in the order of staging.
    staged: Vec<Reply<OpResult>>,
    /// Bulk that has been written and is not durable yet, the oldest first.
    in_flight: VecDeque<Flight>,
    /// When to try again what a full disk refused, in terms of the clock's uptime.
    prepare_again_at: Duration,
    /// When to complain again that the disk is full.
    complain_again_at: Duration,
}

/// The disk has failed in a way that the process must not survive.
#[derive(Debug)]
struct Fatal(String);

/// A group of bulk on its way to the disk.
struct Flight {
    /// Resolves when it is durable, or the disk has failed.
    landing: Pin<Box<dyn Future<Output = BulkDone> + Send>>,
    /// Whom to answer then.
    replies: Vec<Reply<OpResult>>,
    /// When its commit began, in terms of the clock's uptime.
    started: Duration,
}

/// What the flusher works with, beside the log.
pub struct Surroundings {
    /// Syncs bulk.
    pub spawner: Spawner,
    /// Times the commits.
    pub clock: Clock,
    /// Counts the commits.
    pub metrics: Metrics,
    /// Shows that the loop is alive.
    pub pulse: Pulse,
    /// Gets what is to be done with files, off this thread.
    pub files: Sender<Job>,
}

/// What the loop goes on with.
enum Next {
    Landed(BulkDone),
    Group(Vec<Entry<Work, OpResult>>),
    Closed,
}

impl Flusher {
    pub(super) fn new(
        me: i32,
        log: Log,
        work: group_commit::Flusher<Work, OpResult>,
        partitions: Arc<Registry<PartitionId, Partition>>,
    ) -> Self {
        Self {
            me,
            log,
            work,
            partitions,
            staged: Vec::new(),
            in_flight: VecDeque::new(),
            prepare_again_at: Duration::ZERO,
            complain_again_at: Duration::ZERO,
        }
    }

    /// Publishes a partition that recovery found, before anybody asks.
    pub fn publish_recovered(&mut self, id: PartitionId, log_end_offset: i64, high_watermark: i64) {
        if let Some(view) = self.log.view(id) {
            let partition = Partition::new(self.me, view, log_end_offset, high_watermark);
            let _new = self.partitions.get_or_insert(&id, partition);
        }
    }

    /// Works until the queue is closed and empty, then closes the log; or until the disk fails, and then whoever waits learns that by the end of its
    /// reply.
    pub async fn run(mut self, around: Surroundings) {
        loop {
            let done = match self.next(&around).await {
                Next::Landed(done) => self.land(done, &around),
                Next::Group(group) => self.carry_out(group, &around).await,
                Next::Closed => break,
            };
            if let Err(Fatal(error)) = done {
                tracing::error!(%error, "storage has failed: the server must stop. Nothing that was acknowledged is lost");
                return;
            }
            self.hand_out_jobs(&around);
        }
        if let Err(error) = self.log.close() {
            tracing::error!(%error, "the log was not closed cleanly: the next start recovers it");
        }
    }

    /// Waits for work, or for what is in flight: with that under way, the loop is not idle.
    async fn next(&mut self, around: &Surroundings) -> Next {
        let group = self.work.next_group(limits::MAX_GROUP_BYTES);
        let group = match self.in_flight.front_mut() {
            None => {
                around.pulse.idle();
                group.await
            }
            Some(flight) => tokio::select! {
                biased;
                done = &mut flight.landing => return Next::Landed(done),
                group = group => group,
            },
        };
        around.pulse.beat();
        match (group, self.in_flight.front_mut()) {
            (Some(group), _) => Next::Group(group),
            (None, Some(flight)) => Next::Landed((&mut flight.landing).await),
            (None, None) => Next::Closed,
        }
    }

    async fn carry_out(
        &mut self,
        group: Vec<Entry<Work, OpResult>>,
        around: &Surroundings,
    ) -> Result<(), Fatal> {
        for Entry { value, reply, .. } in group {
            match value {
                Work::Op(op) => self.stage(op, reply, around).await?,
                Work::Follow { id, sent } => match self.in_turn(id, sent) {
                    Some(op) => self.stage(op, reply, around).await?,
                    None => answer(reply, Err(StorageError::Deposed)),
                },
                Work::With(run) => {
                    self.commit(around).await?;
                    self.wait_for_landings(0, around).await?;
                    run(&mut self.log);
                }
            }
        }
        self.commit(around).await
    }

    /// What a leader has sent, if it still leads, and the partition is not being deleted.
    fn in_turn(&self, id: PartitionId, sent: Sent<Op>) -> Option<Op> {
        self.partitions.lease(&id)?.isr().in_turn(sent).ok()
    }

    async fn stage(&mut self, op: Op, reply: Reply<OpResult>, around: &Surroundings) -> Result<(), Fatal> {
        if self.log.must_commit_before(&op) {
            self.commit(around).await?;
        }
        match self.log.stage(op) {
            Ok(_) => self.staged.push(reply),
            Err(error) => answer(reply, Err(error.into())),
        }
        Ok(())
    }

    /// Commits what is staged: bulk takes off, once there is room in the air; all else is done when this returns.
    async fn commit(&mut self, around: &Surroundings) -> Result<(), Fatal> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let started = around.clock.uptime();
        let bulk = self.log.begin_bulk();
        let may_fly = if matches!(bulk, Ok(Some(_))) { limits::MAX_BULK_IN_FLIGHT - 1 } else { 0 };
        self.wait_for_landings(may_fly, around).await?;
        let replies = std::mem::take(&mut self.staged);
        match bulk {
            Ok(Some(job)) => self.take_off(job, replies, started, around),
            Ok(None) => {
                let committed = self.log.commit();
                self.conclude(committed, replies, started, around)?;
            }
            Err(error) => self.conclude(Err(error), replies, started, around)?,
        }
        Ok(())
    }

    fn take_off(
        &mut self,
        job: BulkJob,
        replies: Vec<Reply<OpResult>>,
        started: Duration,
        around: &Surroundings,
    ) {
        let landing = Box::pin(around.spawner.blocking(move || job.run()));
        self.in_flight.push_back(Flight { landing, replies, started });
    }

    /// Waits until no more than `most` are in flight.
    async fn wait_for_landings(&mut self, most: usize, around: &Surroundings) -> Result<(), Fatal> {
        while self.in_flight.len() > most
            && let Some(oldest) = self.in_flight.front_mut()
        {
            let done = (&mut oldest.landing).await;
            self.land(done, around)?;
        }
        Ok(())
    }

    /// The oldest in flight is `done`.
    fn land(&mut self, done: BulkDone, around: &Surroundings) -> Result<(), Fatal> {
        let Some(Flight { replies, started, .. }) = self.in_flight.pop_front() else { return Ok(()) };
        let committed = self.log.finish_bulk(done);
        self.conclude(committed, replies, started, around)
    }

    /// What follows from a commit, in this order: views, log ends, what follows from them for high watermarks, answers.
    fn conclude(
        &mut self,
        committed: Result<Committed, CommitError>,
        replies: Vec<Reply<OpResult>>,
        started: Duration,
        around: &Surroundings,
    ) -> Result<(), Fatal> {
        match committed {
            Ok(Committed { outcomes, touched, .. }) => {
                record(around, replies.len(), around.clock.uptime() - started);
                let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
                around.metrics.storage_errors.inc_by(refused as u64);
                if outcomes.iter().any(|outcome| matches!(outcome, Err(OpError::StorageFull))) {
                    self.complain_of_full_disk(around);
                }
                let answers = outcomes.into_iter().map(|outcome| outcome.map_err(StorageError::from));
                let now_ms = around.clock.now_ms();
                settle(
                    || touched.into_iter().for_each(|touched| self.publish(touched, now_ms)),
                    replies.into_iter().zip(answers),
                );
                Ok(())
            }
            Err(CommitError::StorageFull) => {
                self.complain_of_full_disk(around);
                around.metrics.storage_errors.inc_by(replies.len() as u64);
                replies.into_iter().for_each(|reply| answer(reply, Err(OpError::StorageFull.into())));
                Ok(())
            }
            Err(CommitError::Fatal(error)) => Err(Fatal(error)),
        }
    }

    fn complain_of_full_disk(&mut self, around: &Surroundings) {
        let now = around.clock.uptime();
        if now >= self.complain_again_at {
            self.complain_again_at = now + limits::FULL_DISK_REMINDER;
            tracing::error!(
                "no space left on the disk: records are refused (KAFKA_STORAGE_ERROR), nothing acknowledged is lost. To free space, delete topics, \
                 lower their retention, or remove other files; there is no need to restart"
            );
        }
    }

    fn publish(&mut self, Touched { id, log_end_offset, view, dropped, .. }: Touched, now_ms: i64) {
        if dropped {
            return; // it was retired before its log was dropped
        }
        let high_watermark = match (self.partitions.lease(&id), view) {
            (Some(partition), view) => partition.publish(view, log_end_offset, now_ms),
            (None, Some(view)) => {
                let created = Partition::new(self.me, view, log_end_offset, 0);
                let _new_or_retiring = self.partitions.get_or_insert(&id, created);
                0
            }
            (None, None) => return, // it is being deleted
        };
        self.log.set_high_watermark(id, high_watermark);
    }

    /// There is at most one job of a kind at a time, so the mailbox has room; if its worker is gone, the server is stopping.
    fn hand_out_jobs(&mut self, around: &Surroundings) {
        let now = around.clock.uptime();
        let too_early = self.log.wal_prepare_failing() && now < self.prepare_again_at;
        if !too_early && let Some(job) = self.log.wal_prepare_job() {
            self.prepare_again_at = now + limits::PREPARE_RETRY;
            let _ = around.files.try_send(Job::PrepareWal(job));
        }
        if let Some(job) = self.log.garbage_job() {
            let _ = around.files.try_send(Job::Garbage(job));
        }
    }
}

/// Whoever gave up waiting does not want to know.
fn answer(reply: Reply<OpResult>, result: OpResult) {
    let _ = reply.send(result);
}

fn record(around: &Surroundings, operations: usize, took: Duration) {
    let metrics = &around.metrics;
    metrics.wal_groups.inc();
    #[expect(clippy::cast_precision_loss, reason = "a count of operations is far below 2^52")]
    metrics.wal_group_entries.observe(operations as f64);
    metrics.wal_sync_duration.observe(took.as_secs_f64());
}
