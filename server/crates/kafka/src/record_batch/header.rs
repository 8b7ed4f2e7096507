//! The fixed 61 bytes at the front of a batch.

use super::{BatchError, MAGIC, NO_PRODUCER_ID, NO_SEQUENCE};

/// Bytes of a batch before its records.
pub const HEADER_LEN: usize = 61;

/// Bytes of `base_offset` and `batch_length`, which `batch_length` does not count.
const LENGTH_EXCLUDES: usize = 12;
/// `batch_length` of a batch with an empty body.
const MIN_BATCH_LENGTH: i32 = 49;
/// Where the magic byte stands, in every format since 0.8.
const MAGIC_AT: usize = 16;
/// Where the bytes covered by the CRC begin.
const CRC_COVERS_FROM: usize = 21;

const COMPRESSION_MASK: i16 = 0x07;
const TIMESTAMP_TYPE_BIT: i16 = 0x08;
const TRANSACTIONAL_BIT: i16 = 0x10;
const CONTROL_BIT: i16 = 0x20;
const DELETE_HORIZON_BIT: i16 = 0x40;

/// The header of a record batch; field order and names are those of Kafka's documentation.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchHeader {
    /// Offset of the first record. Not covered by the CRC.
    pub base_offset: i64,
    /// Bytes after this field.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch. Not covered by the CRC.
    pub partition_leader_epoch: i32,
    /// Format; always 2.
    pub magic: i8,
    /// CRC-32C of everything from `attributes` to the end of the body.
    pub crc: u32,
    /// Bits 0-2 codec, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon.
    pub attributes: i16,
    /// Offset of the last record minus `base_offset`; kept by compaction even if that record is gone.
    pub last_offset_delta: i32,
    /// Timestamp that the records' deltas start from, milliseconds since the epoch. Also the delete horizon, if there is one.
    pub base_timestamp: i64,
    /// Highest timestamp in the batch, or the append time; milliseconds since the epoch.
    pub max_timestamp: i64,
    /// Idempotent producer, or -1.
    pub producer_id: i64,
    /// Epoch of that producer, or -1.
    pub producer_epoch: i16,
    /// Sequence number of the first record, or -1.
    pub base_sequence: i32,
    /// Records in the body.
    pub record_count: i32,
}

/// Codec of a body, by the code in the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// 0
    None,
    /// 1
    Gzip,
    /// 2
    Snappy,
    /// 3
    Lz4,
    /// 4
    Zstd,
    /// 5 to 7: no such codec.
    Unknown(u8),
}

/// What the timestamps of a batch mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// Set by the producer.
    CreateTime,
    /// Set by the broker: `max_timestamp` is the time of every record.
    LogAppendTime,
}

impl Compression {
    /// The code that stands in the attributes.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
            Self::Unknown(code) => code.into(),
        }
    }
}

impl BatchHeader {
    /// Parses the front of `input`, which may be longer than the header. Checks magic and the lower bound of
    /// `batch_length`, nothing else.
    pub fn parse(input: &[u8]) -> Result<Self, BatchError> {
        // An old message set may be shorter than our header, and should be named for what it is.
        if let Some(&magic) = input.get(MAGIC_AT)
            && magic.cast_signed() != MAGIC
        {
            return Err(BatchError::UnsupportedMagic { magic: magic.cast_signed() });
        }
        let Some(bytes) = input.first_chunk::<HEADER_LEN>() else {
            return Err(BatchError::Truncated { needed: HEADER_LEN, available: input.len() });
        };
        let header = Self {
            base_offset: i64::from_be_bytes(at(bytes, 0)),
            batch_length: i32::from_be_bytes(at(bytes, 8)),
            partition_leader_epoch: i32::from_be_bytes(at(bytes, 12)),
            magic: i8::from_be_bytes(at(bytes, MAGIC_AT)),
            crc: u32::from_be_bytes(at(bytes, 17)),
            attributes: i16::from_be_bytes(at(bytes, CRC_COVERS_FROM)),
            last_offset_delta: i32::from_be_bytes(at(bytes, 23)),
            base_timestamp: i64::from_be_bytes(at(bytes, 27)),
            max_timestamp: i64::from_be_bytes(at(bytes, 35)),
            producer_id: i64::from_be_bytes(at(bytes, 43)),
            producer_epoch: i16::from_be_bytes(at(bytes, 51)),
            base_sequence: i32::from_be_bytes(at(bytes, 53)),
            record_count: i32::from_be_bytes(at(bytes, 57)),
        };
        if header.batch_length < MIN_BATCH_LENGTH {
            return Err(BatchError::BadLength { batch_length: header.batch_length });
        }
        Ok(header)
    }

    /// The header's 61 bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        put(&mut out, 0, self.base_offset.to_be_bytes());
        put(&mut out, 8, self.batch_length.to_be_bytes());
        put(&mut out, 12, self.partition_leader_epoch.to_be_bytes());
        put(&mut out, MAGIC_AT, self.magic.to_be_bytes());
        put(&mut out, 17, self.crc.to_be_bytes());
        put(&mut out, CRC_COVERS_FROM, self.attributes.to_be_bytes());
        put(&mut out, 23, self.last_offset_delta.to_be_bytes());
        put(&mut out, 27, self.base_timestamp.to_be_bytes());
        put(&mut out, 35, self.max_timestamp.to_be_bytes());
        put(&mut out, 43, self.producer_id.to_be_bytes());
        put(&mut out, 51, self.producer_epoch.to_be_bytes());
        put(&mut out, 53, self.base_sequence.to_be_bytes());
        put(&mut out, 57, self.record_count.to_be_bytes());
        out
    }

    /// Bytes of the whole batch by `batch_length`: at least [`HEADER_LEN`] for a parsed header.
    #[must_use]
    pub fn total_len(&self) -> usize {
        LENGTH_EXCLUDES + usize::try_from(self.batch_length).unwrap_or(0)
    }

    /// Offset of the last record.
    #[must_use]
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// Offset that follows the batch.
    #[must_use]
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// Sequence number of the last record: after `i32::MAX` comes 0. -1 without a sequence.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            return NO_SEQUENCE;
        }
        // Modulo 2^31, which keeps both operands non-negative.
        self.base_sequence.wrapping_add(self.last_offset_delta) & i32::MAX
    }

    /// Codec of the body.
    #[must_use]
    pub fn compression(&self) -> Compression {
        match self.attributes & COMPRESSION_MASK {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            5 => Compression::Unknown(5),
            6 => Compression::Unknown(6),
            _ => Compression::Unknown(7),
        }
    }

    /// What the timestamps mean.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes & TIMESTAMP_TYPE_BIT == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether the records are control records (transaction markers), which consumers never see.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL_BIT != 0
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_BIT != 0
    }

    /// From when on, in milliseconds since the epoch, compaction may remove the batch's tombstones, or its marker (KIP-534).
    #[must_use]
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON_BIT != 0).then_some(self.base_timestamp)
    }

    /// Sets the delete horizon. The records' timestamp deltas must start from it.
    pub fn set_delete_horizon(&mut self, horizon_ms: i64) {
        self.attributes |= DELETE_HORIZON_BIT;
        self.base_timestamp = horizon_ms;
    }

    /// Says that the body is not compressed, and that there is no delete horizon.
    pub fn clear_codec_and_horizon(&mut self) {
        self.attributes &= !(COMPRESSION_MASK | DELETE_HORIZON_BIT);
    }

    /// Whether an idempotent or transactional producer sent the batch.
    #[must_use]
    pub fn has_producer(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }

    pub(super) fn set_log_append_time(&mut self, now_ms: i64) {
        self.attributes |= TIMESTAMP_TYPE_BIT;
        self.max_timestamp = now_ms;
    }

    /// CRC-32C of the header's part of the covered bytes; continue it over the body.
    pub(super) fn crc_of_covered_fields(&self) -> u32 {
        crc32c::crc32c(&self.encode()[CRC_COVERS_FROM..])
    }

    /// Codec, field ranges and counts of a batch that no compaction has touched.
    pub(super) fn check_fresh(&self) -> Result<(), BatchError> {
        if let Compression::Unknown(codec) = self.compression() {
            return Err(BatchError::UnknownCodec { codec });
        }
        at_least("base_offset", self.base_offset, 0)?;
        at_least("last_offset_delta", self.last_offset_delta.into(), 0)?;
        at_least("record_count", self.record_count.into(), 1)?;
        at_least("base_timestamp", self.base_timestamp, -1)?;
        at_least("max_timestamp", self.max_timestamp, -1)?;
        at_least("producer_id", self.producer_id, NO_PRODUCER_ID)?;
        if self.has_producer() {
            at_least("producer_epoch", self.producer_epoch.into(), 0)?;
            at_least("base_sequence", self.base_sequence.into(), 0)?;
        }
        let (record_count, last_offset_delta) = (self.record_count, self.last_offset_delta);
        if record_count - 1 != last_offset_delta {
            return Err(BatchError::CountMismatch { record_count, last_offset_delta });
        }
        Ok(())
    }
}

fn at_least(field: &'static str, value: i64, minimum: i64) -> Result<(), BatchError> {
    if value < minimum { Err(BatchError::BadField { field, value }) } else { Ok(()) }
}

/// `N` bytes at a constant position inside the header.
#[inline]
fn at<const N: usize>(bytes: &[u8; HEADER_LEN], from: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[from + index])
}

#[inline]
fn put<const N: usize>(out: &mut [u8; HEADER_LEN], from: usize, value: [u8; N]) {
    out[from..from + N].copy_from_slice(&value);
}
