//! Variable-length integers: base 128, least significant group first (protocol guide, "Protocol primitive types").
//!
//! Unsigned ones carry compact lengths and tags; zigzag ones carry the fields of a record (KIP-98).

use bytes::BufMut;

/// Why a varint could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VarintError {
    /// The input ends inside the number.
    #[error("input ends inside a varint")]
    Truncated,
    /// The number has more bits than its type.
    #[error("varint does not fit its type")]
    Overflow,
}

/// Takes an unsigned 32-bit varint (at most 5 bytes) off the front of `input`.
#[inline]
pub fn read_u32(input: &mut &[u8]) -> Result<u32, VarintError> {
    match input.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *input = rest;
            Ok(u32::from(byte))
        }
        _ => u32::try_from(read_long(input, 5)?).map_err(|_| VarintError::Overflow),
    }
}

/// Takes an unsigned 64-bit varint (at most 10 bytes) off the front of `input`.
#[inline]
pub fn read_u64(input: &mut &[u8]) -> Result<u64, VarintError> {
    match input.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *input = rest;
            Ok(u64::from(byte))
        }
        _ => read_long(input, 10),
    }
}

/// Takes a zigzag 32-bit varint off the front of `input`.
#[inline]
pub fn read_i32(input: &mut &[u8]) -> Result<i32, VarintError> {
    let raw = read_u32(input)?;
    Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

/// Takes a zigzag 64-bit varint off the front of `input`.
#[inline]
pub fn read_i64(input: &mut &[u8]) -> Result<i64, VarintError> {
    let raw = read_u64(input)?;
    Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

/// The multi-byte case, outlined: most varints of the protocol are one byte.
fn read_long(input: &mut &[u8], max_len: usize) -> Result<u64, VarintError> {
    let mut value = 0u64;
    for (index, &byte) in input.iter().take(max_len).enumerate() {
        let group = u64::from(byte & 0x7f);
        let shift = 7 * index;
        if shift == 63 && group > 1 {
            return Err(VarintError::Overflow);
        }
        value |= group << shift;
        if byte < 0x80 {
            *input = &input[index + 1..];
            return Ok(value);
        }
    }
    Err(if input.len() < max_len { VarintError::Truncated } else { VarintError::Overflow })
}

/// Appends an unsigned 32-bit varint.
#[inline]
pub fn write_u32(out: &mut impl BufMut, value: u32) {
    write_u64(out, u64::from(value));
}

/// Appends an unsigned 64-bit varint.
#[inline]
pub fn write_u64(out: &mut impl BufMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(low_group(value) | 0x80);
        value >>= 7;
    }
    out.put_u8(low_group(value));
}

/// Appends a zigzag 32-bit varint.
#[inline]
pub fn write_i32(out: &mut impl BufMut, value: i32) {
    write_u32(out, zigzag_i32(value));
}

/// Appends a zigzag 64-bit varint.
#[inline]
pub fn write_i64(out: &mut impl BufMut, value: i64) {
    write_u64(out, zigzag_i64(value));
}

/// Bytes that [`write_u32`] and [`write_u64`] produce for `value`.
#[inline]
#[must_use]
pub const fn len_u64(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Bytes that [`write_i32`] and [`write_i64`] produce for `value`.
#[inline]
#[must_use]
pub const fn len_i64(value: i64) -> usize {
    len_u64(zigzag_i64(value))
}

#[inline]
const fn zigzag_i32(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

#[inline]
const fn zigzag_i64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[inline]
const fn low_group(value: u64) -> u8 {
    (value & 0x7f) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_integer_comes_back(signed: i64, narrow: i32) {
            let mut out = Vec::new();
            write_i64(&mut out, signed);
            prop_assert_eq!(out.len(), len_i64(signed));
            write_i32(&mut out, narrow);
            write_u64(&mut out, signed.cast_unsigned());
            write_u32(&mut out, narrow.cast_unsigned());
            let mut input = out.as_slice();
            prop_assert_eq!(read_i64(&mut input), Ok(signed));
            prop_assert_eq!(read_i32(&mut input), Ok(narrow));
            prop_assert_eq!(read_u64(&mut input), Ok(signed.cast_unsigned()));
            prop_assert_eq!(read_u32(&mut input), Ok(narrow.cast_unsigned()));
            prop_assert!(input.is_empty());
        }
    }

    #[test]
    fn known_values() {
        let cases: [(i32, &[u8]); 6] = [
            (0, &[0]),
            (-1, &[1]),
            (63, &[0x7e]),
            (64, &[0x80, 0x01]),
            (i32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ];
        for (value, bytes) in cases {
            let mut out = Vec::new();
            write_i32(&mut out, value);
            assert_eq!(out, bytes);
        }
    }

    #[test]
    fn overflow_and_truncation_are_told_apart() {
        assert_eq!(read_u32(&mut &[0xff, 0xff, 0xff, 0xff, 0x1f][..]), Err(VarintError::Overflow));
        assert_eq!(read_u32(&mut &[0x80; 6][..]), Err(VarintError::Overflow));
        assert_eq!(read_u32(&mut &[0x80; 4][..]), Err(VarintError::Truncated));
        assert_eq!(read_u32(&mut &[][..]), Err(VarintError::Truncated));
        let mut eleven_groups = [0xff; 10];
        eleven_groups[9] = 0x02;
        assert_eq!(read_u64(&mut &eleven_groups[..]), Err(VarintError::Overflow));
    }
}
