//! The records of the write-ahead log. Little-endian; every record begins at a multiple of 8 bytes:
//!
//! ```text
//!  0 u32 header_crc   CRC-32C of bytes 4..header_len, seeded by the segment's salt
//!  4 u8  kind         1 Append 2 Metadata 3 Create 4 Drop 5 Truncate 6 LogStart 7 Extent
//!                    8 Compacted 9 MetadataSnapshot 10 StartAt
//!  5 u8  flags        0
//!  6 u16 header_len   bytes before the body
//!  8 u64 lsn          counts records
//! 16 u64 synced_lsn   every record up to this one was synced when this one was written
//! 24 u32 attempt      number of the group write, ascending in a segment, also over failed writes
//! 28 u32 body_crc     CRC-32C of the body; 0 for Append
//! 32 u64 body_len
//! 40     fields of the kind: partition id (20), generation u64, ...; for Append and Extent also the batch's 61-byte header,
//!        and behind a gap the offset at which the log ended before
//! ```
//!
//! An Append's body is the batch's body. It is covered by the batch's own CRC-32C, which stands in the batch header
//! and so under `header_crc`: the salt makes the *claim* "this batch, here, now" unforgeable by old bytes of a
//! recycled segment, and a body that satisfies the claimed CRC is the right body whoever wrote it. So no pass
//! over the body is needed, and damage in memory after the broker's check is still found.
//!
//! An Extent is an Append whose body is in the segment only, where it was synced before this record was written. It has
//! no body; the batch header that it claims covers what the segment must hold at that place.

use bytes::Bytes;
use chronik_kafka::record_batch::{BatchHeader, HEADER_LEN, RecordBatch};

use crate::codec::{Reader, Short, Writer};
use crate::limits;
use crate::segment::Sealed;
use crate::types::{Lsn, PartitionId};

/// Bytes before the fields of the kind.
pub(crate) const FIXED_BYTES: usize = 40;
/// Records begin at multiples of this.
pub(crate) const ALIGN: usize = 8;

const KIND_APPEND: u8 = 1;
const KIND_METADATA: u8 = 2;
const KIND_CREATE: u8 = 3;
const KIND_DROP: u8 = 4;
const KIND_TRUNCATE: u8 = 5;
const KIND_LOG_START: u8 = 6;
const KIND_EXTENT: u8 = 7;
const KIND_COMPACTED: u8 = 8;
const KIND_METADATA_SNAPSHOT: u8 = 9;
const KIND_START_AT: u8 = 10;

/// What a record says. `generation` is the LSN of the partition's `Create`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WalRecord {
    /// A batch, which is the body, and its place.
    Append(Placed),
    /// A batch that is in its place already.
    Extent(Placed),
    /// A metadata record; the body is the caller's.
    Metadata,
    /// What takes the place of all metadata before; the body is the caller's.
    MetadataSnapshot,
    /// A new partition, whose generation is this record's LSN.
    Create { id: PartitionId },
    /// A partition's end.
    Drop { id: PartitionId, generation: Lsn },
    /// The log was cut: it ends at `to`, which is at `position` of segment `segment_base`.
    Truncate {
        id: PartitionId,
        generation: Lsn,
        to: i64,
        segment_base: i64,
        position: u32,
        leader_epoch: i32,
    },
    /// The log starts at `log_start`; segments below `first_segment` are deleted.
    LogStart { id: PartitionId, generation: Lsn, log_start: i64, first_segment: i64 },
    /// Nothing that was in the log before counts: it is empty, and goes on at `offset`, which is not below its end.
    StartAt { id: PartitionId, generation: Lsn, offset: i64 },
    /// What was compacted is in the place of the segments from `segment_base` on, as far as it reaches. It was synced before, under the
    /// name that is made of that of the segment and `.cleaned`.
    Compacted { id: PartitionId, generation: Lsn, segment_base: i64, sealed: Sealed, cleaned_offset: i64 },
}

/// A batch and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed {
    pub(crate) id: PartitionId,
    pub(crate) generation: Lsn,
    pub(crate) segment_base: i64,
    /// Byte of the segment's log file.
    pub(crate) position: u32,
    pub(crate) now_ms: i64,
    pub(crate) header: BatchHeader,
    /// Where the log ended before: the batch's base offset, unless the leader's log has a gap there.
    pub(crate) follows: i64,
}

/// The fields that every record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Log sequence number.
    pub(crate) lsn: Lsn,
    /// What was synced when this was written.
    pub(crate) synced_lsn: Lsn,
    /// Number of the group write.
    pub(crate) attempt: u32,
    /// CRC-32C of the body, unless it is a batch's.
    pub(crate) body_crc: u32,
    /// Bytes before the body.
    pub(crate) header_len: usize,
    /// Bytes of the body.
    pub(crate) body_len: usize,
}

impl Frame {
    /// Bytes from this record to the next.
    pub(crate) fn total_len(&self) -> usize {
        (self.header_len + self.body_len).next_multiple_of(ALIGN)
    }
}

impl WalRecord {
    fn kind(&self) -> u8 {
        match self {
            Self::Append(_) => KIND_APPEND,
            Self::Metadata => KIND_METADATA,
            Self::MetadataSnapshot => KIND_METADATA_SNAPSHOT,
            Self::Create { .. } => KIND_CREATE,
            Self::Drop { .. } => KIND_DROP,
            Self::Truncate { .. } => KIND_TRUNCATE,
            Self::LogStart { .. } => KIND_LOG_START,
            Self::Extent(_) => KIND_EXTENT,
            Self::StartAt { .. } => KIND_START_AT,
            Self::Compacted { .. } => KIND_COMPACTED,
        }
    }

    /// Which partition it is about.
    #[must_use]
    pub(crate) fn partition(&self) -> Option<PartitionId> {
        match self {
            Self::Metadata | Self::MetadataSnapshot => None,
            Self::Append(placed) | Self::Extent(placed) => Some(placed.id),
            Self::Create { id }
            | Self::Drop { id, .. }
            | Self::Truncate { id, .. }
            | Self::LogStart { id, .. }
            | Self::StartAt { id, .. }
            | Self::Compacted { id, .. } => Some(*id),
        }
    }

    /// Appends header and fields, with gaps for what [`seal`] fills in, and returns the bytes of padding that follow
    /// the body.
    pub(crate) fn encode(&self, lsn: Lsn, body: &[u8], out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let mut writer = Writer(std::mem::take(out));
        let body_crc = if matches!(self, Self::Append(_)) { 0 } else { crc32c::crc32c(body) };
        writer.u32(0);
        writer.u8(self.kind());
        writer.u8(0);
        writer.put(&[0; 2]);
        writer.u64(lsn);
        writer.u64(0);
        writer.u32(0);
        writer.u32(body_crc);
        writer.u64(body.len() as u64);
        self.encode_fields(&mut writer);
        *out = writer.0;
        let header_len = out.len() - start;
        let short = u16::try_from(header_len).unwrap_or(u16::MAX);
        out[start + 6..start + 8].copy_from_slice(&short.to_le_bytes());
        let total = header_len + body.len();
        total.next_multiple_of(ALIGN) - total
    }

    fn encode_fields(&self, out: &mut Writer) {
        match self {
            Self::Append(placed) | Self::Extent(placed) => placed.encode(out),
            Self::Metadata | Self::MetadataSnapshot => {}
            Self::Create { id } => out.id(*id),
            Self::Drop { id, generation } => {
                out.id(*id);
                out.u64(*generation);
            }
            Self::Truncate { id, generation, to, segment_base, position, leader_epoch } => {
                out.id(*id);
                out.u64(*generation);
                out.i64(*to);
                out.i64(*segment_base);
                out.u32(*position);
                out.i32(*leader_epoch);
            }
            Self::LogStart { id, generation, log_start, first_segment } => {
                out.id(*id);
                out.u64(*generation);
                out.i64(*log_start);
                out.i64(*first_segment);
            }
            Self::StartAt { id, generation, offset } => {
                out.id(*id);
                out.u64(*generation);
                out.i64(*offset);
            }
            Self::Compacted { id, generation, segment_base, sealed, cleaned_offset } => {
                out.id(*id);
                out.u64(*generation);
                out.i64(*segment_base);
                out.u64(sealed.size);
                out.i64(sealed.end_offset);
                out.i64(sealed.max_timestamp);
                out.i64(*cleaned_offset);
            }
        }
    }
}

impl Placed {
    fn encode(&self, out: &mut Writer) {
        out.id(self.id);
        out.u64(self.generation);
        out.i64(self.segment_base);
        out.u32(self.position);
        out.i64(self.now_ms);
        out.put(&self.header.encode());
        if self.follows != self.header.base_offset {
            out.i64(self.follows);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Short> {
        let (id, generation, segment_base) = (reader.id()?, reader.u64()?, reader.i64()?);
        let (position, now_ms) = (reader.u32()?, reader.i64()?);
        let header = BatchHeader::parse(&reader.array::<HEADER_LEN>()?).map_err(|_| Short)?;
        let follows = if reader.0.is_empty() { header.base_offset } else { reader.i64()? };
        Ok(Self { id, generation, segment_base, position, now_ms, header, follows })
    }
}

/// Completes an encoded header (`header` is exactly its bytes) with what is known at the write.
pub(crate) fn seal(header: &mut [u8], salt: u32, synced_lsn: Lsn, attempt: u32) {
    header[16..24].copy_from_slice(&synced_lsn.to_le_bytes());
    header[24..28].copy_from_slice(&attempt.to_le_bytes());
    let crc = crc32c::crc32c_append(salt, &header[4..]);
    header[..4].copy_from_slice(&crc.to_le_bytes());
}

/// Turns an encoded Append (`header` is exactly its bytes) into an Extent. Returns the bytes of padding that follow.
pub(crate) fn make_extent(header: &mut [u8]) -> usize {
    header[4] = KIND_EXTENT;
    header[32..40].copy_from_slice(&0u64.to_le_bytes());
    header.len().next_multiple_of(ALIGN) - header.len()
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadRecord {
    /// Nothing here makes sense: no record, an old one, or a damaged header.
    Header,
    /// The header is sound, the body is not.
    Body(Frame, Option<PartitionId>),
}

/// Decodes the record at the front of `input`; its body shares `input`'s memory.
pub(crate) fn decode(input: &Bytes, salt: u32) -> Result<(Frame, WalRecord, Bytes), BadRecord> {
    let (frame, kind) = decode_frame(input, salt).ok_or(BadRecord::Header)?;
    let fields = &input[FIXED_BYTES..frame.header_len];
    let record = decode_fields(kind, fields).map_err(|_| BadRecord::Header)?;
    let bad_body = BadRecord::Body(frame, record.partition());
    let end = frame.header_len.checked_add(frame.body_len).ok_or(bad_body)?;
    if end > input.len() {
        return Err(bad_body);
    }
    let body = input.slice(frame.header_len..end);
    let sound = match &record {
        WalRecord::Append(Placed { header, .. }) => {
            RecordBatch { header: header.clone(), body: body.clone() }.check_stored().is_ok()
        }
        _ => crc32c::crc32c(&body) == frame.body_crc,
    };
    if sound { Ok((frame, record, body)) } else { Err(bad_body) }
}

fn decode_frame(input: &[u8], salt: u32) -> Option<(Frame, u8)> {
    let mut reader = Reader(input.get(..FIXED_BYTES)?);
    let parse = |reader: &mut Reader<'_>| -> Result<(u32, u8, Frame), Short> {
        let crc = reader.u32()?;
        let kind = reader.u8()?;
        reader.u8()?;
        let header_len = usize::from(u16::from_le_bytes(reader.array()?));
        let (lsn, synced_lsn) = (reader.u64()?, reader.u64()?);
        let (attempt, body_crc) = (reader.u32()?, reader.u32()?);
        let body_len = usize::try_from(reader.u64()?).map_err(|_| Short)?;
        Ok((crc, kind, Frame { lsn, synced_lsn, attempt, body_crc, header_len, body_len }))
    };
    let (crc, kind, frame) = parse(&mut reader).ok()?;
    let plausible = (FIXED_BYTES..=limits::MAX_WAL_HEADER_BYTES).contains(&frame.header_len)
        && frame.body_len <= limits::MAX_BATCH_BYTES;
    let header = input.get(4..frame.header_len).filter(|_| plausible && kind != 0)?;
    (crc32c::crc32c_append(salt, header) == crc).then_some((frame, kind))
}

fn decode_fields(kind: u8, fields: &[u8]) -> Result<WalRecord, Short> {
    let mut reader = Reader(fields);
    let r = &mut reader;
    Ok(match kind {
        KIND_APPEND => WalRecord::Append(Placed::decode(r)?),
        KIND_EXTENT => WalRecord::Extent(Placed::decode(r)?),
        KIND_METADATA => WalRecord::Metadata,
        KIND_METADATA_SNAPSHOT => WalRecord::MetadataSnapshot,
        KIND_CREATE => WalRecord::Create { id: r.id()? },
        KIND_DROP => WalRecord::Drop { id: r.id()?, generation: r.u64()? },
        KIND_TRUNCATE => WalRecord::Truncate {
            id: r.id()?,
            generation: r.u64()?,
            to: r.i64()?,
            segment_base: r.i64()?,
            position: r.u32()?,
            leader_epoch: r.i32()?,
        },
        KIND_LOG_START => WalRecord::LogStart {
            id: r.id()?,
            generation: r.u64()?,
            log_start: r.i64()?,
            first_segment: r.i64()?,
        },
        KIND_START_AT => WalRecord::StartAt { id: r.id()?, generation: r.u64()?, offset: r.i64()? },
        KIND_COMPACTED => WalRecord::Compacted {
            id: r.id()?,
            generation: r.u64()?,
            segment_base: r.i64()?,
            sealed: Sealed { size: r.u64()?, end_offset: r.i64()?, max_timestamp: r.i64()? },
            cleaned_offset: r.i64()?,
        },
        _ => return Err(Short),
    })
}

#[cfg(test)]
mod tests {
    use chronik_kafka::record_batch::BatchBuilder;
    use uuid::Uuid;

    use super::*;

    fn id() -> PartitionId {
        PartitionId { topic_id: Uuid::from_u128(7), partition: 3 }
    }

    fn all() -> Vec<(WalRecord, Bytes)> {
        let mut builder = BatchBuilder::new();
        builder.record(5, Some(b"k"), Some(b"v"));
        let batch = builder.build();
        let placed = |follows| Placed {
            id: id(),
            generation: 1,
            segment_base: 4,
            position: 5,
            now_ms: 6,
            header: batch.header.clone(),
            follows,
        };
        vec![
            (WalRecord::Extent(placed(0)), Bytes::new()),
            (WalRecord::Append(placed(0)), batch.body.clone()),
            (WalRecord::Append(placed(-3)), batch.body.clone()), // behind a gap
            (WalRecord::Metadata, Bytes::from_static(b"metadata")),
            (WalRecord::MetadataSnapshot, Bytes::from_static(b"all of it")),
            (WalRecord::Create { id: id() }, Bytes::new()),
            (WalRecord::Drop { id: id(), generation: 9 }, Bytes::new()),
            (
                WalRecord::Truncate {
                    id: id(),
                    generation: 9,
                    to: 1,
                    segment_base: 0,
                    position: 70,
                    leader_epoch: 2,
                },
                Bytes::new(),
            ),
            (WalRecord::LogStart { id: id(), generation: 9, log_start: 8, first_segment: 6 }, Bytes::new()),
            (WalRecord::StartAt { id: id(), generation: 9, offset: 8 }, Bytes::new()),
            (
                WalRecord::Compacted {
                    id: id(),
                    generation: 9,
                    segment_base: 6,
                    sealed: Sealed { size: 7, end_offset: 8, max_timestamp: -1 },
                    cleaned_offset: 5,
                },
                Bytes::new(),
            ),
        ]
    }

    fn encoded(record: &WalRecord, body: &[u8], salt: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let padding = record.encode(11, body, &mut out);
        seal(&mut out, salt, 10, 3);
        out.extend_from_slice(body);
        out.resize(out.len() + padding, 0);
        out
    }

    #[test]
    fn every_kind_survives() {
        for (record, body) in all() {
            let bytes = Bytes::from(encoded(&record, &body, 42));
            let (frame, back, back_body) = decode(&bytes, 42).unwrap();
            assert_eq!((&back, &back_body), (&record, &body));
            assert_eq!((frame.lsn, frame.synced_lsn, frame.attempt), (11, 10, 3));
            assert_eq!(frame.total_len(), bytes.len());
        }
    }

    #[test]
    fn an_append_becomes_an_extent() {
        let all = all();
        let ((extent, _), (append, body)) = (&all[0], &all[1]);
        let mut header = Vec::new();
        append.encode(11, body, &mut header);
        let padding = make_extent(&mut header);
        seal(&mut header, 42, 10, 3);
        header.resize(header.len() + padding, 0);
        assert_eq!(header, encoded(extent, &[], 42));
    }

    #[test]
    fn another_salt_is_another_record() {
        for (record, body) in all() {
            let bytes = Bytes::from(encoded(&record, &body, 42));
            assert_eq!(decode(&bytes, 43).unwrap_err(), BadRecord::Header);
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        for (record, body) in all() {
            let bytes = encoded(&record, &body, 42);
            let padding = (FIXED_BYTES.max(bytes.len()) - bytes.len(), body.len());
            let covered = bytes.len() - padding.0;
            for bit in 0..covered * 8 {
                let mut bad = bytes.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                if let Ok((_, back, back_body)) = decode(&Bytes::from(bad), 42) {
                    // Only padding may change unnoticed.
                    assert_eq!((&back, &back_body), (&record, &body), "bit {bit}");
                }
            }
        }
    }

    #[test]
    fn every_truncated_record_is_refused() {
        for (record, body) in all() {
            let bytes = Bytes::from(encoded(&record, &body, 42));
            let (frame, ..) = decode(&bytes, 42).unwrap();
            for len in 0..frame.header_len + frame.body_len {
                assert!(decode(&bytes.slice(..len), 42).is_err());
            }
        }
    }
}
