//! Consumer groups over a socket: every version of every API, what goes wrong, and what survives.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a test stands outside the seams")]

#[path = "../support/mod.rs"]
mod support;

mod administration;
mod command_line;
mod internal_topic;
mod member;
mod membership;
mod offsets;
mod restarts;
mod topic_ids;
mod versions;
