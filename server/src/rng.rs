//! The randomness seam: every random choice comes from one seed.
#![expect(clippy::disallowed_methods, reason = "the randomness seam itself")]

use fastrand::Rng as Generator;
use uuid::Uuid;

/// A source of random values, owned by the task that uses it. The same seed gives the same values.
#[derive(Debug)]
pub struct Rng(Generator);

impl Rng {
    /// Seeded by the operating system.
    pub fn from_entropy() -> Self {
        Self(Generator::new())
    }

    /// Seeded by `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self(Generator::with_seed(seed))
    }

    /// A source of its own for another task.
    pub fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }

    /// A random (version 4) UUID, never one of those that Kafka reserves (all zero, and one).
    pub fn uuid(&mut self) -> Uuid {
        uuid_from(self.0.u128(..))
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// If `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.u64(..bound)
    }
}

/// Sets the version and the variant.
fn uuid_from(random: u128) -> Uuid {
    let mut bytes = random.to_be_bytes();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Uuid::from_bytes(bytes)
}
