//! What a kernel would stand on if there were no facade: `parking_lot` itself, and nobody to report to.
#![expect(clippy::disallowed_types, reason = "the raw side of the comparison")]

pub use parking_lot::{Mutex, RwLock};

/// Where a wake-up comes from: here nobody asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin;

impl Origin {
    pub fn notified(self) {}
}
