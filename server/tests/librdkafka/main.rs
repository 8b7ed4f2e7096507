//! librdkafka, on which most clients in other languages are built, against the real server.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a test stands outside the seams")]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod client;
mod compacting;
mod consuming;
mod groups;
mod producing;
mod restarts;
