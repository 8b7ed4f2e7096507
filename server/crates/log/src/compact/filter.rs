//! What compaction leaves of a batch. Pure; the rules are Kafka's (`Cleaner.shouldRetainRecord`, `MemoryRecords.filterTo`).

use bytes::{BufMut as _, Bytes, BytesMut};
use chronik_kafka::compression;
use chronik_kafka::record_batch::{BatchError, BatchHeader, Record, RecordBatch, Records, TimestampType};
use chronik_kafka::varint;

use crate::limits;

/// Base timestamp of a batch without records.
const NO_TIMESTAMP: i64 = -1;

/// What a pass judges records by.
pub(crate) struct Rules<F> {
    /// Offset of the last record of a key in the range that is being compacted.
    pub(crate) last_offset_of: F,
    /// Where that range ends: what comes after stays.
    pub(crate) end: i64,
    /// Milliseconds since the epoch.
    pub(crate) now_ms: i64,
    /// `delete.retention.ms`
    pub(crate) delete_retention_ms: i64,
}

/// What the transactions and producers of the log say of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its transaction was aborted.
    pub(crate) aborted: bool,
    /// It is a marker, and nothing is left of its transaction.
    pub(crate) idle_marker: bool,
    /// It stays without records if it must: it is the last of its producer, whose sequence it has, or the last of the range.
    pub(crate) keep_empty: bool,
}

/// What is left of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Left {
    /// All, as it is.
    Whole,
    /// This.
    Part(RecordBatch),
    /// Nothing.
    Nothing,
}

/// A record that stays.
struct Kept<'a> {
    timestamp_ms: i64,
    /// As it is in the body.
    bytes: &'a [u8],
}

/// Judges every record of a batch. Base offset, last offset, producer, epochs and codec stay as they were.
pub(crate) fn filter(
    batch: &RecordBatch,
    standing: Standing,
    rules: &Rules<impl Fn(&[u8]) -> Option<i64>>,
) -> Result<Left, BatchError> {
    let header = &batch.header;
    if header.base_offset >= rules.end {
        return Ok(Left::Whole);
    }
    let horizon_passed = header.delete_horizon_ms().is_some_and(|horizon_ms| horizon_ms <= rules.now_ms);
    let discard = standing.aborted || standing.idle_marker && horizon_passed;
    if discard || header.record_count <= 0 {
        return Ok(empty_or_nothing(header, standing));
    }
    let body = batch.plain_body(limits::MAX_DECOMPRESSED_BYTES)?;
    let mut kept = Vec::new();
    let mut tombstones = false;
    let mut records = Records::new(&body, header.record_count);
    loop {
        let from = body.len() - records.bytes_left();
        let Some(record) = records.next().transpose()? else { break };
        if header.is_control() || stays(header, &record, horizon_passed, rules) {
            let bytes = &body[from..body.len() - records.bytes_left()];
            let timestamp_ms = header.base_timestamp.saturating_add(record.timestamp_delta);
            kept.push(Kept { timestamp_ms, bytes });
            tombstones |= record.value.is_none();
        }
    }
    if kept.is_empty() {
        return Ok(empty_or_nothing(header, standing));
    }
    // The horizon counts from the first time that the batch is compacted, so that a reader who began before has time to see it.
    let new_horizon_ms = ((tombstones || standing.idle_marker) && header.delete_horizon_ms().is_none())
        .then(|| rules.now_ms.saturating_add(rules.delete_retention_ms));
    if new_horizon_ms.is_none() && i32::try_from(kept.len()) == Ok(header.record_count) {
        return Ok(Left::Whole);
    }
    rebuild(header, &kept, new_horizon_ms).map(Left::Part)
}

fn stays(
    header: &BatchHeader,
    record: &Record<'_>,
    horizon_passed: bool,
    rules: &Rules<impl Fn(&[u8]) -> Option<i64>>,
) -> bool {
    let offset = header.base_offset + i64::from(record.offset_delta);
    if offset >= rules.end {
        return true;
    }
    // Such a record cannot be superseded: Kafka lets it go as soon as the topic is compacted.
    let Some(key) = record.key else { return false };
    let is_last = (rules.last_offset_of)(key).is_none_or(|last| offset >= last);
    is_last && (record.value.is_some() || !horizon_passed)
}

fn empty_or_nothing(header: &BatchHeader, standing: Standing) -> Left {
    if standing.keep_empty { Left::Part(empty(header)) } else { Left::Nothing }
}

/// The header alone, which has the producer's last sequence (Kafka: `DefaultRecordBatch.writeEmptyHeader`).
fn empty(header: &BatchHeader) -> RecordBatch {
    let mut header = BatchHeader { record_count: 0, ..header.clone() };
    header.clear_codec_and_horizon();
    header.base_timestamp = NO_TIMESTAMP;
    RecordBatch::seal(header, Bytes::new())
}

fn rebuild(
    header: &BatchHeader,
    kept: &[Kept<'_>],
    new_horizon_ms: Option<i64>,
) -> Result<RecordBatch, BatchError> {
    let mut header = header.clone();
    header.record_count = i32::try_from(kept.len()).unwrap_or(i32::MAX);
    if header.timestamp_type() == TimestampType::CreateTime {
        header.max_timestamp = kept.iter().map(|kept| kept.timestamp_ms).max().unwrap_or(NO_TIMESTAMP);
    }
    let mut body = BytesMut::with_capacity(kept.iter().map(|kept| kept.bytes.len() + 10).sum());
    match new_horizon_ms {
        None => kept.iter().for_each(|kept| body.put_slice(kept.bytes)),
        Some(horizon_ms) => {
            header.set_delete_horizon(horizon_ms);
            for kept in kept {
                put_with_timestamp(&mut body, kept, kept.timestamp_ms.saturating_sub(horizon_ms))?;
            }
        }
    }
    let body = compression::compress(header.compression(), &body)?;
    Ok(RecordBatch::seal(header, body.into()))
}

/// The record with another timestamp delta.
fn put_with_timestamp(out: &mut BytesMut, kept: &Kept<'_>, delta_ms: i64) -> Result<(), BatchError> {
    let mut rest = kept.bytes;
    let malformed = |field| BatchError::Record {
        index: 0,
        problem: chronik_kafka::record_batch::RecordProblem::Truncated { field },
    };
    varint::read_i32(&mut rest).map_err(|_| malformed("record length"))?;
    let (attributes, mut rest) = rest.split_first().ok_or_else(|| malformed("attributes"))?;
    varint::read_i64(&mut rest).map_err(|_| malformed("timestamp delta"))?;
    let length = 1 + varint::len_i64(delta_ms) + rest.len();
    varint::write_i32(out, i32::try_from(length).map_err(|_| malformed("record"))?);
    out.put_u8(*attributes);
    varint::write_i64(out, delta_ms);
    out.put_slice(rest);
    Ok(())
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
