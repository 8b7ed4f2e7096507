//! Opening a data directory. WAL order is the truth; segments past the checkpoint are a cache of it.
//!
//! 1. Read the checkpoint, list the WAL.
//! 2. First pass over the WAL: which appends do later `Truncate`, `Drop` and `LogStart` records kill (`plan`)?
//! 3. Bring each partition's files to where the replay begins (`prepare`).
//! 4. Second pass, in LSN order: write each live Append back *in place*, and verify that each live Extent is there
//!    (`replay`). A gap ends its partition; until then nothing that an Extent may stand for is cut off.
//! 5. Cut files to their ends, remove what no record knows, write a checkpoint with a new run number.
//!
//! Every step can be repeated: after a crash in the middle the next start does the same again. Only after 5 is
//! anything appended, to a new WAL segment: the torn tail of the old one stays where it is and is never followed.

mod extent;
mod plan;
mod prepare;
mod replay;

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::checkpoint::{self, Head};
use crate::disk::{DirEntry, Disk, OpenMode};
use crate::error::{CommitError, LogError};
use crate::files::FileCache;
use crate::garbage::{DELETED, Garbage, remove};
use crate::log::{Log, LogParts};
use crate::meta;
use crate::metadata::Metadata;
use crate::types::{LogConfig, PartitionId, Progress};
use crate::wal::scan::{Located, ScanEnd, Visitor, WalFiles, list, scan};
use crate::wal::{DIR, Wal, WalFile, WalStart, file_path};
pub(crate) use extent::check as check_extents;
pub(crate) use plan::Plan;
use replay::Replay;

/// What `open` found, to be folded and shown.
#[derive(Debug, Default)]
pub struct Recovery {
    /// The newest metadata snapshot, if there was one.
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
    /// WAL records read.
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
    /// As last told by [`Log::set_high_watermark`] before the last checkpoint, at most the log end; the log start, if there was no checkpoint since the
    /// partition was created.
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

/// The data directory before recovery.
struct Found {
    head: Head,
    plans: FxHashMap<PartitionId, Plan>,
    wal: WalFiles,
}

pub(crate) fn open(
    disk: Arc<dyn Disk>,
    config: LogConfig,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Log, Recovery), LogError> {
    let lock = disk.lock().map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => LogError::Locked(error.to_string()),
        _ => LogError::io("locking the data directory", error),
    })?;
    let dir_id = meta::read_or_create(&*disk, config.new_dir_id)?;
    let mut found = read_state(&*disk, dir_id)?;
    let files = Arc::new(FileCache::new(Arc::clone(&disk), config.max_open_files));
    let mut recovery = Recovery { clean: found.head.clean, ..Recovery::default() };

    let from = found.head.lsn + 1;
    let (plans, metadata) = (&mut found.plans, &mut found.head.metadata);
    let mut first = FirstPass { plans, metadata, appends: 0, done: 0, total: 0, progress };
    first.total = found.wal.segments.iter().map(|segment| segment.bytes).sum();
    let end = scan(&*disk, &found.wal.segments, from, &mut first)?;
    let appends = first.appends;
    report_wal_damage(&end, &mut recovery);

    let root =
        disk.read_dir(Path::new("")).map_err(|error| LogError::io("listing the data directory", error))?;
    let mut partitions = FxHashMap::default();
    let total = found.plans.len();
    for (done, (id, plan)) in found.plans.iter_mut().enumerate() {
        if !plan.dropped {
            partitions.insert(*id, prepare::prepare(&files, *id, plan, &config, &mut recovery)?);
        }
        if done.is_multiple_of(64) || done + 1 == total {
            progress(Progress::Partitions { done: done + 1, total });
        }
    }
    let mut replay = Replay::new(&files, &found.plans, &mut partitions, &config, end.damage.is_empty());
    replay.expect(appends, progress);
    scan(&*disk, &found.wal.segments, from, &mut replay)?;
    recovery.replayed_appends = replay.finish(&mut recovery)?;
    mark_damaged(&end, &mut partitions);
    for partition in partitions.values_mut() {
        prepare::tidy(&*disk, partition, &found.plans)?;
    }
    let strays = tidy_root(&*disk, &root, &found.plans)?;

    recovery.wal_records = end.records;
    recovery.stray_dirs = strays.iter().cloned().collect();
    let metadata = found.head.metadata;
    recovery.metadata_snapshot = metadata.snapshot().cloned();
    recovery.metadata_records = metadata.records().to_vec();
    recovery.partitions = partitions.values().map(RecoveredPartition::of).collect();
    recovery.partitions.sort_unstable_by_key(|partition| partition.id);

    progress(Progress::Checkpoint);
    let wal_start = WalStart {
        dir_id,
        run: found.head.run + 1,
        segment_bytes: config.wal_segment_bytes,
        max_spares: config.spare_wal_segments,
        next_seq: found.wal.next_seq,
        next_file: found.wal.next_file,
        next_lsn: end.next_lsn,
        spares: VecDeque::new(),
    };
    let parts = LogParts {
        wal: Wal::new(disk, wal_start),
        run: found.head.run + 1,
        config,
        files,
        partitions,
        metadata,
        strays,
        dir_id,
        lock,
    };
    let mut log = Log::of(parts);
    finish(&mut log, &found.wal)?;
    Ok((log, recovery))
}

/// Meta file, checkpoint and WAL headers.
fn read_state(disk: &dyn Disk, dir_id: uuid::Uuid) -> Result<Found, LogError> {
    disk.create_dir(DIR.as_ref()).map_err(|error| LogError::io("creating the WAL directory", error))?;
    let (head, states) = match read_checkpoint(disk)? {
        Some(checkpoint) => checkpoint,
        None => (Head { dir_id, clean: true, ..Head::default() }, Vec::new()),
    };
    let wal = list(disk)?;
    if let Some(other) = wal.segments.iter().find(|found| found.header.dir_id != dir_id) {
        let file = file_path(other.number).display().to_string();
        return Err(LogError::corrupt(file, 0, "it belongs to another data directory"));
    }
    if head.run == 0 && !wal.segments.is_empty() {
        let reason =
            "it is missing, but there are WAL segments: restore it, or start with an empty directory";
        return Err(LogError::corrupt(checkpoint::FILE, 0, reason));
    }
    let plans = states.into_iter().map(|state| (state.id, Plan::at_checkpoint(state))).collect();
    Ok(Found { head, plans, wal })
}

pub(crate) fn read_checkpoint(
    disk: &dyn Disk,
) -> Result<Option<(Head, Vec<checkpoint::PartitionState>)>, LogError> {
    match meta::read_whole(
        disk,
        checkpoint::FILE.as_ref(),
        OpenMode::ReadOnly,
        crate::limits::MAX_CHECKPOINT_BYTES,
    )? {
        Some(bytes) => checkpoint::decode(&bytes).map(Some),
        None => Ok(None),
    }
}

/// The first pass: what later records kill, and the metadata.
struct FirstPass<'a> {
    plans: &'a mut FxHashMap<PartitionId, Plan>,
    metadata: &'a mut Metadata,
    appends: u64,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl Visitor for FirstPass<'_> {
    fn record(&mut self, located: &Located<'_>) -> Result<(), LogError> {
        use crate::wal::record::WalRecord;
        match (located.record, located.record.partition()) {
            // Copies: the body shares the memory of its whole segment.
            (WalRecord::Metadata, _) => self.metadata.append(Bytes::copy_from_slice(located.body)),
            (WalRecord::MetadataSnapshot, _) => self.metadata.replace(Bytes::copy_from_slice(located.body)),
            (record, Some(id)) => {
                let is_append = matches!(record, WalRecord::Append(_) | WalRecord::Extent(_));
                self.appends += u64::from(is_append);
                plan::observe(self.plans, id, located.frame.lsn, record);
            }
            (_, None) => {}
        }
        Ok(())
    }

    fn segment_done(&mut self, bytes: u64) -> Result<(), LogError> {
        self.done += bytes;
        (self.progress)(Progress::ScanningWal { done_bytes: self.done, total_bytes: self.total });
        Ok(())
    }
}

fn report_wal_damage(end: &ScanEnd, recovery: &mut Recovery) {
    for damage in &end.damage {
        let lsns = &damage.lsns;
        recovery.damage.push(Damage {
            file: file_path(damage.file).display().to_string(),
            position: damage.position,
            partition: damage.partition,
            reason: format!(
                "records {} to {} were synced and cannot be read: partitions that miss them go offline; metadata, or \
                 the last append of a partition, may be among them",
                lsns.start,
                lsns.end.saturating_sub(1)
            ),
        });
    }
}

fn mark_damaged(end: &ScanEnd, partitions: &mut FxHashMap<PartitionId, crate::partition::Partition>) {
    for damage in &end.damage {
        if let Some(partition) = damage.partition.and_then(|id| partitions.get_mut(&id)) {
            let reason = || format!("a synced WAL record of it (LSN {}) is damaged", damage.lsns.start);
            partition.offline.get_or_insert_with(reason);
        }
    }
}

/// Removes what was deleted before the crash. Returns the directories that no record knows.
fn tidy_root(
    disk: &dyn Disk,
    entries: &[DirEntry],
    plans: &FxHashMap<PartitionId, Plan>,
) -> Result<BTreeSet<String>, LogError> {
    let mut strays = BTreeSet::new();
    for entry in entries.iter().filter(|entry| entry.is_dir) {
        let plan = PartitionId::parse_dir_name(&entry.name).map(|id| plans.get(&id));
        match plan {
            Some(Some(plan)) if !plan.dropped => continue,
            Some(None) => {
                strays.insert(entry.name.clone());
                continue;
            }
            None if !entry.name.ends_with(DELETED) => continue,
            Some(Some(_)) | None => {}
        }
        remove(disk, &Garbage::Directory(entry.name.as_str().into()))
            .map_err(|error| LogError::io(format!("removing {}", entry.name), error))?;
    }
    Ok(strays)
}

/// A checkpoint, and WAL files to go on with.
fn finish(log: &mut Log, wal: &WalFiles) -> Result<(), LogError> {
    let disk = Arc::clone(&log.files.disk);
    let (first, standard) = (log.config.first_wal_segment_bytes, log.config.wal_segment_bytes);
    let is_reusable = |bytes: u64| bytes == standard || bytes == first;
    // Half a segment that a crash has left is in the way of a checkpoint on a full disk.
    for (number, _) in wal.unused.iter().filter(|(_, bytes)| !is_reusable(*bytes)) {
        disk.unlink(&file_path(*number))
            .map_err(|error| LogError::io("removing half a WAL segment", error))?;
    }
    if let Some(job) = log.begin_checkpoint() {
        log.finish_checkpoint(job.run())?;
    }
    let unused = wal.unused.iter().copied().filter(|(_, bytes)| is_reusable(*bytes));
    let found = wal.segments.iter().map(|found| (found.number, found.bytes)).chain(unused);
    let mut spares = 0;
    for (number, bytes) in found {
        let path = file_path(number);
        if is_reusable(bytes) && spares < log.config.spare_wal_segments {
            let file = disk
                .open(&path, OpenMode::Existing)
                .map_err(|error| LogError::io("opening the WAL", error))?;
            log.wal.add_spare(WalFile { number, file, bytes });
            spares += 1;
        } else {
            log.garbage.push(Garbage::File(path));
        }
    }
    if spares == 0
        && let Some(job) = log.wal.prepare_first(first)
    {
        log.finish_wal_prepare(job.run());
    }
    Ok(())
}

impl From<CommitError> for LogError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::StorageFull => Self::Full { what: "writing a checkpoint".to_owned() },
            CommitError::Fatal(reason) => Self::Fatal(reason),
        }
    }
}

impl RecoveredPartition {
    fn of(partition: &crate::partition::Partition) -> Self {
        Self {
            id: partition.id,
            log_start_offset: partition.log_start,
            log_end_offset: partition.end.offset,
            high_watermark: partition.bounded_high_watermark(),
            latest_epoch: partition.epochs.latest(),
            offline: partition.offline.clone(),
        }
    }
}
