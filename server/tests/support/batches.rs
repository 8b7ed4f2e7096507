//! Batches, made and read.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use chronik_kafka::record_batch::{BatchBuilder, BatchHeader, Compression, HEADER_LEN, RecordBatch};
use chronik_kafka::{Records, compression};

/// Timestamp of the first record of a batch, in milliseconds.
pub const TIME: i64 = 1_700_000_000_000;

/// The time, as producers stamp it.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    i64::try_from(now).expect("soon")
}

/// Where the CRC of a batch stands, and where the bytes that it covers begin.
const CRC_AT: usize = 17;
const CRC_COVERS_FROM: usize = 21;

/// A batch with one record for each value, a millisecond apart.
pub fn batch(values: &[&str]) -> Bytes {
    batch_at(TIME, values)
}

/// The same from another time on.
pub fn batch_at(time: i64, values: &[&str]) -> Bytes {
    fill(BatchBuilder::new(), time, values)
}

/// The same by an idempotent producer.
pub fn batch_by(producer_id: i64, epoch: i16, base_sequence: i32, values: &[&str]) -> Bytes {
    fill(BatchBuilder::new().producer(producer_id, epoch, base_sequence), TIME, values)
}

fn fill(mut builder: BatchBuilder, time: i64, values: &[&str]) -> Bytes {
    for (delta, value) in (0..).zip(values) {
        builder.record(time + delta, None, Some(value.as_bytes()));
    }
    builder.build().to_bytes()
}

/// A compressed batch with one record for each timestamp.
pub fn compressed(codec: Compression, timestamps: &[i64]) -> Bytes {
    let mut builder = BatchBuilder::new();
    for timestamp in timestamps {
        builder.record(*timestamp, None, Some(b"value"));
    }
    let compress = |plain: &[u8]| compression::compress(codec, plain).map(Bytes::from);
    builder.build_compressed(codec, compress).expect("a codec").to_bytes()
}

/// One record of so many bytes.
pub fn large_batch(bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new();
    builder.record(TIME, None, Some(&vec![b'x'; bytes]));
    builder.build().to_bytes()
}

/// A batch whose header `change` has changed, with a CRC that fits again.
pub fn forged(values: &[&str], change: impl FnOnce(&mut BatchHeader)) -> Bytes {
    let sound = batch(values);
    let mut header = BatchHeader::parse(&sound).expect("a header");
    change(&mut header);
    let mut forged = BytesMut::from(&header.encode()[..]);
    forged.extend_from_slice(&sound[HEADER_LEN..]);
    let crc = crc32c(&forged[CRC_COVERS_FROM..]);
    forged[CRC_AT..CRC_COVERS_FROM].copy_from_slice(&crc.to_be_bytes());
    forged.freeze()
}

/// CRC-32C, bit by bit: not the implementation under test.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & 0u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

/// Offset and value of every record in uncompressed batches; a batch that is cut off at the end is left out.
pub fn records(batches: Records) -> Vec<(i64, String)> {
    let mut batches = batches.here().expect("what is decoded is in memory");
    let mut found = Vec::new();
    while let Ok(batch) = RecordBatch::read(&mut batches) {
        batch.check_crc().expect("intact");
        for record in batch.records().expect("not compressed") {
            let record = record.expect("sound");
            let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
            found.push((batch.header.base_offset + i64::from(record.offset_delta), value));
        }
    }
    found
}

/// The values alone.
pub fn values(batches: Records) -> Vec<String> {
    records(batches).into_iter().map(|(_, value)| value).collect()
}
