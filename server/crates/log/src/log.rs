//! The log of a node: the owner of the WAL and of every partition.

use std::sync::Arc;

use bytes::Bytes;

use crate::disk::Disk;
use crate::error::{CommitError, LogError, OpError};
use crate::op::{Committed, Op, Staged};
use crate::types::{LogConfig, Lsn, PartitionId, Progress, TopicLogConfig};
use crate::view::LogView;

/// All partitions of a data directory. Exactly one owner drives it.
#[derive(Debug)]
pub struct Log {}

/// What `open` found, to be folded and shown.
#[derive(Debug, Default)]
pub struct Recovery {
    /// The newest metadata snapshot (as given to `begin_checkpoint`), if there is one.
    pub metadata_snapshot: Option<Bytes>,
    /// Metadata records after it, in order.
    pub metadata_records: Vec<Bytes>,
    /// Partitions there are, offline ones included. Those that the metadata does not know are kept as they are.
    pub partitions: Vec<RecoveredPartition>,
    /// Directories that look like partitions, but that neither checkpoint nor WAL knows: left untouched.
    pub stray_dirs: Vec<String>,
    /// What was cut, damaged or taken offline.
    pub damage: Vec<Damage>,
    /// Whether the last run was closed cleanly: nothing was replayed.
    pub clean: bool,
    /// WAL records read, and appends written back into segments.
    pub wal_records: u64,
    /// Appends written back into segments.
    pub replayed_appends: u64,
}

/// A partition as it was recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredPartition {
    /// Which.
    pub id: PartitionId,
    /// First offset.
    pub log_start_offset: i64,
    /// Offset after the last.
    pub log_end_offset: i64,
    /// As last told by [`Log::set_high_watermark`] before the last checkpoint, at most the log end.
    pub high_watermark: i64,
    /// Latest leader epoch in the log, or -1.
    pub latest_epoch: i32,
    /// Why it is offline, if it is.
    pub offline: Option<String>,
}

/// Something found wrong on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// File, relative to the data directory.
    pub file: String,
    /// Byte in it.
    pub position: u64,
    /// Which partition is affected, if that is known.
    pub partition: Option<PartitionId>,
    /// What is wrong, and what was done.
    pub reason: String,
}

impl Log {
    /// Opens, and if need be recovers or creates, the data directory of `disk`.
    pub fn open(
        disk: Arc<dyn Disk>,
        config: LogConfig,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, Recovery), LogError> {
        let _ = (disk, config, progress);
        unimplemented!()
    }

    /// Whether `op` cannot be staged before the staged group is committed: the group is full, or has an operation on
    /// the same partition beside which this one cannot stand (anything but appends stands alone).
    #[must_use]
    pub fn must_commit_before(&self, op: &Op) -> bool {
        let _ = op;
        unimplemented!()
    }

    /// Checks `op`, fixes its place in the order, its offsets and its bytes. Nothing reaches the disk before
    /// [`commit`](Self::commit); until then a refusal or a failure of the group leaves no trace.
    pub fn stage(&mut self, op: Op) -> Result<Staged, OpError> {
        let _ = op;
        unimplemented!()
    }

    /// Operations staged.
    #[must_use]
    pub fn staged(&self) -> usize {
        unimplemented!()
    }

    /// One WAL write and one sync for everything staged, then the segments. When it returns, every outcome that is
    /// `Ok` is durable (under [`FlushPolicy::Commit`](crate::FlushPolicy)) and readable.
    pub fn commit(&mut self) -> Result<Committed, CommitError> {
        unimplemented!()
    }

    /// Syncs if the flush policy says that it is time, and forgets idle producers. `now_ms` is milliseconds since the
    /// epoch. To be called every second or so, with nothing staged.
    pub fn tick(&mut self, now_ms: i64) -> Result<(), CommitError> {
        let _ = now_ms;
        unimplemented!()
    }

    /// Configures a partition. Unknown ones are ignored.
    pub fn set_config(&mut self, id: PartitionId, config: Arc<TopicLogConfig>) {
        let _ = (id, config);
        unimplemented!()
    }

    /// Notes a high watermark for the next checkpoint.
    pub fn set_high_watermark(&mut self, id: PartitionId, high_watermark: i64) {
        let _ = (id, high_watermark);
        unimplemented!()
    }

    /// The partition's current view; `None` if it is unknown or offline.
    #[must_use]
    pub fn view(&self, id: PartitionId) -> Option<Arc<LogView>> {
        let _ = id;
        unimplemented!()
    }

    /// Offset after the last, committed or not; `None` if the partition is unknown.
    #[must_use]
    pub fn log_end_offset(&self, id: PartitionId) -> Option<i64> {
        let _ = id;
        unimplemented!()
    }

    /// Partitions, in no order.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionId> + '_ {
        std::iter::empty()
    }

    /// LSN of the last committed record.
    #[must_use]
    pub fn last_lsn(&self) -> Lsn {
        unimplemented!()
    }

    /// Bytes of WAL that a recovery would have to read now: when to take a checkpoint.
    #[must_use]
    pub fn wal_bytes_since_checkpoint(&self) -> u64 {
        unimplemented!()
    }

    /// Starts a checkpoint of everything committed; nothing may be staged. `metadata_snapshot` covers every metadata
    /// record committed so far. At most one job at a time: `None` while another one is out.
    pub fn begin_checkpoint(&mut self, metadata_snapshot: Bytes) -> Option<CheckpointJob> {
        let _ = metadata_snapshot;
        unimplemented!()
    }

    /// Takes note of a finished checkpoint: its WAL segments are recycled. An error other than a full disk is fatal;
    /// after a full disk the next checkpoint does the work again.
    pub fn finish_checkpoint(&mut self, done: CheckpointDone) -> Result<(), CommitError> {
        let _ = done;
        unimplemented!()
    }

    /// A job that prepares the next WAL segment, if none is ready. At most one at a time.
    pub fn wal_prepare_job(&mut self) -> Option<WalPrepareJob> {
        unimplemented!()
    }

    /// Takes note of a prepared WAL segment.
    pub fn finish_wal_prepare(&mut self, done: WalPrepareDone) {
        let _ = done;
        unimplemented!()
    }

    /// Files to be unlinked, by another thread: unlinking a large file takes time.
    pub fn garbage_job(&mut self) -> Option<GarbageJob> {
        unimplemented!()
    }

    /// Final checkpoint. Nothing may be staged (it is dropped). The next `open` replays nothing.
    pub fn close(self, metadata_snapshot: Bytes) -> Result<(), LogError> {
        let _ = metadata_snapshot;
        unimplemented!()
    }
}

/// A checkpoint to be written, on any thread.
#[derive(Debug)]
pub struct CheckpointJob {}

impl CheckpointJob {
    /// Syncs segment files and their directories, then writes the checkpoint.
    #[must_use]
    pub fn run(self) -> CheckpointDone {
        unimplemented!()
    }
}

/// A checkpoint that was written, or failed.
#[derive(Debug)]
pub struct CheckpointDone {}

/// A WAL segment to be zeroed, on any thread.
#[derive(Debug)]
pub struct WalPrepareJob {}

impl WalPrepareJob {
    /// Creates the file, zeroes and syncs it.
    #[must_use]
    pub fn run(self) -> WalPrepareDone {
        unimplemented!()
    }
}

/// A WAL segment that is ready, or failed.
#[derive(Debug)]
pub struct WalPrepareDone {}

/// Files to be unlinked, on any thread.
#[derive(Debug)]
pub struct GarbageJob {}

impl GarbageJob {
    /// Unlinks them. What fails is found again by the next `open`.
    pub fn run(self) {
        unimplemented!()
    }
}
