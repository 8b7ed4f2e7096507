//! The one switch between the three runtimes: std (`parking_lot`), loom and shuttle.
//!
//! The types are newtypes with `parking_lot`'s signatures (no poisoning in sight) that delegate and do nothing else: a shim
//! with behaviour would be an implementation that no checker explores.

mod lock;
mod raw;

pub use lock::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use raw::block_on;
