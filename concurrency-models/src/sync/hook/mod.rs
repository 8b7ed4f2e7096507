//! The hook: what the facade calls around every operation. There are two with one interface: `watched` reports each step, `silent` is
//! made of empty types and empty functions, and so is no instruction.

#[cfg(not(any(loom, shuttle, lockdep, debug_assertions)))]
mod silent;
#[cfg(any(loom, shuttle, lockdep, debug_assertions))]
mod watched;

#[cfg(not(any(loom, shuttle, lockdep, debug_assertions)))]
use silent as chosen;
#[cfg(any(loom, shuttle, lockdep, debug_assertions))]
use watched as chosen;

pub use chosen::Origin;
pub(crate) use chosen::{Hold, Identity, Registered, Request, Site};
