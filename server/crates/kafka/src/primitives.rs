//! The protocol's primitive types (protocol guide, "Protocol Primitive Types").

use bytes::Bytes;
use uuid::Uuid;

use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::error::{DecodeError, DecodeProblem, EncodeProblem};
use crate::error_code::ErrorCode;
use crate::sample::Source;
use crate::string::Str;
use crate::wire::{Format, Wire};

/// Big-endian numbers of fixed size.
macro_rules! fixed_size {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            #[inline]
            fn decode(input: &mut Decoder<'_>, _: Format) -> Result<Self, DecodeError> {
                input.array().map(<$number>::from_be_bytes)
            }
            #[inline]
            fn encode(&self, out: &mut Encoder, _: Format) {
                out.put(self.to_be_bytes());
            }
            #[inline]
            fn min_size(_: Format) -> usize {
                size_of::<$number>()
            }
            fn sample(source: &mut Source, _: Format) -> Self {
                <$number>::from_be_bytes(source.bytes())
            }
        }
    )*};
}

fixed_size!(i8, i16, u16, i32, i64);

/// FLOAT64.
impl Wire for f64 {
    fn decode(input: &mut Decoder<'_>, _: Format) -> Result<Self, DecodeError> {
        input.array().map(f64::from_be_bytes)
    }

    fn encode(&self, out: &mut Encoder, _: Format) {
        out.put(self.to_be_bytes());
    }

    fn min_size(_: Format) -> usize {
        8
    }

    /// Whole numbers only: a NaN would not equal itself.
    fn sample(source: &mut Source, _: Format) -> Self {
        f64::from(i32::from_be_bytes(source.bytes()))
    }
}

/// BOOLEAN: any non-zero byte is true.
impl Wire for bool {
    #[inline]
    fn decode(input: &mut Decoder<'_>, _: Format) -> Result<Self, DecodeError> {
        input.array().map(|[byte]| byte != 0)
    }

    #[inline]
    fn encode(&self, out: &mut Encoder, _: Format) {
        out.put([u8::from(*self)]);
    }

    #[inline]
    fn min_size(_: Format) -> usize {
        1
    }

    fn sample(source: &mut Source, _: Format) -> Self {
        source.coin()
    }
}

impl Wire for Uuid {
    #[inline]
    fn decode(input: &mut Decoder<'_>, _: Format) -> Result<Self, DecodeError> {
        input.array().map(Uuid::from_bytes)
    }

    #[inline]
    fn encode(&self, out: &mut Encoder, _: Format) {
        out.put(self.into_bytes());
    }

    #[inline]
    fn min_size(_: Format) -> usize {
        16
    }

    fn sample(source: &mut Source, _: Format) -> Self {
        Uuid::from_bytes(source.bytes())
    }
}

/// INT16 with Kafka's meaning.
impl Wire for ErrorCode {
    #[inline]
    fn decode(input: &mut Decoder<'_>, format: Format) -> Result<Self, DecodeError> {
        i16::decode(input, format).map(ErrorCode)
    }

    #[inline]
    fn encode(&self, out: &mut Encoder, format: Format) {
        self.0.encode(out, format);
    }

    #[inline]
    fn min_size(format: Format) -> usize {
        i16::min_size(format)
    }

    fn sample(source: &mut Source, format: Format) -> Self {
        ErrorCode(i16::sample(source, format))
    }
}

impl Wire for Option<Str> {
    fn decode(input: &mut Decoder<'_>, format: Format) -> Result<Self, DecodeError> {
        let found = input.string(format)?;
        null_if_allowed(found, input, format)
    }

    fn encode(&self, out: &mut Encoder, format: Format) {
        out.string(self.as_deref(), format);
    }

    fn min_size(format: Format) -> usize {
        if format.flexible { 1 } else { 2 }
    }

    fn sample(source: &mut Source, format: Format) -> Self {
        source.unless_null(format).then(|| source.string())
    }
}

impl Wire for Option<Bytes> {
    fn decode(input: &mut Decoder<'_>, format: Format) -> Result<Self, DecodeError> {
        let found = input.bytes(format)?;
        null_if_allowed(found, input, format)
    }

    fn encode(&self, out: &mut Encoder, format: Format) {
        out.bytes(self.as_ref(), format);
    }

    fn min_size(format: Format) -> usize {
        length_size(format)
    }

    fn sample(source: &mut Source, format: Format) -> Self {
        source.unless_null(format).then(|| source.byte_string())
    }
}

impl<T: Wire> Wire for Option<Vec<T>> {
    fn decode(input: &mut Decoder<'_>, format: Format) -> Result<Self, DecodeError> {
        let found = input.elements(format)?;
        null_if_allowed(found, input, format)
    }

    fn encode(&self, out: &mut Encoder, format: Format) {
        out.elements(self.as_deref(), format);
    }

    fn min_size(format: Format) -> usize {
        length_size(format)
    }

    fn heap_per_byte(format: Format) -> usize {
        Vec::<T>::heap_per_byte(format)
    }

    fn sample(source: &mut Source, format: Format) -> Self {
        source.unless_null(format).then(|| Vec::sample(source, format))
    }
}

impl Wire for Str {
    fn decode(input: &mut Decoder<'_>, format: Format) -> Result<Self, DecodeError> {
        let found = input.string(format)?;
        not_null(found, input)
    }

    fn encode(&self, out: &mut Encoder, format: Format) {
        out.string(Some(self), format);
    }

    fn min_size(format: Format) -> usize {
        Option::<Str>::min_size(format)
    }

    fn sample(source: &mut Source, _: Format) -> Self {
        source.string()
    }
}

impl Wire for Bytes {
    fn decode(input: &mut Decoder<'_>, format: Format) -> Result<Self, DecodeError> {
        let found = input.bytes(format)?;
        not_null(found, input)
    }

    fn encode(&self, out: &mut Encoder, format: Format) {
        out.bytes(Some(self), format);
    }

    fn min_size(format: Format) -> usize {
        length_size(format)
    }

    fn sample(source: &mut Source, _: Format) -> Self {
        source.byte_string()
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn decode(input: &mut Decoder<'_>, format: Format) -> Result<Self, DecodeError> {
        let found = input.elements(format)?;
        not_null(found, input)
    }

    fn encode(&self, out: &mut Encoder, format: Format) {
        out.elements(Some(self), format);
    }

    fn min_size(format: Format) -> usize {
        length_size(format)
    }

    fn heap_per_byte(format: Format) -> usize {
        size_of::<T>().div_ceil(T::min_size(format).max(1)) + T::heap_per_byte(format)
    }

    fn sample(source: &mut Source, format: Format) -> Self {
        source.nested(|source, count| (0..count).map(|_| T::sample(source, format.nullable(false))).collect())
    }
}

/// A nullable struct begins with a byte: -1 for null, else 1 (KIP-893). `message!` calls these for each struct.
pub(crate) fn decode_nullable<T: Wire>(
    input: &mut Decoder<'_>,
    format: Format,
) -> Result<Option<T>, DecodeError> {
    let [present] = input.array()?;
    if present.cast_signed() >= 0 {
        return T::decode(input, format.nullable(false)).map(Some);
    }
    null_if_allowed(None, input, format)
}

pub(crate) fn encode_nullable<T: Wire>(value: Option<&T>, out: &mut Encoder, format: Format) {
    match value {
        Some(value) => {
            out.put([1]);
            value.encode(out, format.nullable(false));
        }
        None if format.nullable => out.put([0xff]),
        None => out.fail(EncodeProblem::Null),
    }
}

/// Bytes of the length of BYTES or ARRAY, which for null or empty is all there is.
#[inline]
fn length_size(format: Format) -> usize {
    if format.flexible { 1 } else { 4 }
}

#[inline]
fn null_if_allowed<T>(
    found: Option<T>,
    input: &Decoder<'_>,
    format: Format,
) -> Result<Option<T>, DecodeError> {
    if found.is_none() && !format.nullable {
        return Err(input.error(DecodeProblem::Null));
    }
    Ok(found)
}

#[inline]
fn not_null<T>(found: Option<T>, input: &Decoder<'_>) -> Result<T, DecodeError> {
    found.ok_or_else(|| input.error(DecodeProblem::Null))
}
