//! The one switch between the three runtimes: std (`parking_lot`), loom and shuttle.
//!
//! The types are newtypes with `parking_lot`'s signatures (no poisoning in sight) that delegate, call one hook ([`event`]) and do
//! nothing else: a shim with behaviour would be an implementation that no checker explores. In a release build the hook is empty.
//!
//! [`ShardedMap`] delegates to `dashmap`, into which loom cannot see: there a stand-in takes its place, which passes the same contract suite.

pub mod event;
mod hook;
mod lock;
pub mod lockdep;
mod raw;
pub mod sharded_map;

pub use hook::Origin;
pub(crate) use hook::Site;
pub use lock::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use raw::block_on;
pub use sharded_map::ShardedMap;
