//! The server as its clients see it, byte by byte: what Kafka's protocol promises, and what becomes of input that breaks it.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a test stands outside the seams")]

#[path = "../support/mod.rs"]
mod support;

mod bad_batches;
mod bad_frames;
mod broker_configs;
mod cluster;
mod compaction;
mod connections;
mod delete_records;
mod fetch;
mod fetch_errors;
mod fetch_sessions;
mod idempotence;
mod offsets;
mod partitions;
mod produce;
mod raft_voters;
mod timestamps;
mod topic_configs;
mod topics;
