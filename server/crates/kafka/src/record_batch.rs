//! Record batches, format 2 (magic 2; Kafka documentation, "Record Batch"; KIP-98).
//!
//! A broker stores a batch as it came. It checks it ([`RecordBatch::validate`]), rewrites the two fields that the
//! CRC does not cover ([`RecordBatch::assign`]), and never copies the records.

mod builder;
mod crc;
mod error;
mod header;
mod records;

pub use builder::BatchBuilder;
pub use error::{BatchError, RecordProblem};
pub use header::{BatchHeader, Compression, HEADER_LEN, TimestampType};
pub use records::{ControlRecord, ControlType, Header, Headers, Record, Records};

use bytes::{BufMut, Bytes, BytesMut};

use crate::compression::{self, CompressionError};

/// The only record batch format served.
pub const MAGIC: i8 = 2;
/// `producer_id` of a batch without a producer.
pub const NO_PRODUCER_ID: i64 = -1;
/// `producer_epoch` of a batch without a producer.
pub const NO_PRODUCER_EPOCH: i16 = -1;
/// `base_sequence` of a batch without a producer.
pub const NO_SEQUENCE: i32 = -1;

/// One batch: its header by value, its records as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordBatch {
    /// The 61 bytes before the records, parsed. The CRC in it covers its last 40 bytes and `body`.
    pub header: BatchHeader,
    /// Everything after the header: records, possibly compressed. Borrowed from the frame or the segment.
    pub body: Bytes,
}

impl RecordBatch {
    /// Takes one batch off the front of `input`; its body shares `input`'s memory. On an error `input` is unchanged.
    ///
    /// Checks magic and length only: see [`validate`](Self::validate) and [`check_crc`](Self::check_crc).
    pub fn read(input: &mut Bytes) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(input)?;
        let needed = header.total_len();
        if input.len() < needed {
            return Err(BatchError::Truncated { needed, available: input.len() });
        }
        let body = input.split_to(needed).split_off(HEADER_LEN);
        Ok(Self { header, body })
    }

    /// Every check that a batch fresh from a producer must pass before it may enter a log: length, magic, codec,
    /// field ranges, `record_count == last_offset_delta + 1`, CRC-32C; and, if it is not compressed, each record's
    /// structure and offset delta.
    ///
    /// Whether a client may send control or transactional batches is the broker's decision, not checked here.
    pub fn validate(&self) -> Result<(), BatchError> {
        self.check_stored()?;
        self.header.check_fresh()?;
        if self.header.compression() == Compression::None { self.check_records() } else { Ok(()) }
    }

    /// Each record's structure and offset delta, also if the batch is compressed: what [`validate`](Self::validate) leaves out there.
    /// `look` sees each record, with its index. The body is decompressed if it comes to no more than `limit` bytes.
    pub fn validate_each(
        &self,
        limit: usize,
        mut look: impl FnMut(i32, &Record<'_>),
    ) -> Result<(), BatchError> {
        let plain = self.plain_body(limit)?;
        check_records(&plain, self.header.record_count, |input, index| {
            look(index, &records::check_record(input, index)?);
            Ok(())
        })
    }

    /// The checks that hold for a batch in a log too, where compaction may have removed records: length, magic,
    /// CRC-32C.
    pub fn check_stored(&self) -> Result<(), BatchError> {
        if self.header.magic != MAGIC {
            return Err(BatchError::UnsupportedMagic { magic: self.header.magic });
        }
        let actual = HEADER_LEN + self.body.len();
        if self.header.total_len() != actual {
            return Err(BatchError::LengthMismatch { claimed: self.header.total_len(), actual });
        }
        self.check_crc()
    }

    /// Compares the CRC-32C in the header with that of the bytes it covers: attributes to the end of the batch.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let actual = crc32c::crc32c_append(self.header.crc_of_covered_fields(), &self.body);
        if actual == self.header.crc {
            Ok(())
        } else {
            Err(BatchError::Crc { stored: self.header.crc, actual })
        }
    }

    /// Gives the batch its place in a log. Neither field is covered by the CRC.
    pub fn assign(&mut self, base_offset: i64, leader_epoch: i32) {
        self.header.base_offset = base_offset;
        self.header.partition_leader_epoch = leader_epoch;
    }

    /// Stamps the batch with the broker's time, milliseconds since the epoch (`message.timestamp.type=LogAppendTime`).
    ///
    /// The CRC is adjusted by what the header changed, which is the same as computing it anew for an intact batch;
    /// a body damaged since it was validated stays detectable, because its bytes are not read.
    pub fn set_log_append_time(&mut self, now_ms: i64) {
        let before = self.header.crc_of_covered_fields();
        self.header.set_log_append_time(now_ms);
        let after = self.header.crc_of_covered_fields();
        self.header.crc = crc::replace_front(self.header.crc, before ^ after, self.body.len());
    }

    /// The header as it goes to disk or to a consumer.
    #[must_use]
    pub fn encoded_header(&self) -> [u8; HEADER_LEN] {
        self.header.encode()
    }

    /// Bytes of the whole batch, header included.
    #[must_use]
    pub fn total_len(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// Appends header and body to `out` (copies the body).
    pub fn write_to(&self, out: &mut impl BufMut) {
        out.put_slice(&self.encoded_header());
        out.put_slice(&self.body);
    }

    /// The whole batch as one buffer (copies the body).
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.total_len());
        self.write_to(&mut out);
        out.freeze()
    }

    /// The records, in order. Fails if the batch is compressed: decompress the body, then use [`Records::new`].
    pub fn records(&self) -> Result<Records<'_>, BatchError> {
        match self.header.compression() {
            Compression::None => Ok(Records::new(&self.body, self.header.record_count)),
            codec => Err(BatchError::Compressed { codec }),
        }
    }

    /// The records' bytes, decompressed if that is no more than `limit` bytes: for [`Records::new`].
    pub fn plain_body(&self, limit: usize) -> Result<Bytes, CompressionError> {
        match self.header.compression() {
            Compression::None => Ok(self.body.clone()),
            codec => compression::decompress(codec, &self.body, limit).map(Bytes::from),
        }
    }

    fn check_records(&self) -> Result<(), BatchError> {
        let check = |input: &mut &[u8], index| records::check_record(input, index).map(|_| ());
        check_records(&self.body, self.header.record_count, check)
    }
}

fn check_records(
    mut rest: &[u8],
    record_count: i32,
    mut check: impl FnMut(&mut &[u8], i32) -> Result<(), RecordProblem>,
) -> Result<(), BatchError> {
    for index in 0..record_count {
        check(&mut rest, index).map_err(|problem| BatchError::Record { index, problem })?;
    }
    records::check_end(rest).map_err(|problem| BatchError::Record { index: record_count, problem })
}

#[cfg(test)]
mod tests;
