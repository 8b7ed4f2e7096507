//! A cursor over one frame.

use bytes::Bytes;

use crate::error::{DecodeError, DecodeProblem};
use crate::string::Str;
use crate::varint::{self, VarintError};
use crate::wire::{Format, Wire};

/// Bytes of the longest string, in compact form too (`MessageDataGenerator`: "had invalid length").
const MAX_STRING_BYTES: usize = i16::MAX as usize;

/// Reads values off the front of a frame. Strings and bytes share its memory.
#[derive(Debug)]
pub struct Decoder<'a> {
    frame: &'a Bytes,
    rest: &'a [u8],
    /// Where `rest` ends in `frame`: before its end while a tagged field is read.
    end: usize,
    /// Bytes allocated so far.
    heap_bytes: usize,
}

impl<'a> Decoder<'a> {
    /// Starts at the front of `frame`.
    #[must_use]
    pub fn new(frame: &'a Bytes) -> Self {
        Self { frame, rest: frame, end: frame.len(), heap_bytes: 0 }
    }

    /// Bytes not read yet.
    #[inline]
    #[must_use]
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.end - self.rest.len()
    }

    /// Bytes of heap that what has been decoded takes, beside the frame.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }

    /// Ends decoding: an error if bytes are left over.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.left() {
            0 => Ok(()),
            left => Err(self.error(DecodeProblem::Trailing { left })),
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn error(&self, problem: DecodeProblem) -> DecodeError {
        DecodeError::new(problem, self.position())
    }

    /// Takes a fixed number of bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(*bytes)
            }
            None => Err(self.error(DecodeProblem::Truncated { needed: N, left: self.left() })),
        }
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u32, DecodeError> {
        varint::read_u32(&mut self.rest).map_err(|error| self.varint_error(error))
    }

    #[cold]
    fn varint_error(&self, error: VarintError) -> DecodeError {
        let left = self.left();
        self.error(match error {
            VarintError::Truncated => DecodeProblem::Truncated { needed: left + 1, left },
            VarintError::Overflow => DecodeProblem::VarintOverflow,
        })
    }

    /// Takes `length` bytes, sharing them.
    pub(crate) fn share(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        Ok(self.frame.slice_ref(self.take(length)?))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.error(DecodeProblem::Truncated { needed: length, left: self.left() })),
        }
    }

    /// STRING, COMPACT_STRING and their nullable forms.
    #[inline(never)]
    pub(crate) fn string(&mut self, format: Format) -> Result<Option<Str>, DecodeError> {
        let length = if format.flexible {
            self.compact_length()?
        } else {
            let length = i16::from_be_bytes(self.array()?);
            self.length(length.into())?
        };
        let Some(length) = length else { return Ok(None) };
        if length > MAX_STRING_BYTES {
            return Err(self.error(DecodeProblem::StringTooLong { length }));
        }
        let bytes = self.share(length)?;
        match Str::from_utf8(bytes) {
            Ok(string) => Ok(Some(string)),
            Err(error) => Err(self.error(DecodeProblem::Utf8 { valid_up_to: error.valid_up_to() })),
        }
    }

    /// BYTES, RECORDS, their compact and nullable forms.
    #[inline(never)]
    pub(crate) fn bytes(&mut self, format: Format) -> Result<Option<Bytes>, DecodeError> {
        match self.long_length(format)? {
            Some(length) => self.share(length).map(Some),
            None => Ok(None),
        }
    }

    /// ARRAY, COMPACT_ARRAY and their nullable forms. Allocates exactly what the claimed count needs, and only after
    /// the rest of the frame has been found long enough to hold that many elements.
    pub(crate) fn elements<T: Wire>(&mut self, format: Format) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.long_length(format)? else { return Ok(None) };
        let format = format.nullable(false);
        self.check_count(count, T::min_size(format).max(1))?;
        let mut elements = Vec::with_capacity(count);
        self.heap_bytes += count * size_of::<T>();
        for _ in 0..count {
            elements.push(T::decode(self, format)?);
        }
        Ok(Some(elements))
    }

    fn check_count(&self, count: usize, min_size: usize) -> Result<(), DecodeError> {
        let left = self.left();
        if count <= left / min_size {
            return Ok(());
        }
        Err(self.error(DecodeProblem::TooMany { count, min_size, left }))
    }

    /// Reads the section of tagged fields (KIP-482). `field` is given a tag and a decoder over exactly its value, and
    /// returns false for a tag it does not know, which is then skipped: a server never passes requests on.
    #[inline]
    pub(crate) fn tagged_fields(
        &mut self,
        mut field: impl FnMut(u32, &mut Decoder<'a>) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        for _ in 0..self.varint()? {
            self.tagged_field(&mut field)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn tagged_field(
        &mut self,
        field: &mut dyn FnMut(u32, &mut Decoder<'a>) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let tag = self.varint()?;
        let size = widen(self.varint()?);
        let value = self.take(size)?;
        let mut inner = Decoder { frame: self.frame, rest: value, end: self.position(), heap_bytes: 0 };
        let known = field(tag, &mut inner)?;
        self.heap_bytes += inner.heap_bytes;
        match inner.left() {
            left if known && left > 0 => Err(inner.error(DecodeProblem::TaggedFieldSize { tag, left })),
            _ => Ok(()),
        }
    }

    #[inline]
    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.varint()?.checked_sub(1).map(widen))
    }

    #[inline]
    fn long_length(&mut self, format: Format) -> Result<Option<usize>, DecodeError> {
        if format.flexible {
            return self.compact_length();
        }
        let length = i32::from_be_bytes(self.array()?);
        self.length(length)
    }

    #[inline]
    fn length(&self, length: i32) -> Result<Option<usize>, DecodeError> {
        match usize::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_) if length == -1 => Ok(None),
            Err(_) => Err(self.error(DecodeProblem::NegativeLength { length })),
        }
    }
}

/// No target of ours has a `usize` below 32 bits.
#[inline]
fn widen(value: u32) -> usize {
    value as usize
}
