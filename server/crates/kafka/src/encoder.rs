//! Writes one message in a single pass; large byte strings are not copied but shared.

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::error::{EncodeError, EncodeProblem};
use crate::segments::{Hole, Segment, Segments};
use crate::varint;
use crate::wire::{Format, Wire};

/// From this many bytes on, a byte string is cheaper as a segment of its own than as a copy.
const SHARE_FROM: usize = 2048;

/// Collects a message. The first error is kept and returned at the end, so that fields need no error paths.
#[derive(Debug)]
pub struct Encoder {
    out: BytesMut,
    /// What was not copied, each with its position in `out`. Positions never decrease.
    shared: SmallVec<[(usize, Segment); 2]>,
    share_from: usize,
    field: &'static str,
    error: Option<EncodeError>,
}

impl Encoder {
    /// Appends to `out` and copies everything into it.
    #[must_use]
    pub fn copying(out: BytesMut) -> Self {
        Self::with_limit(out, usize::MAX)
    }

    /// Appends to `out`, but shares large byte strings (records).
    #[must_use]
    pub fn sharing(out: BytesMut) -> Self {
        Self::with_limit(out, SHARE_FROM)
    }

    fn with_limit(out: BytesMut, share_from: usize) -> Self {
        Self { out, shared: SmallVec::new(), share_from, field: "", error: None }
    }

    /// Bytes written so far, shared ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len() + self.shared.iter().map(|(_, segment)| segment.len()).sum::<usize>()
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends encoding: the message in as many segments as it needs.
    pub fn finish(self) -> Result<Segments, EncodeError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Segments::join(self.out, self.shared)),
        }
    }

    /// Replaces the four bytes at the very front by the number of bytes behind them: a frame's length prefix.
    pub(crate) fn patch_frame_length(&mut self) {
        let length = self.len().saturating_sub(4);
        match i32::try_from(length) {
            Ok(prefix) => self.out[..4].copy_from_slice(&prefix.to_be_bytes()),
            Err(_) => self.fail(EncodeProblem::TooLong { length }),
        }
    }

    /// Names the field that is written next, for errors.
    #[inline]
    pub(crate) fn at(&mut self, field: &'static str) {
        self.field = field;
    }

    #[cold]
    pub(crate) fn fail(&mut self, problem: EncodeProblem) {
        self.error.get_or_insert(EncodeError { field: self.field, problem });
    }

    #[inline]
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.out.put_slice(&bytes);
    }

    #[inline]
    pub(crate) fn varint(&mut self, value: u32) {
        varint::write_u32(&mut self.out, value);
    }

    /// STRING, COMPACT_STRING and their nullable forms.
    #[inline(never)]
    pub(crate) fn string(&mut self, string: Option<&str>, format: Format) {
        let length = string.map(str::len);
        if format.flexible {
            self.compact_length(length, format);
        } else {
            self.short_length(length, format);
        }
        self.out.put_slice(string.unwrap_or_default().as_bytes());
    }

    /// BYTES, RECORDS, their compact and nullable forms.
    #[inline(never)]
    pub(crate) fn bytes(&mut self, bytes: Option<&Bytes>, format: Format) {
        self.long_length(bytes.map(Bytes::len), format);
        let Some(bytes) = bytes else { return };
        if bytes.len() < self.share_from {
            self.out.put_slice(bytes);
        } else {
            self.shared.push((self.out.len(), Segment::Bytes(bytes.clone())));
        }
    }

    /// The same as [`bytes`](Self::bytes), of bytes that are not here.
    pub(crate) fn hole(&mut self, hole: Hole, format: Format) {
        self.long_length(Some(hole.len), format);
        if self.share_from == usize::MAX {
            self.fail(EncodeProblem::NotHere { length: hole.len });
        } else if hole.len > 0 {
            self.shared.push((self.out.len(), Segment::Hole(hole)));
        }
    }

    /// ARRAY, COMPACT_ARRAY and their nullable forms.
    pub(crate) fn elements<T: Wire>(&mut self, elements: Option<&[T]>, format: Format) {
        self.long_length(elements.map(<[T]>::len), format);
        for element in elements.unwrap_or_default() {
            element.encode(self, format.nullable(false));
        }
    }

    /// One tagged field: tag, size, value (KIP-482).
    pub(crate) fn tagged(&mut self, tag: u32, value: impl FnOnce(&mut Self)) {
        self.varint(tag);
        // The size is known only afterwards: leave one byte for it, which nearly always suffices. Until then
        // positions in `out` may shift, so nothing is shared.
        let share_from = std::mem::replace(&mut self.share_from, usize::MAX);
        let at = self.out.len();
        self.out.put_u8(0);
        value(self);
        self.share_from = share_from;
        self.fill_in_size(at);
    }

    fn fill_in_size(&mut self, at: usize) {
        let size = self.out.len() - at - 1;
        let Ok(wire_size) = u32::try_from(size) else {
            return self.fail(EncodeProblem::TooLong { length: size });
        };
        let extra = varint::len_u64(wire_size.into()) - 1;
        if extra > 0 {
            self.out.put_bytes(0, extra);
            self.out.copy_within(at + 1..at + 1 + size, at + 1 + extra);
        }
        varint::write_u32(&mut &mut self.out[at..], wire_size);
    }

    #[inline]
    fn long_length(&mut self, length: Option<usize>, format: Format) {
        if format.flexible {
            return self.compact_length(length, format);
        }
        let wire = length.map_or(Some(-1), |length| i32::try_from(length).ok());
        self.put(wire.unwrap_or_default().to_be_bytes());
        self.check_length(length, wire.is_some(), format);
    }

    #[inline]
    fn short_length(&mut self, length: Option<usize>, format: Format) {
        let wire = length.map_or(Some(-1), |length| i16::try_from(length).ok());
        self.put(wire.unwrap_or_default().to_be_bytes());
        self.check_length(length, wire.is_some(), format);
    }

    #[inline]
    fn compact_length(&mut self, length: Option<usize>, format: Format) {
        // Kafka reads the length, minus one, into a signed integer.
        let fits = length.is_none_or(|length| i32::try_from(length).is_ok());
        let wire = length.map_or(0, |length| length.saturating_add(1));
        self.varint(u32::try_from(wire).unwrap_or_default());
        self.check_length(length, fits, format);
    }

    #[inline]
    fn check_length(&mut self, length: Option<usize>, fits: bool, format: Format) {
        match length {
            Some(length) if !fits => self.fail(EncodeProblem::TooLong { length }),
            None if !format.nullable => self.fail(EncodeProblem::Null),
            _ => {}
        }
    }
}
