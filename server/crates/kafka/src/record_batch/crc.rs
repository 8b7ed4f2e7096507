//! Changing the front of summed bytes without reading the rest.
//!
//! A CRC is linear: what a change in the front does to the sum is the CRC of the change, multiplied by x to the
//! number of bits behind it, modulo the polynomial. That takes a product for each bit of the *length* (zlib's
//! `crc32_combine` works so), where summing anew would read every byte.

/// CRC-32C (Castagnoli), bits reflected: the highest bit is x^0.
const POLYNOMIAL: u32 = 0x82f6_3b78;
const ONE: u32 = 1 << 31;
/// The polynomial is x + 1 times a primitive one of degree 31, so x^(2^31) is x again.
const PERIOD: usize = 31;
/// Element `k` is x^(2^k) modulo the polynomial.
const POWERS: [u32; PERIOD] = powers();

/// The CRC-32C of `front || back`, given that it was `sum` for `old_front || back`; `changed` is the exclusive-or of
/// the CRCs of the two fronts, which have the same length.
pub(super) fn replace_front(sum: u32, changed: u32, back_len: usize) -> u32 {
    sum ^ multiply(x_to_the_bits_of(back_len), changed)
}

/// x^(8 * bytes) modulo the polynomial.
fn x_to_the_bits_of(bytes: usize) -> u32 {
    let mut product = ONE;
    let mut left = bytes;
    let mut power = 3;
    while left > 0 {
        if left & 1 == 1 {
            product = multiply(POWERS[power % PERIOD], product);
        }
        left >>= 1;
        power += 1;
    }
    product
}

/// `a * b` modulo the polynomial.
const fn multiply(a: u32, b: u32) -> u32 {
    let (mut product, mut shifted, mut bit) = (0, b, ONE);
    while bit > 0 {
        // All ones if the bit is set: no branch, because the bits are as good as random.
        product ^= shifted & ((a & bit != 0) as u32).wrapping_neg();
        shifted = (shifted >> 1) ^ (POLYNOMIAL & (shifted & 1).wrapping_neg());
        bit >>= 1;
    }
    product
}

const fn powers() -> [u32; PERIOD] {
    let mut powers = [ONE >> 1; PERIOD];
    let mut k = 1;
    while k < PERIOD {
        powers[k] = multiply(powers[k - 1], powers[k - 1]);
        k += 1;
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn same_as_summing_anew(
            (old, new) in (0usize..50).prop_flat_map(|n| (vec_of(n), vec_of(n))),
            back in proptest::collection::vec(any::<u8>(), 0..3000),
        ) {
            let sum = |front: &[u8]| crc32c::crc32c_append(crc32c::crc32c(front), &back);
            let changed = crc32c::crc32c(&old) ^ crc32c::crc32c(&new);
            prop_assert_eq!(replace_front(sum(&old), changed, back.len()), sum(&new));
        }
    }

    fn vec_of(length: usize) -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), length)
    }

    #[test]
    fn lengths_beyond_the_period_agree_with_the_library() {
        for back_len in [0, 1, 1 << 20, (1 << 29) - 1, 1 << 29, (1 << 33) + 5] {
            let changed = 0x1234_5678;
            assert_eq!(replace_front(0, changed, back_len), crc32c::crc32c_combine(changed, 0, back_len));
        }
    }
}
