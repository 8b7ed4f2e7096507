//! Partitions on several nodes: what this node is in each of them, and how records get from leaders to followers.
//!
//! [`Roles`] has each partition on this node led or followed as the committed metadata says. `stream` carries records from leaders to followers, and
//! `in_sync` has the metadata leader commit who is in sync; [`liveness`] hears whether leaders are there. What a partition's leader and in-sync set mean for its high watermark is the kernel
//! [`concurrency_models::isr`].

mod ends;
mod in_sync;
mod in_sync_news;
pub mod liveness;
mod roles;
mod stream;
mod tasks;

pub use roles::Roles;
pub use tasks::{Parts, Running, new, start};
