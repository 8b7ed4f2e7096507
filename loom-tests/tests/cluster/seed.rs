//! Random numbers that are the same in every run.

/// Where a scenario gets its faults from: shuttle's own random numbers, which differ from execution to execution and are repeated when a
/// schedule is. On real threads it is the threads that differ.
pub(crate) fn draw() -> u64 {
    #[cfg(shuttle)]
    return shuttle::rand::RngCore::next_u64(&mut shuttle::rand::thread_rng());
    #[cfg(not(shuttle))]
    0x0c4c_0a1c
}

/// xorshift64* (Vigna, 2016).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// Below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).expect("31 bits") % limit
    }
}
