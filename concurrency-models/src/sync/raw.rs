//! The primitives of the chosen runtime, with one spelling.

#[cfg(not(any(loom, shuttle)))]
#[expect(clippy::disallowed_types, reason = "the one place that chooses the locks of production")]
mod runtime {
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
    pub use pollster::block_on;

    /// `parking_lot` hands out the guard itself.
    #[inline]
    pub(crate) fn entered<G>(guard: G) -> G {
        guard
    }

    #[inline]
    pub(crate) fn wait<'a, T>(condvar: &Condvar, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        condvar.wait(&mut guard);
        guard
    }
}

#[cfg(any(loom, shuttle))]
mod runtime {
    #[cfg(loom)]
    pub use loom::future::block_on;
    #[cfg(loom)]
    pub(crate) use loom::sync::{
        Condvar, LockResult, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    };
    #[cfg(shuttle)]
    pub use shuttle::future::block_on;
    #[cfg(shuttle)]
    pub(crate) use shuttle::sync::{
        Condvar, LockResult, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    };

    /// A poisoned lock means that a thread of the scenario panicked: that panic is the verdict.
    pub(crate) fn entered<G>(guard: LockResult<G>) -> G {
        guard.expect("a thread of this scenario panicked while it held this lock")
    }

    pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        entered(condvar.wait(guard))
    }
}

pub use runtime::block_on;
pub(crate) use runtime::*;
