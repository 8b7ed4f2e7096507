//! Benches live in `benches/`, one file per kernel, per hot path, and for the facade.
//!
//! This library is the raw side of the bench `facade`: the source of some kernels and of the monitor, as it is, over a [`sync`] of its own that
//! knows nothing but `parking_lot`. It is a library because the kernels are in one, too: then both sides are compiled in the same way.
#![cfg(not(any(loom, shuttle)))]
#![expect(
    clippy::disallowed_types,
    clippy::default_constructed_unit_structs,
    reason = "the raw side stands on the locks that the facade hides, and its hook is made of nothing"
)]

#[path = "../../concurrency-models/src/image.rs"]
pub mod image;
#[path = "../../concurrency-models/src/mailbox.rs"]
pub mod mailbox;
pub mod monitor;
#[path = "../../concurrency-models/src/reply.rs"]
pub mod reply;
#[path = "../../concurrency-models/src/seat.rs"]
pub mod seat;
pub mod sync;
#[path = "../../concurrency-models/src/wait_queue.rs"]
pub mod wait_queue;
#[path = "../../concurrency-models/src/watermark.rs"]
pub mod watermark;
