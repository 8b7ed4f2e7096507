//! What a field type must know: how it is read, written, and how little room it takes.

use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::error::DecodeError;
use crate::sample::Source;

/// The form in which a value is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Version of the API.
    pub version: i16,
    /// Compact lengths and tagged fields (KIP-482).
    pub flexible: bool,
    /// Whether the field at hand may be null.
    pub nullable: bool,
}

impl Format {
    /// The format of a whole message.
    #[inline]
    #[must_use]
    pub const fn new(version: i16, flexible: bool) -> Self {
        Self { version, flexible, nullable: false }
    }

    /// The same format, for a field that may or may not be null.
    #[inline]
    #[must_use]
    pub const fn nullable(self, nullable: bool) -> Self {
        Self { nullable, ..self }
    }
}

/// A type that can stand in a message schema.
pub trait Wire: Sized {
    /// Takes a value off the front of `input`.
    fn decode(input: &mut Decoder<'_>, format: Format) -> Result<Self, DecodeError>;

    /// Appends the value. Errors are kept in `out` and come out of its `finish`.
    fn encode(&self, out: &mut Encoder, format: Format);

    /// The least number of bytes that a value takes in this format: what bounds an array's claimed length.
    fn min_size(format: Format) -> usize;

    /// Upper bound of the heap bytes that decoding takes for each byte of input, whatever the input is.
    ///
    /// An array allocates `size_of::<T>()` for each claimed element, and a claim is refused unless the rest of the
    /// frame holds `min_size` bytes for each; then the elements take theirs. Fields of a struct consume disjoint
    /// bytes, so the worst one counts.
    fn heap_per_byte(_: Format) -> usize {
        0
    }

    /// A pseudo-random value that this format can express.
    fn sample(source: &mut Source, format: Format) -> Self;
}
