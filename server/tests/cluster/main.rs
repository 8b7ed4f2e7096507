//! A cluster of real processes: what it agrees on while its nodes are killed, stand still and come back.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a test stands outside the seams")]

#[path = "../support/mod.rs"]
mod support;

mod configuration;
mod leaders;
mod lost_disk;
mod members;
mod metadata;
mod racks;
mod readiness;
mod story;
mod throttle;
