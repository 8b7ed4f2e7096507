//! Looking into a data directory that no server uses: for `log dump` and `log verify`. Reads only.

mod verify;

use std::path::Path;

use chronik_kafka::record_batch::BatchHeader;

pub use verify::{Report, verify};

use crate::disk::Disk;
use crate::error::{LogError, ReadError};
use crate::files::{FileCache, FileKind};
use crate::limits;
use crate::meta;
use crate::recovery::{Damage, read_checkpoint};
use crate::segment::{Segment, Walk, parse_file_name};
use crate::types::{Lsn, PartitionId};
use crate::view::ReadMode;
use crate::wal::file_path;
use crate::wal::record::{Placed, WalRecord};
use crate::wal::scan::{Located, Visitor, list, scan};

/// A WAL record, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalEntry {
    /// Log sequence number.
    pub lsn: Lsn,
    /// File, relative to the data directory.
    pub file: String,
    /// Byte in it.
    pub position: u64,
    /// Bytes of the record, body included.
    pub bytes: u64,
    /// What the record is about, unless it is metadata.
    pub partition: Option<PartitionId>,
    /// `Append`, `Extent`, `Metadata`, `MetadataSnapshot`, `Create`, `Drop`, `Truncate`, `LogStart`, `StartAt`, `Compacted`.
    pub kind: &'static str,
    /// Its fields.
    pub detail: String,
}

/// Shows every readable WAL record above the checkpoint (`all`: also older ones that are still there), in order.
/// Returns the damage found.
pub fn wal(disk: &dyn Disk, all: bool, visit: &mut dyn FnMut(WalEntry)) -> Result<Vec<Damage>, LogError> {
    let checkpoint_lsn = read_checkpoint(disk)?.map_or(0, |(head, _)| head.lsn);
    let files = list(disk)?;
    let oldest = files.segments.first().map_or(1, |found| found.header.start_lsn);
    let from = if all { oldest.min(checkpoint_lsn + 1) } else { checkpoint_lsn + 1 };
    let end = scan(disk, &files.segments, from, &mut Show { visit })?;
    let damage = end.damage.iter().map(|damage| Damage {
        file: file_path(damage.file).display().to_string(),
        position: damage.position,
        partition: damage.partition,
        reason: format!(
            "records {} to {} cannot be read",
            damage.lsns.start,
            damage.lsns.end.saturating_sub(1)
        ),
    });
    Ok(damage.collect())
}

struct Show<'a> {
    visit: &'a mut dyn FnMut(WalEntry),
}

impl Visitor for Show<'_> {
    fn record(&mut self, located: &Located<'_>) -> Result<(), LogError> {
        let (kind, detail) = describe(located.record, located.body.len());
        (self.visit)(WalEntry {
            lsn: located.frame.lsn,
            file: file_path(located.at.0).display().to_string(),
            position: located.at.1,
            bytes: located.frame.total_len() as u64,
            partition: located.record.partition(),
            kind,
            detail,
        });
        Ok(())
    }

    fn segment_done(&mut self, _bytes: u64) -> Result<(), LogError> {
        Ok(())
    }
}

fn describe(record: &WalRecord, body_bytes: usize) -> (&'static str, String) {
    match record {
        WalRecord::Append(placed) | WalRecord::Extent(placed) => {
            let Placed { segment_base, position, header, .. } = placed;
            let (first, last, epoch) =
                (header.base_offset, header.last_offset(), header.partition_leader_epoch);
            let place = format!("segment {segment_base} position {position}");
            let detail = format!("offsets {first}..={last} epoch {epoch} {place}");
            if matches!(record, WalRecord::Append(_)) {
                ("Append", format!("{detail} body {body_bytes} bytes"))
            } else {
                ("Extent", format!("{detail} length {} bytes", header.total_len()))
            }
        }
        WalRecord::Metadata => ("Metadata", format!("{body_bytes} bytes")),
        WalRecord::MetadataSnapshot => ("MetadataSnapshot", format!("{body_bytes} bytes")),
        WalRecord::Create { .. } => ("Create", String::new()),
        WalRecord::Drop { generation, .. } => ("Drop", format!("created at LSN {generation}")),
        WalRecord::Truncate { to, segment_base, position, leader_epoch, .. } => {
            let place = format!("segment {segment_base} position {position}");
            ("Truncate", format!("to {to} ({place}) in epoch {leader_epoch}"))
        }
        WalRecord::Compacted { segment_base, sealed, cleaned_offset, .. } => {
            let (size, end) = (sealed.size, sealed.end_offset);
            (
                "Compacted",
                format!("segment {segment_base} up to {end}: {size} bytes; clean below {cleaned_offset}"),
            )
        }
        WalRecord::StartAt { offset, .. } => ("StartAt", format!("emptied, goes on at {offset}")),
        WalRecord::LogStart { log_start, first_segment, .. } => {
            ("LogStart", format!("to {log_start}, segments below {first_segment} deleted"))
        }
    }
}

/// Base offsets of a partition's segments, ascending.
pub fn segments(disk: &dyn Disk, id: PartitionId) -> Result<Vec<i64>, LogError> {
    let dir = id.dir_name();
    let entries =
        disk.read_dir(Path::new(&dir)).map_err(|error| LogError::io(format!("listing {dir}"), error))?;
    let base =
        |name: &str| parse_file_name(name).filter(|(_, kind)| *kind == FileKind::Log).map(|(base, _)| base);
    let mut bases: Vec<i64> = entries.iter().filter_map(|entry| base(&entry.name)).collect();
    bases.sort_unstable();
    Ok(bases)
}

/// Partition directories, ascending.
pub fn partitions(disk: &dyn Disk) -> Result<Vec<PartitionId>, LogError> {
    let entries =
        disk.read_dir(Path::new("")).map_err(|error| LogError::io("listing the data directory", error))?;
    let mut ids: Vec<_> =
        entries.iter().filter_map(|entry| PartitionId::parse_dir_name(&entry.name)).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Shows position and header of every batch of a segment, until its end or the first damage, which is returned.
pub fn batches(
    disk: &std::sync::Arc<dyn Disk>,
    id: PartitionId,
    base_offset: i64,
    visit: &mut dyn FnMut(u64, &BatchHeader),
) -> Result<(), ReadError> {
    let files = std::sync::Arc::new(FileCache::new(std::sync::Arc::clone(disk), 4));
    let segment = Segment::new(&files, id, base_offset, None);
    let Some(file) = segment.open_existing(FileKind::Log)? else { return Ok(()) };
    let mut walk = Walk::new(&*file, 0, ReadMode::Blocking, limits::SCAN_CHUNK_BYTES);
    while let Some((position, header)) = walk.next(&segment)? {
        visit(position, &header);
    }
    Ok(())
}

/// The id in `meta.properties`.
pub fn dir_id(disk: &dyn Disk) -> Result<Option<uuid::Uuid>, LogError> {
    meta::read(disk)
}
