//! Rebuilding from a segment's batches what is not in the WAL: the active segment's end and indexes, producers.

use std::io;
use std::sync::Arc;

use chronik_kafka::record_batch::TimestampType;
use rustc_hash::FxHashSet;

use crate::disk::{DiskFile, OpenMode, write_at};
use crate::end::{LogEnd, NewEntries};
use crate::error::ReadError;
use crate::files::FileKind;
use crate::limits;
use crate::producer::{ProducerEntry, ProducerTable, after_append};
use crate::segment::{Segment, Walk};
use crate::view::ReadMode;

/// Brings a segment's indexes in line with its batches below `position`, where offset `end_offset` is. Returns the end
/// that the segment has there; its log file is the caller's to cut.
pub(crate) fn rebuild(
    segment: &Segment,
    position: u64,
    end_offset: i64,
    index_interval_bytes: u64,
) -> io::Result<LogEnd> {
    let mut end = LogEnd::empty(segment.base_offset);
    let (mut index, mut time_index) = (Vec::new(), Vec::new());
    if position > 0 {
        let file = segment.open(FileKind::Log, OpenMode::Existing)?;
        let mut walk = Walk::new(&*file, 0, ReadMode::Blocking, limits::SCAN_CHUNK_BYTES);
        while end.position < position {
            let found = walk.next(segment).map_err(io::Error::other)?;
            let Some((_, header)) = found.filter(|(at, header)| at + header.total_len() as u64 <= position)
            else {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the segment's batches do not end there",
                ));
            };
            let NewEntries { index: entry, time } =
                end.append(&header, header.total_len() as u64, index_interval_bytes);
            index.extend(entry.into_iter().flat_map(|entry| entry.encode()));
            time_index.extend(time.into_iter().flat_map(|entry| entry.encode()));
        }
    }
    end.offset = end_offset;
    replace(segment, FileKind::Index, &index)?;
    replace(segment, FileKind::TimeIndex, &time_index)?;
    Ok(end)
}

/// Writes the indexes of a sealed segment anew.
pub(crate) fn rebuild_sealed_indexes(segment: &Segment, index_interval_bytes: u64) -> io::Result<()> {
    let Some(sealed) = segment.sealed else { return Ok(()) };
    let mut end = rebuild(segment, sealed.size, sealed.end_offset, index_interval_bytes)?;
    let entries = u64::from(end.time_entries);
    if let Some(entry) = end.closing_time_entry() {
        let file = segment.open(FileKind::TimeIndex, OpenMode::Create)?;
        write_at(&*file, &entry.encode(), entries * crate::index::TIME_ENTRY_BYTES as u64)?;
    }
    Ok(())
}

/// Gives an index file these bytes. Usually they are there already, and only what follows has to go.
fn replace(segment: &Segment, kind: FileKind, bytes: &[u8]) -> io::Result<()> {
    let file = match segment.open(kind, OpenMode::Existing) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if bytes.is_empty() {
                return Ok(());
            }
            segment.open(kind, OpenMode::Create)?
        }
        other => other?,
    };
    if !begins_with(&*file, bytes)? {
        write_at(&*file, bytes, 0)?;
    }
    if file.len()? > bytes.len() as u64 { file.set_len(bytes.len() as u64) } else { Ok(()) }
}

fn begins_with(file: &dyn DiskFile, bytes: &[u8]) -> io::Result<bool> {
    let mut there = vec![0; bytes.len()];
    Ok(file.read_at(&mut there, 0)? == bytes.len() && there == bytes)
}

/// What the log below `end` says of these producers; newest segments first, up to a bound. What cannot be read is
/// left out: an unknown producer may go on with any sequence.
pub(crate) fn find_producers(segments: &[Arc<Segment>], lost: &[i64], end: &LogEnd) -> ProducerTable {
    let mut wanted: FxHashSet<i64> = lost.iter().copied().collect();
    let mut found = ProducerTable::default();
    let mut bytes_left = limits::PRODUCER_REBUILD_BYTES;
    for segment in segments.iter().rev() {
        let mut here = ProducerTable::default();
        if collect_producers(segment, &wanted, end, &mut here).is_err() || wanted.is_empty() {
            break;
        }
        wanted.retain(|id| !here.0.contains_key(id));
        found.0.extend(here.0);
        let size = segment.size().unwrap_or(u64::MAX);
        if wanted.is_empty() || size > bytes_left {
            break;
        }
        bytes_left -= size;
    }
    found
}

fn collect_producers(
    segment: &Segment,
    wanted: &FxHashSet<i64>,
    end: &LogEnd,
    found: &mut ProducerTable,
) -> Result<(), ReadError> {
    let Some(file) = segment.open_existing(FileKind::Log)? else { return Ok(()) };
    let mut walk = Walk::new(&*file, 0, ReadMode::Blocking, limits::SCAN_CHUNK_BYTES);
    // Behind the end may be anything while the log is recovered.
    let size = match segment.sealed {
        Some(sealed) => sealed.size,
        None => end.position,
    };
    while walk.position() < size
        && let Some((_, header)) = walk.next(segment)?
    {
        if wanted.contains(&header.producer_id) {
            let time = header.max_timestamp;
            let stamped = header.timestamp_type() == TimestampType::LogAppendTime;
            let append_time = if stamped { time } else { -1 };
            let before = found.0.remove(&header.producer_id);
            let after: ProducerEntry = after_append(before.as_ref(), &header, append_time, time);
            found.0.insert(header.producer_id, after);
        }
    }
    Ok(())
}
