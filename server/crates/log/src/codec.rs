//! Little-endian fields of our own file formats (WAL, checkpoint). Kafka's formats are big-endian and elsewhere.

use uuid::Uuid;

use crate::types::PartitionId;

/// Appends fields.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn i16(&mut self, value: i16) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.put(&value.to_le_bytes());
    }

    /// A `u32` count, which our bounded collections always fit.
    pub(crate) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// A `u64` length, then the bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.put(bytes);
    }

    pub(crate) fn id(&mut self, id: PartitionId) {
        self.put(id.topic_id.as_bytes());
        self.i32(id.partition);
    }
}

/// The input ended before the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Short;

/// Takes fields off the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Short> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(Short)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Short)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Short> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Short> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Short> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Short> {
        self.array().map(i16::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Short> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Short> {
        self.array().map(i64::from_le_bytes)
    }

    /// A count of elements of at least `element_bytes` each: never more than the input can hold.
    pub(crate) fn count(&mut self, element_bytes: usize) -> Result<usize, Short> {
        let count = self.u32()? as usize;
        if count <= self.0.len() / element_bytes.max(1) { Ok(count) } else { Err(Short) }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Short> {
        let len = usize::try_from(self.u64()?).map_err(|_| Short)?;
        self.take(len)
    }

    pub(crate) fn id(&mut self) -> Result<PartitionId, Short> {
        Ok(PartitionId { topic_id: Uuid::from_bytes(self.array()?), partition: self.i32()? })
    }
}
