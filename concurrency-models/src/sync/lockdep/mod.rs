//! Deadlocks named before they happen, in debug builds of std and shuttle and with `--cfg lockdep`: never under loom, which has its own verdict,
//! and no instruction of a release build.
//!
//! Each task has a set of locks that it holds, and there is one graph: *this lock was held when that one was asked for*. A request panics, before
//! it blocks, if the task holds that very lock (a second read too: our `RwLock` is fair, and a writer that waits between the two blocks the second
//! for ever), or if the new edge closes a cycle in the graph. Neither needs a deadlock to occur: two orders that are used one after the other are
//! enough. The message names the lines.
//!
//! ```text
//! deadlock ahead: raft loop holds Node.write (raft_loop.rs:123), wants Node.write (raft_loop.rs:140)
//! ```
//!
//! The graph is one of locks, not of places where locks are made: two mailboxes, one inside of the other, are in order, and an alarm is never
//! about locks that differ. The price is that an inversion is seen when two tasks use the *same* two locks in both orders.

#[cfg(all(any(lockdep, debug_assertions), not(loom)))]
mod graph;
#[cfg(any(loom, not(any(lockdep, debug_assertions))))]
mod off;
#[cfg(all(any(lockdep, debug_assertions), not(loom)))]
mod on;

#[cfg(any(loom, not(any(lockdep, debug_assertions))))]
use off as chosen;
#[cfg(all(any(lockdep, debug_assertions), not(loom)))]
use on as chosen;

pub use chosen::{Scoped, scope};
#[cfg(any(loom, shuttle, lockdep, debug_assertions))]
pub(super) use chosen::{acquired, forget, released, request};
