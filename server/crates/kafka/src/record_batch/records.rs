//! The records of an uncompressed body, read in place.

use super::{BatchError, RecordProblem};
use crate::varint::{self, VarintError};

/// One record; key, value and headers point into the body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record<'a> {
    /// Milliseconds after the batch's `base_timestamp`; may be negative.
    pub timestamp_delta: i64,
    /// Offset minus the batch's `base_offset`.
    pub offset_delta: i32,
    /// `None` is null, which is not the empty key.
    pub key: Option<&'a [u8]>,
    /// `None` is null: a tombstone in a compacted topic.
    pub value: Option<&'a [u8]>,
    /// Application headers, in order.
    pub headers: Headers<'a>,
}

impl Record<'_> {
    /// What a record of a control batch says; `None` if its key is not one of a control record.
    #[must_use]
    pub fn control(&self) -> Option<ControlRecord> {
        ControlRecord::parse_key(self.key?)
    }
}

/// The key of a control record: version and type, big-endian (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlRecord {
    /// Version of the key's format; 0.
    pub version: i16,
    /// What the record marks.
    pub kind: ControlType,
}

/// What a control record marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlType {
    /// 0: the producer's open transaction is aborted.
    Abort,
    /// 1: the producer's open transaction is committed.
    Commit,
    /// A type of Kafka's own metadata log, or a newer one; consumers skip it.
    Other(i16),
}

impl ControlRecord {
    /// Reads a control record's key; `None` if it is too short or has a negative version.
    #[must_use]
    pub fn parse_key(key: &[u8]) -> Option<Self> {
        let [a, b, c, d] = *key.first_chunk::<4>()?;
        let version = i16::from_be_bytes([a, b]);
        let kind = match i16::from_be_bytes([c, d]) {
            0 => ControlType::Abort,
            1 => ControlType::Commit,
            other => ControlType::Other(other),
        };
        (version >= 0).then_some(Self { version, kind })
    }

    /// The key's bytes.
    #[must_use]
    pub fn encode_key(&self) -> [u8; 4] {
        let kind = match self.kind {
            ControlType::Abort => 0,
            ControlType::Commit => 1,
            ControlType::Other(other) => other,
        };
        let ([a, b], [c, d]) = (self.version.to_be_bytes(), kind.to_be_bytes());
        [a, b, c, d]
    }
}

/// Iterator over `record_count` records. Yields at most one error and then ends; bytes behind the last record are
/// an error too.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    index: i32,
    count: i32,
    done: bool,
}

impl<'a> Records<'a> {
    /// Iterates over `body`, the uncompressed records of a batch whose header claims `record_count` of them.
    #[must_use]
    pub fn new(body: &'a [u8], record_count: i32) -> Self {
        Self { rest: body, index: 0, count: record_count, done: false }
    }

    /// Bytes that are not read yet: those of a record are between what is left before it and after it.
    #[must_use]
    pub fn bytes_left(&self) -> usize {
        self.rest.len()
    }

    fn step(&mut self) -> Result<Option<Record<'a>>, RecordProblem> {
        if self.index >= self.count {
            return check_end(self.rest).map(|()| None);
        }
        read_record(&mut self.rest).map(Some)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let index = self.index;
        match self.step() {
            Ok(Some(record)) => {
                self.index += 1;
                return Some(Ok(record));
            }
            Ok(None) => self.done = true,
            Err(problem) => {
                self.done = true;
                return Some(Err(BatchError::Record { index, problem }));
            }
        }
        None
    }
}

/// The headers of a record that was read, so their structure is known to be sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Headers<'a> {
    rest: &'a [u8],
    count: i32,
}

/// One record header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// A string by convention; the broker does not look inside.
    pub key: &'a [u8],
    /// `None` is null.
    pub value: Option<&'a [u8]>,
}

impl Headers<'_> {
    /// Headers left to read.
    #[must_use]
    pub fn count_left(&self) -> i32 {
        self.count
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        if self.count <= 0 {
            return None;
        }
        self.count -= 1;
        read_header(&mut self.rest).ok()
    }
}

/// Reads a record, and sees that it is sound and that its offset delta is `expected`.
#[inline]
pub(super) fn check_record<'a>(input: &mut &'a [u8], expected: i32) -> Result<Record<'a>, RecordProblem> {
    let record = read_record(input)?;
    match record.offset_delta {
        offset_delta if offset_delta == expected => Ok(record),
        found => Err(RecordProblem::OffsetDelta { found }),
    }
}

/// No bytes may follow the last record.
pub(super) fn check_end(rest: &[u8]) -> Result<(), RecordProblem> {
    match rest.len() {
        0 => Ok(()),
        left => Err(RecordProblem::Trailing { of: "last record", left }),
    }
}

#[inline]
fn read_record<'a>(input: &mut &'a [u8]) -> Result<Record<'a>, RecordProblem> {
    let length = read_length(input, "record length")?;
    let mut fields = take(input, length, "record")?;
    // Attributes: no bit has a meaning yet.
    take(&mut fields, 1, "attributes")?;
    let timestamp_delta =
        varint::read_i64(&mut fields).map_err(|error| in_field(error, "timestamp delta"))?;
    let offset_delta = read_varint(&mut fields, "offset delta")?;
    let key = read_nullable(&mut fields, "key")?;
    let value = read_nullable(&mut fields, "value")?;
    let headers = read_headers(&mut fields)?;
    Ok(Record { timestamp_delta, offset_delta, key, value, headers })
}

/// Walks the headers once, so that a caller's walk cannot fail.
fn read_headers<'a>(fields: &mut &'a [u8]) -> Result<Headers<'a>, RecordProblem> {
    let count = read_varint(fields, "header count")?;
    if count < 0 {
        return Err(RecordProblem::NegativeLength { field: "header count", length: count });
    }
    let headers = Headers { rest: fields, count };
    for _ in 0..count {
        read_header(fields)?;
    }
    match fields.len() {
        0 => Ok(headers),
        left => Err(RecordProblem::Trailing { of: "last field", left }),
    }
}

fn read_header<'a>(fields: &mut &'a [u8]) -> Result<Header<'a>, RecordProblem> {
    let length = read_length(fields, "header key")?;
    let key = take(fields, length, "header key")?;
    let value = read_nullable(fields, "header value")?;
    Ok(Header { key, value })
}

#[inline]
fn read_nullable<'a>(input: &mut &'a [u8], field: &'static str) -> Result<Option<&'a [u8]>, RecordProblem> {
    match read_varint(input, field)? {
        -1 => Ok(None),
        length => take(input, non_negative(length, field)?, field).map(Some),
    }
}

#[inline]
fn read_length(input: &mut &[u8], field: &'static str) -> Result<usize, RecordProblem> {
    non_negative(read_varint(input, field)?, field)
}

#[inline]
fn non_negative(length: i32, field: &'static str) -> Result<usize, RecordProblem> {
    usize::try_from(length).map_err(|_| RecordProblem::NegativeLength { field, length })
}

#[inline]
fn read_varint(input: &mut &[u8], field: &'static str) -> Result<i32, RecordProblem> {
    varint::read_i32(input).map_err(|error| in_field(error, field))
}

#[inline]
fn take<'a>(input: &mut &'a [u8], length: usize, field: &'static str) -> Result<&'a [u8], RecordProblem> {
    let (taken, rest) = input.split_at_checked(length).ok_or(RecordProblem::Truncated { field })?;
    *input = rest;
    Ok(taken)
}

fn in_field(error: VarintError, field: &'static str) -> RecordProblem {
    match error {
        VarintError::Truncated => RecordProblem::Truncated { field },
        VarintError::Overflow => RecordProblem::Varint { field },
    }
}
