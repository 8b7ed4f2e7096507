//! Chronik's storage: one shared write-ahead log, partition segments, indexes, checkpoints, recovery.
//!
//! Nothing here knows tokio or a clock; a decision is a function of values and the [`disk`] seam executes it.
//!
//! ```text
//! Op --stage--> assigned offsets, encoded WAL records      (stage.rs; nothing on disk, nothing visible)
//!        |
//!      commit = write_bulk: large appends straight into their segments, synced; Extents stand for them (bulk.rs)
//!             + write_group: ONE WAL write + ONE fdatasync (commit.rs, wal/)
//!             + apply_group: segments, page cache          (apply.rs) -> outcomes, new views
//!        |
//!      checkpoint: sync segments, write `checkpoint`, recycle WAL segments   (checkpoint/)
//!      compaction: filter segments into `.cleaned` files, synced; a WAL record, then renames (compact/)
//! ```
//!
//! A [`Log`] has exactly one owner (`&mut self`). Readers use an [`Arc<LogView>`](LogView), which is immutable.
//!
//! Modules, in dependency order: [`limits`], [`types`], [`error`], [`disk`], `codec`, `files` (open file cache), [`epoch`],
//! [`producer`], `index`, `segment`, [`view`], `end` (where the next batch goes), `staged` (overlay of a group),
//! `partition`, `wal`, `metadata` (what is committed of it), `checkpoint`, [`op`], `retention`, `compact`, `stage`, `rebuild`, `room`, `apply`, `bulk`, `commit`, [`recovery`], [`log`],
//! [`dump`].
#![cfg(not(any(loom, shuttle)))]

mod apply;
mod bulk;
mod checkpoint;
mod codec;
mod commit;
mod compact;
pub mod disk;
pub mod dump;
mod end;
pub mod epoch;
pub mod error;
mod files;
mod garbage;
mod index;
pub mod limits;
pub mod log;
mod meta;
mod metadata;
pub mod op;
mod partition;
pub mod producer;
mod rebuild;
pub mod recovery;
mod retention;
mod room;
mod segment;
mod stage;
mod staged;
pub mod types;
pub mod view;
mod wal;

pub use bulk::{BulkDone, BulkJob};
pub use checkpoint::{CheckpointDone, CheckpointJob};
pub use compact::{
    Cleaned, CompactionError, CompactionJob, CompactionOutlook, CompactionStats, CompactionStep,
};
pub use disk::{Disk, DiskFile};
pub use error::{CommitError, LogError, OpError, ReadError};
pub use garbage::GarbageJob;
pub use log::Log;
pub use op::{Appended, Committed, Op, Origin, Outcome, Staged, Touched};
pub use recovery::{Damage, RecoveredPartition, Recovery};
pub use types::{CleanupPolicy, FlushPolicy, LogConfig, Lsn, PartitionId, Progress, TopicLogConfig};
pub use view::{FoundTimestamp, LogView, ReadMode, Region};
pub use wal::prepare::{WalPrepareDone, WalPrepareJob};
