//! Pseudo-random messages, the same for the same seed: input for the codec's tests and for any test or tool that
//! needs every shape of message.

use bytes::Bytes;

use crate::string::Str;
use crate::wire::Format;

/// Arrays nested deeper than this stay empty.
const MAX_DEPTH: u32 = 5;

/// A seeded stream of small choices (SplitMix64).
#[derive(Debug, Clone)]
pub struct Source {
    state: u64,
    depth: u32,
}

impl Source {
    /// A stream that depends on `seed` only.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, depth: 0 }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`, or 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next_u64() % bound).unwrap_or_default()
    }

    /// True half the time.
    pub fn coin(&mut self) -> bool {
        self.next_u64() & 1 == 1
    }

    /// `N` bytes; every fourth time all zero, all ones, or the number one, where codecs have their edges.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        match self.below(12) {
            0 => [0; N],
            1 => [0xff; N],
            2 => std::array::from_fn(|index| u8::from(index + 1 == N)),
            _ => std::array::from_fn(|_| self.next_u64().to_le_bytes()[0]),
        }
    }

    /// False every fourth time, if the field may be null.
    pub(crate) fn unless_null(&mut self, format: Format) -> bool {
        !format.nullable || self.below(4) > 0
    }

    /// Up to 20 characters; sometimes long enough for a two-byte length.
    pub(crate) fn string(&mut self) -> Str {
        const LETTERS: [char; 6] = ['a', 'k', '-', '0', 'ö', '語'];
        let length = if self.below(40) == 0 { 200 } else { self.below(20) };
        Str::from((0..length).map(|_| LETTERS[self.below(LETTERS.len())]).collect::<String>())
    }

    /// Up to 60 bytes; sometimes enough to become a segment of its own.
    pub(crate) fn byte_string(&mut self) -> Bytes {
        let length = if self.below(40) == 0 { 5000 } else { self.below(60) };
        (0..length).map(|_| self.next_u64().to_le_bytes()[0]).collect()
    }

    /// Runs `make` one level deeper, with the number of elements it should make there.
    pub(crate) fn nested<T>(&mut self, make: impl FnOnce(&mut Self, usize) -> T) -> T {
        let count = if self.depth < MAX_DEPTH { self.below(4) } else { 0 };
        self.depth += 1;
        let made = make(self, count);
        self.depth -= 1;
        made
    }
}
