//! What a kernel would stand on if there were no facade: `parking_lot` itself, and nobody to report to. What the monitor tells the hook goes to
//! functions without a body, and the guards are `parking_lot`'s own.
#![expect(clippy::disallowed_types, reason = "the raw side of the comparison")]

pub use parking_lot::{MutexGuard, RwLock};

/// `parking_lot`'s, with the names that the monitor calls it by.
#[derive(Debug, Default)]
pub struct Mutex<T>(parking_lot::Mutex<T>);

impl<T> Mutex<T> {
    #[inline]
    pub fn new(value: T) -> Self {
        Self(parking_lot::Mutex::new(value))
    }

    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    #[inline]
    pub fn lock_at(&self, _: Site) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    #[inline]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }

    #[inline]
    pub fn identity(&self) -> Identity {
        Identity
    }
}

/// A line of a kernel: here nobody asks which.
#[derive(Clone, Copy, Debug)]
pub struct Site;

impl Site {
    #[inline]
    pub fn here() -> Self {
        Self
    }
}

/// Which lock it is: here nobody asks.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl Identity {
    #[inline]
    pub fn called(self, _: &'static str, _: Site) {}

    #[inline]
    pub fn waiting(self, _: Site) {}

    #[inline]
    pub fn woken(self, _: Site) {}

    #[inline]
    pub fn origin(self, _: Site) -> Origin {
        Origin
    }
}

/// Where a wake-up comes from: here nobody asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin;

impl Origin {
    #[inline]
    pub fn notified(self) {}
}
