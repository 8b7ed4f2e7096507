//! What can be wrong with a batch, and where.

use super::Compression;
use crate::ErrorCode;
use crate::compression::CompressionError;

/// Why bytes are not a valid record batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Fewer bytes than the batch, or its header, needs.
    #[error("batch needs {needed} bytes, {available} are there")]
    Truncated {
        /// Bytes needed from the start of the batch.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
    /// `batch_length` is smaller than the fixed part of a batch.
    #[error("batch_length {batch_length} is less than a batch header")]
    BadLength {
        /// The value in the header.
        batch_length: i32,
    },
    /// Header and body disagree about the length.
    #[error("batch_length claims {claimed} bytes, the batch has {actual}")]
    LengthMismatch {
        /// Bytes by the header.
        claimed: usize,
        /// Bytes there are.
        actual: usize,
    },
    /// A message set of Kafka 0.10 or older, or something unknown.
    #[error("magic {magic} is not served, only 2")]
    UnsupportedMagic {
        /// The value in the header.
        magic: i8,
    },
    /// The bytes are not those that the sender summed.
    #[error("CRC-32C is {actual:#010x}, the batch says {stored:#010x}")]
    Crc {
        /// The value in the header.
        stored: u32,
        /// The value computed.
        actual: u32,
    },
    /// The attributes name a codec that does not exist.
    #[error("compression codec {codec} does not exist")]
    UnknownCodec {
        /// The code in the attributes.
        codec: u8,
    },
    /// A header field has a value that a fresh batch cannot have.
    #[error("{field} is {value}")]
    BadField {
        /// The field's name.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// The counts of a fresh batch contradict each other.
    #[error("record_count is {record_count}, last_offset_delta is {last_offset_delta}")]
    CountMismatch {
        /// The value in the header.
        record_count: i32,
        /// The value in the header.
        last_offset_delta: i32,
    },
    /// Records were asked for, but the body is compressed.
    #[error("records are compressed with {codec:?}")]
    Compressed {
        /// The codec.
        codec: Compression,
    },
    /// The body cannot be decompressed.
    #[error("records are {0}")]
    Decompression(#[from] CompressionError),
    /// A record is malformed.
    #[error("record {index}: {problem}")]
    Record {
        /// Index of the record in its batch, from 0.
        index: i32,
        /// What is wrong with it.
        problem: RecordProblem,
    },
}

/// What is wrong with one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    /// The batch or the record ends inside this field.
    #[error("ends inside {field}")]
    Truncated {
        /// The field's name.
        field: &'static str,
    },
    /// A varint with more bits than its type.
    #[error("{field} does not fit its type")]
    Varint {
        /// The field's name.
        field: &'static str,
    },
    /// A length or count below what is allowed (-1 is null, for key and values).
    #[error("{field} is {length}")]
    NegativeLength {
        /// The field's name.
        field: &'static str,
        /// Its value.
        length: i32,
    },
    /// Bytes are left over behind the last field of the record, or behind the last record.
    #[error("{left} bytes left over behind the {of}")]
    Trailing {
        /// Behind what.
        of: &'static str,
        /// How many.
        left: usize,
    },
    /// The offset delta is not the record's index.
    #[error("offset delta is {found}")]
    OffsetDelta {
        /// The value in the record.
        found: i32,
    },
}

impl BatchError {
    /// What a produce answers: `CORRUPT_MESSAGE` for damage on the way, which the client may repair by sending
    /// again; `INVALID_RECORD` for a batch that is wrong in itself.
    #[must_use]
    pub fn error_code(&self) -> ErrorCode {
        match self {
            Self::Truncated { .. } | Self::LengthMismatch { .. } | Self::Crc { .. } => {
                ErrorCode::CORRUPT_MESSAGE
            }
            // Producers cut such a batch in two.
            Self::Decompression(CompressionError::TooLarge { .. }) => ErrorCode::MESSAGE_TOO_LARGE,
            Self::BadLength { .. }
            | Self::Decompression(CompressionError::Malformed { .. })
            | Self::UnsupportedMagic { .. }
            | Self::UnknownCodec { .. }
            | Self::BadField { .. }
            | Self::CountMismatch { .. }
            | Self::Compressed { .. }
            | Self::Record { .. } => ErrorCode::INVALID_RECORD,
        }
    }
}
