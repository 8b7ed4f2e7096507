//! Reading and writing the primitive types of Kafka's record schemas.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use chronik_kafka::Str;

/// A record that is not what its schema says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of __consumer_offsets is malformed: {field} {problem}")]
pub struct Malformed {
    /// Where.
    pub field: &'static str,
    /// What.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The record ends before it.
    #[error("is cut short")]
    Short,
    /// It is not UTF-8.
    #[error("is no text")]
    Text,
    /// A length that cannot be one.
    #[error("has a negative length")]
    Length,
    /// A version that this server does not know.
    #[error("is {0}, which this version does not know")]
    Version(i16),
}

/// A cursor over a record. What it gives has memory of its own: state outlives the batch that it is read from.
pub(super) struct Reader {
    rest: Bytes,
    /// Lengths are varints plus one, and tagged fields follow (KIP-482).
    flexible: bool,
}

impl Reader {
    pub(super) fn new(bytes: &Bytes) -> Self {
        Self { rest: bytes.clone(), flexible: false }
    }

    /// From here on as a flexible version is written.
    pub(super) fn become_flexible(&mut self) {
        self.flexible = true;
    }

    fn need(&self, field: &'static str, bytes: usize) -> Result<(), Malformed> {
        if self.rest.len() < bytes { Err(Malformed { field, problem: Problem::Short }) } else { Ok(()) }
    }

    pub(super) fn i16(&mut self, field: &'static str) -> Result<i16, Malformed> {
        self.need(field, 2)?;
        Ok(self.rest.get_i16())
    }

    pub(super) fn i32(&mut self, field: &'static str) -> Result<i32, Malformed> {
        self.need(field, 4)?;
        Ok(self.rest.get_i32())
    }

    pub(super) fn i64(&mut self, field: &'static str) -> Result<i64, Malformed> {
        self.need(field, 8)?;
        Ok(self.rest.get_i64())
    }

    fn varint(&mut self, field: &'static str) -> Result<u32, Malformed> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            self.need(field, 1)?;
            let byte = self.rest.get_u8();
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed { field, problem: Problem::Length })
    }

    /// Length of what follows; `None` for null.
    fn length(&mut self, field: &'static str, short: bool) -> Result<Option<usize>, Malformed> {
        let length = match (self.flexible, short) {
            (true, _) => i64::from(self.varint(field)?) - 1,
            (false, true) => self.i16(field)?.into(),
            (false, false) => self.i32(field)?.into(),
        };
        match length {
            -1 => Ok(None),
            length => {
                usize::try_from(length).map(Some).map_err(|_| Malformed { field, problem: Problem::Length })
            }
        }
    }

    pub(super) fn nullable_string(&mut self, field: &'static str) -> Result<Option<Str>, Malformed> {
        let Some(length) = self.length(field, true)? else { return Ok(None) };
        self.need(field, length)?;
        let text = Str::from_utf8(self.rest.split_to(length));
        text.map(|text| Some(text.detached())).map_err(|_| Malformed { field, problem: Problem::Text })
    }

    pub(super) fn string(&mut self, field: &'static str) -> Result<Str, Malformed> {
        self.nullable_string(field)?.ok_or(Malformed { field, problem: Problem::Length })
    }

    pub(super) fn bytes(&mut self, field: &'static str) -> Result<Bytes, Malformed> {
        let length = self.length(field, false)?.unwrap_or_default();
        self.need(field, length)?;
        Ok(Bytes::copy_from_slice(&self.rest.split_to(length)))
    }

    /// Elements of an array. The claim is not trusted with memory: each element takes bytes of what is left.
    pub(super) fn array<T>(
        &mut self,
        field: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.length(field, false)?.unwrap_or_default();
        let mut elements = Vec::new();
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(elements)
    }

    /// Tagged fields of a flexible version, none of which we need.
    pub(super) fn skip_tags(&mut self) -> Result<(), Malformed> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.varint("tagged fields")? {
            let _tag = self.varint("tag")?;
            let length = self.varint("tagged field")? as usize;
            self.need("tagged field", length)?;
            self.rest.advance(length);
        }
        Ok(())
    }
}

/// Writes a record.
pub(super) struct Writer(BytesMut);

impl Writer {
    pub(super) fn version(version: i16) -> Self {
        let mut out = BytesMut::with_capacity(64);
        out.put_i16(version);
        Self(out)
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.0.put_i32(value);
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.0.put_i64(value);
    }

    /// # Panics
    /// If it is longer than 32767 bytes: it came in a field that is not.
    pub(super) fn string(&mut self, text: &str) {
        self.0.put_i16(i16::try_from(text.len()).expect("Kafka's strings have 15 bits of length"));
        self.0.put_slice(text.as_bytes());
    }

    pub(super) fn nullable_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.0.put_i16(-1),
        }
    }

    /// # Panics
    /// If it is longer than 2 GiB: no frame could have brought it.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.put_slice(bytes);
    }

    /// Length of an array.
    ///
    /// # Panics
    /// As [`bytes`](Self::bytes).
    pub(super) fn count(&mut self, count: usize) {
        self.0.put_i32(i32::try_from(count).expect("shorter than a frame"));
    }

    pub(super) fn finish(self) -> Bytes {
        self.0.freeze()
    }
}
