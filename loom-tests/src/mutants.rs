//! Mutants: each is a patch that puts one real bug into a kernel, with a header that says who must notice, and how.
//!
//! ```text
//! id: C7
//! bug: the watermark is set by a plain store: a late advance takes it back
//! expect: assertion
//! says: went back
//! checker: loom
//! test: watermark it_never_goes_back
//!
//! --- a/concurrency-models/src/watermark.rs
//! +++ b/concurrency-models/src/watermark.rs
//! @@ ...
//! ```
//!
//! `expect` is `deadlock` (a lost wake-up is one), `assertion` (then `says` is part of its message) or `survives`, for a control: a change that
//! is no bug. `test: watermark *` runs the whole file; `test: lib peer::tests::sending::x` is a test inside of a library.

mod catalogue;
mod mutant;
mod patch;
#[cfg(not(any(loom, shuttle)))]
pub mod runner;
mod verdict;
#[cfg(not(any(loom, shuttle)))]
mod workspace;

pub use catalogue::{Row, read_catalogue};
pub use mutant::{Expectation, Mutant, read_all};
pub use patch::{Files, Patch, PatchError};
pub use verdict::{Verdict, judge};
