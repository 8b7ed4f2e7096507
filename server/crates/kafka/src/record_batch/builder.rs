//! Makes batches: for producers, load generators and tests.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    BatchHeader, Compression, ControlRecord, HEADER_LEN, MAGIC, NO_PRODUCER_EPOCH, NO_PRODUCER_ID,
    NO_SEQUENCE, RecordBatch,
};
use crate::varint;

/// `partition_leader_epoch` of a batch that no leader has seen.
const NO_LEADER_EPOCH: i32 = -1;
/// Bytes of `base_offset` and `batch_length`.
const LENGTH_EXCLUDES: usize = 12;

/// Collects records into one batch. Offsets and sequence numbers count up from the first record.
#[derive(Debug, Clone)]
pub struct BatchBuilder {
    header: BatchHeader,
    body: BytesMut,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// An empty batch: base offset 0, no producer, timestamps by the producer, no compression.
    #[must_use]
    pub fn new() -> Self {
        let header = BatchHeader {
            base_offset: 0,
            batch_length: 0,
            partition_leader_epoch: NO_LEADER_EPOCH,
            magic: MAGIC,
            crc: 0,
            attributes: 0,
            last_offset_delta: -1,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            record_count: 0,
        };
        Self { header, body: BytesMut::new() }
    }

    /// Marks the batch as one of an idempotent producer (KIP-98).
    #[must_use]
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Sets the offset of the first record.
    #[must_use]
    pub fn base_offset(mut self, base_offset: i64) -> Self {
        self.header.base_offset = base_offset;
        self
    }

    /// Sets the leader epoch.
    #[must_use]
    pub fn leader_epoch(mut self, epoch: i32) -> Self {
        self.header.partition_leader_epoch = epoch;
        self
    }

    /// Marks the batch as part of its producer's transaction.
    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.header.attributes |= 0x10;
        self
    }

    /// Appends a record; `timestamp_ms` is milliseconds since the epoch.
    pub fn record(&mut self, timestamp_ms: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> &mut Self {
        self.record_with_headers(timestamp_ms, key, value, &[])
    }

    /// Appends a record with headers: (key, nullable value) in order.
    ///
    /// # Panics
    /// If a key, value or header is longer than `i32::MAX` bytes: no frame could carry it.
    pub fn record_with_headers(
        &mut self,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) -> &mut Self {
        self.count_record(timestamp_ms);
        let timestamp_delta = timestamp_ms.wrapping_sub(self.header.base_timestamp);
        let offset_delta = self.header.last_offset_delta;
        let headers_len: usize =
            headers.iter().map(|(key, value)| sized_len(Some(key.as_bytes())) + sized_len(*value)).sum();
        let length = 1
            + varint::len_i64(timestamp_delta)
            + varint::len_i64(offset_delta.into())
            + sized_len(key)
            + sized_len(value)
            + varint::len_i64(wire_len(headers.len()).into())
            + headers_len;
        let out = &mut self.body;
        out.reserve(length + varint::len_i64(wire_len(length).into()));
        varint::write_i32(out, wire_len(length));
        out.put_i8(0);
        varint::write_i64(out, timestamp_delta);
        varint::write_i32(out, offset_delta);
        put_sized(out, key);
        put_sized(out, value);
        varint::write_i32(out, wire_len(headers.len()));
        for (key, value) in headers {
            put_sized(out, Some(key.as_bytes()));
            put_sized(out, *value);
        }
        self
    }

    /// Makes this a control batch with one end-of-transaction marker (KIP-98).
    #[must_use]
    pub fn end_transaction(
        mut self,
        timestamp_ms: i64,
        marker: ControlRecord,
        coordinator_epoch: i32,
    ) -> Self {
        self.header.attributes |= 0x30;
        let mut value = [0; 6];
        value[2..].copy_from_slice(&coordinator_epoch.to_be_bytes());
        self.record(timestamp_ms, Some(&marker.encode_key()), Some(&value));
        self
    }

    /// Records so far.
    #[must_use]
    pub fn record_count(&self) -> i32 {
        self.header.record_count
    }

    /// Bytes that the batch would have now, uncompressed.
    #[must_use]
    pub fn total_len(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// The batch, uncompressed. An empty one is sound in structure, but no broker accepts it.
    #[must_use]
    pub fn build(self) -> RecordBatch {
        let body = self.body.freeze();
        RecordBatch::seal(self.header, body)
    }

    /// The batch with its body compressed by `compress`, which must use the codec that is named.
    pub fn build_compressed<E>(
        mut self,
        codec: Compression,
        compress: impl FnOnce(&[u8]) -> Result<Bytes, E>,
    ) -> Result<RecordBatch, E> {
        self.header.attributes |= codec.code();
        let body = compress(&self.body)?;
        Ok(RecordBatch::seal(self.header, body))
    }

    fn count_record(&mut self, timestamp_ms: i64) {
        let header = &mut self.header;
        if header.record_count == 0 {
            header.base_timestamp = timestamp_ms;
            header.max_timestamp = timestamp_ms;
        }
        header.max_timestamp = header.max_timestamp.max(timestamp_ms);
        header.record_count += 1;
        header.last_offset_delta += 1;
    }
}

impl RecordBatch {
    /// A batch of these two: length and CRC of the header become those of the body.
    ///
    /// # Panics
    /// If the body is longer than `i32::MAX` bytes: no frame could carry it.
    #[must_use]
    pub fn seal(mut header: BatchHeader, body: Bytes) -> Self {
        header.batch_length = wire_len(HEADER_LEN - LENGTH_EXCLUDES + body.len());
        header.crc = crc32c::crc32c_append(header.crc_of_covered_fields(), &body);
        Self { header, body }
    }
}

fn put_sized(out: &mut BytesMut, bytes: Option<&[u8]>) {
    varint::write_i32(out, bytes.map_or(-1, |bytes| wire_len(bytes.len())));
    out.put_slice(bytes.unwrap_or_default());
}

fn sized_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint::len_i64(wire_len(bytes.len()).into()) + bytes.len())
}

fn wire_len(length: usize) -> i32 {
    i32::try_from(length).expect("a batch is smaller than 2 GiB")
}
