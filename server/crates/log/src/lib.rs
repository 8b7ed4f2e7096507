//! Chronik's storage: one shared write-ahead log, partition segments, indexes, checkpoints, recovery.
//!
//! Nothing here knows tokio or a clock; a decision is a function of values and the [`disk`] seam executes it.
//!
//! ```text
//! Op --stage--> assigned offsets, encoded WAL records      (stage.rs; nothing on disk, nothing visible)
//!        |
//!      commit = write_group: ONE WAL write + ONE fdatasync (commit.rs, wal/)
//!             + apply_group: segments, page cache          (apply.rs) -> outcomes, new views
//!        |
//!      checkpoint: sync segments, write `checkpoint`, recycle WAL segments   (checkpoint/)
//! ```
//!
//! A [`Log`] has exactly one owner (`&mut self`). Readers use an [`Arc<LogView>`](LogView), which is immutable.
//!
//! Modules, in dependency order: [`limits`], [`types`], [`error`], [`disk`], `codec`, `files` (open file cache),
//! `epoch`, [`producer`], `index`, `segment`, [`view`], `wal`, `checkpoint`, `partition`, [`op`], `stage`,
//! `commit`, `apply`, `retention`, `recovery`, [`log`], [`dump`].
#![cfg(not(any(loom, shuttle)))]

pub mod disk;
pub mod error;
pub mod limits;
pub mod log;
pub mod op;
pub mod types;
pub mod view;

pub use disk::{Disk, DiskFile};
pub use error::{CommitError, LogError, OpError, ReadError};
pub use log::{CheckpointDone, CheckpointJob, GarbageJob, Log, Recovery, WalPrepareDone, WalPrepareJob};
pub use op::{Appended, Committed, Op, Origin, Outcome, Staged, Touched};
pub use types::{FlushPolicy, LogConfig, PartitionId, Progress, TopicLogConfig};
pub use view::{FoundTimestamp, LogView, ReadMode};
