//! The contract suites: what stands in for a lock, a map or a channel under a checker behaves as the real thing does.
//!
//! A proof over a stand-in says something about production only as far as the two agree. They are compared in two ways:
//!
//! * [`sequence`]: the same calls in the same order give the same results as a plain model (a `BTreeMap`, a `VecDeque`), whatever the sequence.
//! * [`matrix`]: *call x while y is held* blocks, or does not. Each row is tried on the real thing in a plain build, and on what stands for it under loom
//!   and shuttle; what it should do is written in the row for each of the three, and where they differ the row says why.
//!
//! [`wrong`] shows that either can fail.

mod cases;
mod matrix;
mod models;
mod sequence;
mod trial;
mod wrong;
