//! The log of a node: the owner of the WAL and of every partition.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::checkpoint::{self, CheckpointDone, CheckpointJob, JobParts};
use crate::disk::{DirLock, Disk};
use crate::error::{CommitError, LogError, OpError};
use crate::files::FileCache;
use crate::garbage::{Garbage, GarbageJob};
use crate::metadata::Metadata;
use crate::op::{Committed, Op, Staged};
use crate::partition::Partition;
use crate::producer::ProducerEntry;
use crate::recovery::{self, Recovery};
use crate::stage::Pending;
use crate::types::{FlushPolicy, LogConfig, Lsn, PartitionId, Progress, TopicLogConfig};
use crate::view::LogView;
use crate::wal::Wal;
use crate::wal::group::Group;
use crate::wal::prepare::{WalPrepareDone, WalPrepareJob};

/// Milliseconds between two looks for producers that have expired.
const EXPIRE_EVERY_MS: i64 = 60_000;

/// All partitions of a data directory. Exactly one owner drives it.
#[derive(Debug)]
pub struct Log {
    pub(crate) config: LogConfig,
    pub(crate) files: Arc<FileCache>,
    pub(crate) wal: Wal,
    pub(crate) partitions: FxHashMap<PartitionId, Partition>,
    /// As committed: what is staged is in `pending`.
    pub(crate) metadata: Metadata,
    /// Encoded records of the staged operations.
    pub(crate) group: Group,
    /// The staged operations, in order.
    pub(crate) pending: Vec<Pending>,
    /// Partitions with something staged.
    pub(crate) staged: Vec<PartitionId>,
    /// The staged group must be synced, whatever the policy.
    pub(crate) sync_group: bool,
    /// Names of directories that belong to no partition: moved aside if such a partition is created.
    pub(crate) strays: BTreeSet<String>,
    pub(crate) garbage: Vec<Garbage>,
    /// Names in the data directory changed since the last checkpoint.
    pub(crate) root_dirty: bool,
    pub(crate) dir_id: Uuid,
    pub(crate) run: u64,
    checkpoint_out: bool,
    pub(crate) compaction_out: bool,
    /// LSN of the last checkpoint.
    pub(crate) checkpointed_lsn: Lsn,
    /// Bulk groups that are not durable yet.
    pub(crate) bulk_jobs_out: usize,
    prepare_out: bool,
    /// The last one failed: said once, not each time.
    prepare_failing: bool,
    checkpointed_bytes: u64,
    last_sync_ms: i64,
    last_expire_ms: i64,
    /// Once set, nothing is accepted any more.
    pub(crate) fatal: Option<String>,
    _lock: Box<dyn DirLock>,
}

/// What a new [`Log`] is made of.
#[derive(Debug)]
pub(crate) struct LogParts {
    pub(crate) config: LogConfig,
    pub(crate) files: Arc<FileCache>,
    pub(crate) wal: Wal,
    pub(crate) partitions: FxHashMap<PartitionId, Partition>,
    pub(crate) metadata: Metadata,
    pub(crate) strays: BTreeSet<String>,
    pub(crate) dir_id: Uuid,
    pub(crate) run: u64,
    pub(crate) lock: Box<dyn DirLock>,
}

impl Log {
    /// The id of the data directory, drawn when it was first used.
    pub fn dir_id(&self) -> Uuid {
        self.dir_id
    }

    /// Opens, and if need be recovers or creates, the data directory of `disk`.
    pub fn open(
        disk: Arc<dyn Disk>,
        config: LogConfig,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, Recovery), LogError> {
        recovery::open(disk, config, progress)
    }

    pub(crate) fn of(parts: LogParts) -> Self {
        Self {
            config: parts.config,
            files: parts.files,
            wal: parts.wal,
            partitions: parts.partitions,
            metadata: parts.metadata,
            group: Group::default(),
            pending: Vec::new(),
            staged: Vec::new(),
            sync_group: false,
            strays: parts.strays,
            garbage: Vec::new(),
            root_dirty: true,
            dir_id: parts.dir_id,
            run: parts.run,
            checkpoint_out: false,
            compaction_out: false,
            checkpointed_lsn: 0,
            bulk_jobs_out: 0,
            prepare_out: false,
            prepare_failing: false,
            checkpointed_bytes: 0,
            last_sync_ms: 0,
            last_expire_ms: 0,
            fatal: None,
            _lock: parts.lock,
        }
    }

    /// Whether `op` cannot be staged before the staged group is committed: the group is full, or has an operation on
    /// the same partition beside which this one cannot stand (anything but appends stands alone).
    #[must_use]
    pub fn must_commit_before(&self, op: &Op) -> bool {
        self.conflicts(op)
    }

    /// Checks `op`, fixes its place in the order, its offsets and its bytes. Nothing reaches the disk before
    /// [`commit`](Self::commit); until then a refusal or a failure of the group leaves no trace.
    pub fn stage(&mut self, op: Op) -> Result<Staged, OpError> {
        if let Some(reason) = &self.fatal {
            return Err(OpError::Offline(reason.clone()));
        }
        if self.conflicts(&op) {
            return Err(OpError::CommitFirst);
        }
        self.stage_op(op)
    }

    /// Operations staged.
    #[must_use]
    pub fn staged(&self) -> usize {
        self.pending.len()
    }

    /// One WAL write and one sync for everything staged, then the segments. When it returns, every outcome that is
    /// `Ok` is durable (under [`FlushPolicy::Commit`]) and readable.
    ///
    /// # Panics
    /// If a bulk job is out: it comes before this group.
    pub fn commit(&mut self) -> Result<Committed, CommitError> {
        assert_eq!(self.bulk_jobs_out, 0, "a group is committed before the one in front of it");
        self.check_fatal()?;
        let result = match self.write_group() {
            Ok(()) => self.apply_group(),
            Err(error) => {
                self.drop_staged();
                Err(error)
            }
        };
        self.note_fatal(result)
    }

    /// Syncs if the flush policy says that it is time, and forgets idle producers. `now_ms` is milliseconds since the
    /// epoch. To be called every second or so, with nothing staged.
    pub fn tick(&mut self, now_ms: i64) -> Result<(), CommitError> {
        self.check_fatal()?;
        if let FlushPolicy::Interval(interval_ms) = self.config.flush
            && now_ms.saturating_sub(self.last_sync_ms) >= interval_ms
        {
            self.last_sync_ms = now_ms;
            let synced = self.wal.sync();
            self.note_fatal(synced)?;
        }
        if now_ms.saturating_sub(self.last_expire_ms) >= EXPIRE_EVERY_MS {
            self.last_expire_ms = now_ms;
            let expiration_ms = self.config.producer_id_expiration_ms;
            for partition in self.partitions.values_mut() {
                partition.producers.expire(now_ms, expiration_ms);
            }
        }
        Ok(())
    }

    /// Configures a partition. Unknown ones are ignored.
    pub fn set_config(&mut self, id: PartitionId, config: Arc<TopicLogConfig>) {
        if let Some(partition) = self.partitions.get_mut(&id) {
            partition.config = config;
        }
    }

    /// Notes a high watermark: retention deletes nothing above it, and the next checkpoint keeps it. Until the first
    /// call, the log end counts as such.
    pub fn set_high_watermark(&mut self, id: PartitionId, high_watermark: i64) {
        if let Some(partition) = self.partitions.get_mut(&id) {
            partition.high_watermark = Some(high_watermark);
        }
    }

    /// The partition's current view; `None` if it is unknown or offline.
    #[must_use]
    pub fn view(&self, id: PartitionId) -> Option<Arc<LogView>> {
        let partition = self.partitions.get(&id)?;
        partition.offline.is_none().then(|| Arc::clone(&partition.view))
    }

    /// Offset after the last committed one; `None` if the partition is unknown.
    #[must_use]
    pub fn log_end_offset(&self, id: PartitionId) -> Option<i64> {
        Some(self.partitions.get(&id)?.end.offset)
    }

    /// First offset; `None` if the partition is unknown.
    #[must_use]
    pub fn log_start_offset(&self, id: PartitionId) -> Option<i64> {
        Some(self.partitions.get(&id)?.log_start)
    }

    /// The producers that a partition remembers, by id; none if it is unknown.
    #[must_use]
    pub fn producers(&self, id: PartitionId) -> Vec<(i64, ProducerEntry)> {
        let table = self.partitions.get(&id).map(|partition| &partition.producers.0);
        let entries = table.into_iter().flatten();
        let mut producers: Vec<_> = entries.map(|(id, entry)| (*id, entry.clone())).collect();
        producers.sort_unstable_by_key(|(id, _)| *id);
        producers
    }

    /// Partitions, in no order.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionId> + '_ {
        self.partitions.keys().copied()
    }

    /// LSN of the last record written.
    #[must_use]
    pub fn last_lsn(&self) -> Lsn {
        self.wal.next_lsn() - 1
    }

    /// Bytes of WAL that a recovery would have to read now: when to take a checkpoint.
    #[must_use]
    pub fn wal_bytes_since_checkpoint(&self) -> u64 {
        self.wal.written_bytes() - self.checkpointed_bytes
    }

    /// Starts a checkpoint of everything committed, the metadata included. At most one job at a time: `None` while
    /// another one or a bulk job is out, or something is staged.
    pub fn begin_checkpoint(&mut self) -> Option<CheckpointJob> {
        self.begin(false)
    }

    fn begin(&mut self, clean: bool) -> Option<CheckpointJob> {
        let out = self.checkpoint_out || self.bulk_jobs_out > 0;
        if out || !self.pending.is_empty() || self.fatal.is_some() {
            return None;
        }
        self.checkpoint_out = true;
        let lsn = self.last_lsn();
        let (dir_id, run, metadata) = (self.dir_id, self.run, self.metadata.clone());
        let head = checkpoint::Head { dir_id, run, lsn, clean, metadata };
        let encoded = checkpoint::encode(&head, self.partitions.values());
        let dirty = self.take_dirty();
        let root_dirty = std::mem::take(&mut self.root_dirty);
        for partition in self.partitions.values_mut() {
            partition.next_recovery_offset = Some(partition.end.segment_base);
        }
        let (disk, written_bytes) = (Arc::clone(&self.files.disk), self.wal.written_bytes());
        Some(CheckpointJob(JobParts { disk, lsn, encoded, dirty, root_dirty, written_bytes }))
    }

    fn take_dirty(&mut self) -> checkpoint::DirtyFiles {
        let mut all = checkpoint::DirtyFiles::default();
        for partition in self.partitions.values_mut().filter(|partition| !partition.dirty.is_clean()) {
            let dirty = std::mem::take(&mut partition.dirty);
            let segments =
                dirty.segments.iter().filter_map(|&base| partition.segment(base).cloned()).collect();
            all.insert(partition.id, (dirty, segments));
        }
        all
    }

    /// Takes note of a finished checkpoint: its WAL segments are recycled. An error other than a full disk is fatal;
    /// after a full disk the next checkpoint does the work again.
    pub fn finish_checkpoint(&mut self, done: CheckpointDone) -> Result<(), CommitError> {
        self.checkpoint_out = false;
        if let Err(error) = done.result {
            self.root_dirty |= done.root_dirty;
            for (id, (dirty, _)) in done.dirty {
                if let Some(partition) = self.partitions.get_mut(&id) {
                    partition.dirty.merge(dirty);
                }
            }
            return self.note_fatal(Err(error));
        }
        self.checkpointed_bytes = done.written_bytes;
        self.checkpointed_lsn = done.lsn;
        for partition in self.partitions.values_mut() {
            // Of one that was created since, nothing is in the checkpoint.
            partition.recovery_offset = partition.next_recovery_offset.take().unwrap_or(0);
        }
        let unused = self.wal.recycle(done.lsn);
        self.garbage.extend(unused.into_iter().map(Garbage::File));
        Ok(())
    }

    /// A job that prepares the next WAL segment, if none is ready. At most one at a time.
    pub fn wal_prepare_job(&mut self) -> Option<WalPrepareJob> {
        if self.prepare_out || self.fatal.is_some() {
            return None;
        }
        let job = self.wal.prepare_job();
        self.prepare_out = job.is_some();
        job
    }

    /// Takes note of a prepared WAL segment. After a failure (a full disk, say) another may be tried: see [`Self::wal_prepare_failing`].
    pub fn finish_wal_prepare(&mut self, done: WalPrepareDone) {
        self.prepare_out = false;
        let failed_before = std::mem::replace(&mut self.prepare_failing, done.result.is_err());
        match done.result {
            Ok(file) => self.wal.add_spare(file),
            Err(error) if !failed_before => tracing::warn!(%error, "no WAL segment could be prepared"),
            Err(_) => {}
        }
    }

    /// Whether the last WAL segment could not be prepared. An attempt takes what is left of a full disk for a moment, so they should be rare.
    pub fn wal_prepare_failing(&self) -> bool {
        self.prepare_failing
    }

    /// Files to be unlinked, by another thread: unlinking a large file takes time.
    pub fn garbage_job(&mut self) -> Option<GarbageJob> {
        let garbage = std::mem::take(&mut self.garbage);
        (!garbage.is_empty()).then(|| GarbageJob { disk: Arc::clone(&self.files.disk), garbage })
    }

    /// Final checkpoint. What is staged is dropped. The next `open` replays nothing. No job may be out: its
    /// checkpoint could come after this one.
    pub fn close(mut self) -> Result<(), LogError> {
        self.drop_staged();
        if let Some(reason) = self.fatal.clone() {
            return Err(LogError::Fatal(reason));
        }
        let Some(job) = self.begin(true) else {
            return Err(LogError::Fatal("a checkpoint is still out".to_owned()));
        };
        self.finish_checkpoint(job.run()).map_err(LogError::from)?;
        if let Some(job) = self.garbage_job() {
            job.run();
        }
        Ok(())
    }

    pub(crate) fn check_fatal(&self) -> Result<(), CommitError> {
        self.fatal.as_ref().map_or(Ok(()), |reason| Err(CommitError::Fatal(reason.clone())))
    }

    /// After a fatal error nothing is tried again.
    pub(crate) fn note_fatal<T>(&mut self, result: Result<T, CommitError>) -> Result<T, CommitError> {
        if let Err(CommitError::Fatal(reason)) = &result {
            self.fatal.get_or_insert_with(|| reason.clone());
        }
        result
    }
}
