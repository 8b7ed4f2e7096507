//! State behind one lock, and those who wait for it to change: the only way to wait in Chronik.
//!
//! There are two monitors with one contract. [`task`] parks a task by its waker and is what production and shuttle run.
//! [`blocking`] parks the thread and is what the kernels stand on under loom, where one scheduling point per operation
//! keeps a composition small enough to be explored whole. Both are always compiled, loom checks the first
//! one by itself, and both pass the same contract suite.
//!
//! The rules, for either:
//! - [`update`](task::Monitor::update) changes the state and says whom to wake; they are woken after the lock is gone.
//! - [`wait`](task::Monitor::wait) checks and, if it must wait, registers in the same critical section.
//! - A woken waiter that gives up hands its wake-up to the next in the queue.

pub mod blocking;
pub mod task;

#[cfg(loom)]
use blocking as chosen;
#[cfg(not(loom))]
use task as chosen;

pub use chosen::{Monitor, Waiter};

/// A queue of waiters, to be kept inside the state of a [`Monitor`].
pub type WaitQueue<K = ()> = crate::wait_queue::WaitQueue<Waiter, K>;

/// The place of the only one that ever waits, to be kept inside the state of a [`Monitor`].
pub type Seat = crate::seat::Seat<Waiter>;

/// Those whom a change of the state wakes.
pub type Wakes = crate::wait_queue::Wakes<Waiter>;
