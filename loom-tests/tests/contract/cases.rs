//! The rows of the matrix, a file for each kind of object.

mod channel;
mod lock;
mod map;
mod monitor;

pub(crate) use map::{HERE, Map, remove_while_iterating};

use super::matrix::Row;

/// The one row that blocks on the real thing and under neither checker.
pub(crate) const UNSEEN: &str = "RwLock: read while one who reads waits for this one and a writer waits";

/// All of them.
pub(crate) fn all() -> Vec<Row> {
    [lock::rows(), map::rows(), monitor::rows(), channel::rows()].into_iter().flatten().collect()
}

/// Runs `take` as another task does, so that what it takes is not known as held by this thread: lockdep would name the deadlock before it is
/// measured.
pub(crate) fn as_another_task<T>(take: impl FnOnce() -> T) -> T {
    concurrency_models::sync::block_on(concurrency_models::sync::lockdep::scope("another task", async {
        take()
    }))
}

/// Where threads are real: one of them is there, or as good as blocked. A checker tries every order, that one among them, and needs no signal.
#[derive(Clone, Default)]
pub(crate) struct Signal {
    #[cfg(not(any(loom, shuttle)))]
    #[expect(
        clippy::disallowed_types,
        reason = "it brings real threads into an order, outside of what is measured"
    )]
    given: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Signal {
    /// This thread is there.
    pub(crate) fn give(&self) {
        #[cfg(not(any(loom, shuttle)))]
        self.given.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    /// Returns when another thread is there, and has had a moment to block in the call that it makes next.
    pub(crate) fn wait(&self) {
        #[cfg(not(any(loom, shuttle)))]
        {
            while !self.given.load(std::sync::atomic::Ordering::SeqCst) {
                std::thread::yield_now();
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}
