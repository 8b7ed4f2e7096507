//! The checkpoint: everything that the WAL up to its LSN says, so that these WAL segments may be used again.

mod encoded;
mod job;

use bytes::Bytes;
use uuid::Uuid;

pub(crate) use encoded::Encoded;
pub use job::{CheckpointDone, CheckpointJob};
pub(crate) use job::{DirtyFiles, JobParts};

use crate::codec::{Reader, Short, Writer};
use crate::end::LogEnd;
use crate::epoch::EpochStart;
use crate::error::LogError;
use crate::metadata::Metadata;
use crate::partition::Partition;
use crate::producer::{BatchMeta, ProducerEntry, ProducerTable};
use crate::segment::Sealed;
use crate::types::{Lsn, PartitionId};

/// Name of the file in the data directory.
pub(crate) const FILE: &str = "checkpoint";
/// It is written under this name first.
pub(crate) const TEMPORARY_FILE: &str = "checkpoint.tmp";
const MAGIC: &[u8; 8] = b"CHRNKCKP";
/// Newest format known.
pub(crate) const VERSION: u32 = 2;
/// Since this one, a partition has `cleaned_offset` and `gaps_below`.
const COMPACTION_FROM: u32 = 2;
/// Bytes before the CRC'd content: magic, version, CRC, length.
const PREFIX_BYTES: usize = 24;

/// What a checkpoint says beside its partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) dir_id: Uuid,
    /// Number of the run that wrote it. A run begins by writing a checkpoint with a new number.
    pub(crate) run: u64,
    /// Everything up to this LSN is in the partitions' files, and synced.
    pub(crate) lsn: Lsn,
    /// Whether it was written by `close`.
    pub(crate) clean: bool,
    pub(crate) metadata: Metadata,
}

/// A partition in a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartitionState {
    pub(crate) id: PartitionId,
    pub(crate) generation: Lsn,
    pub(crate) log_start: i64,
    pub(crate) high_watermark: i64,
    pub(crate) end: LogEnd,
    pub(crate) sealed: Vec<(i64, Sealed)>,
    pub(crate) epochs: Vec<EpochStart>,
    pub(crate) producers: ProducerTable,
    pub(crate) offline: Option<String>,
    pub(crate) cleaned_offset: i64,
    pub(crate) gaps_below: i64,
}

impl PartitionState {
    /// What was compacted takes the place of the segments that it was made of.
    pub(crate) fn replace_segments(&mut self, segment_base: i64, compacted: Sealed, cleaned_offset: i64) {
        self.sealed.retain(|(base, _)| *base <= segment_base || *base >= compacted.end_offset);
        if let Some((_, sealed)) = self.sealed.iter_mut().find(|(base, _)| *base == segment_base) {
            *sealed = compacted;
        }
        self.gaps_below = self.gaps_below.max(compacted.end_offset);
        self.cleaned_offset = cleaned_offset;
    }

    /// The log was emptied, and goes on at `offset`.
    pub(crate) fn start_at(&mut self, offset: i64) {
        self.log_start = offset;
        self.high_watermark = offset;
        self.end = LogEnd::empty(offset);
        self.sealed.clear();
        self.epochs.clear();
        self.producers = ProducerTable::default();
        (self.cleaned_offset, self.gaps_below) = (0, 0);
    }
}

/// Encodes a whole checkpoint file.
pub(crate) fn encode<'a>(head: &Head, partitions: impl ExactSizeIterator<Item = &'a Partition>) -> Encoded {
    let mut encoded = Encoded::default();
    put_head(&mut encoded, head);
    let out = &mut encoded.last;
    out.count(partitions.len());
    for partition in partitions {
        put_partition(out, partition);
    }
    encoded
}

fn put_head(encoded: &mut Encoded, head: &Head) {
    let out = &mut encoded.last;
    out.put(head.dir_id.as_bytes());
    out.u64(head.run);
    out.u64(head.lsn);
    out.u8(head.clean.into());
    out.u8(head.metadata.snapshot().is_some().into());
    encoded.bytes(head.metadata.snapshot().unwrap_or(&Bytes::new()));
    encoded.last.count(head.metadata.records().len());
    for record in head.metadata.records() {
        encoded.bytes(record);
    }
}

fn put_partition(out: &mut Writer, partition: &Partition) {
    out.id(partition.id);
    out.u64(partition.generation);
    out.i64(partition.log_start);
    out.i64(partition.bounded_high_watermark());
    put_end(out, &partition.end);
    let sealed: Vec<_> = partition
        .segments
        .iter()
        .filter_map(|segment| Some((segment.base_offset, segment.sealed?)))
        .collect();
    out.count(sealed.len());
    for (base_offset, facts) in sealed {
        out.i64(base_offset);
        out.u64(facts.size);
        out.i64(facts.end_offset);
        out.i64(facts.max_timestamp);
    }
    out.count(partition.epochs.entries().len());
    for entry in partition.epochs.entries() {
        out.i32(entry.epoch);
        out.i64(entry.start_offset);
    }
    put_producers(out, &partition.producers);
    out.u8(partition.offline.is_some().into());
    out.bytes(partition.offline.as_deref().unwrap_or_default().as_bytes());
    out.i64(partition.cleaned_offset);
    out.i64(partition.gaps_below);
}

fn put_end(out: &mut Writer, end: &LogEnd) {
    out.i64(end.offset);
    out.i64(end.segment_base);
    out.u64(end.position);
    out.i64(end.first_timestamp);
    out.i64(end.max_timestamp);
    out.i64(end.max_timestamp_offset);
    out.u64(end.unindexed_bytes);
    out.u32(end.index_entries);
    out.u32(end.time_entries);
    out.i64(end.last_indexed_timestamp);
}

fn put_producers(out: &mut Writer, producers: &ProducerTable) {
    out.count(producers.0.len());
    for (id, entry) in &producers.0 {
        out.i64(*id);
        out.i16(entry.epoch);
        out.i64(entry.last_append_ms);
        out.count(entry.batches.len());
        for meta in &entry.batches {
            out.i32(meta.base_sequence);
            out.i32(meta.last_sequence);
            out.i64(meta.base_offset);
            out.i64(meta.last_offset);
            out.i64(meta.log_append_time_ms);
        }
    }
}

/// Decodes a whole checkpoint file.
pub(crate) fn decode(bytes: &Bytes) -> Result<(Head, Vec<PartitionState>), LogError> {
    let damaged = |reason: &str| LogError::corrupt(FILE, 0, reason);
    let mut reader = Reader(bytes);
    let prefix = |reader: &mut Reader<'_>| -> Result<(bool, u32, u32, u64), Short> {
        Ok((reader.array::<8>()? == *MAGIC, reader.u32()?, reader.u32()?, reader.u64()?))
    };
    let (magic, version, crc, len) = prefix(&mut reader).map_err(|_| damaged("it is too short"))?;
    if !magic {
        return Err(damaged("it does not begin like a checkpoint"));
    }
    if version > VERSION {
        return Err(LogError::NewerFormat { file: FILE.to_owned(), found: version, supported: VERSION });
    }
    if len != reader.0.len() as u64 || crc32c::crc32c(reader.0) != crc {
        return Err(damaged("its CRC-32C does not match"));
    }
    take_content(&mut reader, version).map_err(|_| damaged("a field ends beyond the file"))
}

fn take_content(reader: &mut Reader<'_>, version: u32) -> Result<(Head, Vec<PartitionState>), Short> {
    let (dir_id, run, lsn) = (Uuid::from_bytes(reader.array()?), reader.u64()?, reader.u64()?);
    let (clean, has_snapshot) = (reader.u8()? != 0, reader.u8()? != 0);
    let mut metadata = Metadata::default();
    // Copies: what is kept must not keep the whole file in memory.
    let snapshot = reader.bytes()?;
    if has_snapshot {
        metadata.replace(Bytes::copy_from_slice(snapshot));
    }
    for _ in 0..reader.count(8)? {
        metadata.append(Bytes::copy_from_slice(reader.bytes()?));
    }
    let mut partitions = Vec::new();
    for _ in 0..reader.count(100)? {
        partitions.push(take_partition(reader, version)?);
    }
    Ok((Head { dir_id, run, lsn, clean, metadata }, partitions))
}

fn take_partition(reader: &mut Reader<'_>, version: u32) -> Result<PartitionState, Short> {
    let (id, generation) = (reader.id()?, reader.u64()?);
    let (log_start, high_watermark) = (reader.i64()?, reader.i64()?);
    let end = take_end(reader)?;
    let mut sealed = Vec::new();
    for _ in 0..reader.count(32)? {
        let base_offset = reader.i64()?;
        let facts = Sealed { size: reader.u64()?, end_offset: reader.i64()?, max_timestamp: reader.i64()? };
        sealed.push((base_offset, facts));
    }
    let mut epochs = Vec::new();
    for _ in 0..reader.count(12)? {
        epochs.push(EpochStart { epoch: reader.i32()?, start_offset: reader.i64()? });
    }
    let producers = take_producers(reader)?;
    let is_offline = reader.u8()? != 0;
    let reason = String::from_utf8_lossy(reader.bytes()?).into_owned();
    let offline = is_offline.then_some(reason);
    let (cleaned_offset, gaps_below) =
        if version >= COMPACTION_FROM { (reader.i64()?, reader.i64()?) } else { (0, 0) };
    Ok(PartitionState {
        id,
        generation,
        log_start,
        high_watermark,
        end,
        sealed,
        epochs,
        producers,
        offline,
        cleaned_offset,
        gaps_below,
    })
}

fn take_end(reader: &mut Reader<'_>) -> Result<LogEnd, Short> {
    Ok(LogEnd {
        offset: reader.i64()?,
        segment_base: reader.i64()?,
        position: reader.u64()?,
        first_timestamp: reader.i64()?,
        max_timestamp: reader.i64()?,
        max_timestamp_offset: reader.i64()?,
        unindexed_bytes: reader.u64()?,
        index_entries: reader.u32()?,
        time_entries: reader.u32()?,
        last_indexed_timestamp: reader.i64()?,
    })
}

fn take_producers(reader: &mut Reader<'_>) -> Result<ProducerTable, Short> {
    let mut producers = ProducerTable::default();
    for _ in 0..reader.count(22)? {
        let (id, epoch, last_append_ms) = (reader.i64()?, reader.i16()?, reader.i64()?);
        let mut entry = ProducerEntry { epoch, last_append_ms, batches: smallvec::SmallVec::new() };
        for _ in 0..reader.count(32)? {
            entry.batches.push(BatchMeta {
                base_sequence: reader.i32()?,
                last_sequence: reader.i32()?,
                base_offset: reader.i64()?,
                last_offset: reader.i64()?,
                log_append_time_ms: reader.i64()?,
            });
        }
        producers.0.insert(id, entry);
    }
    Ok(producers)
}
