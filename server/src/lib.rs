//! Chronik: a Kafka-compatible streaming server.
//!
//! ```text
//! client ─► net::connection ─► broker::{produce, ...} ─► storage queue ─► flusher thread: chronik_log::Log
//!        ◄─ replies, in order ◄─ answers ◄─ high watermark ◄─ one WAL write, one fdatasync, segment writes
//! client ─► net::connection ─► broker::fetch ─► LogView (segments, read without a lock up to the high watermark)
//! ```
//!
//! Modules in dependency order; each may use those below it:
//!
//! | module | what it is |
//! |---|---|
//! | `node` | the composition root: starts everything, stops it in a stated order |
//! | `net` | listener, connection, ordered replies |
//! | `broker` | what a request means, one file per API |
//! | `group` | consumer groups: the coordinator of `chronik_group` over storage and metadata |
//! | `replication` | what this node is in each partition; WAL streams from leaders to followers; who is in sync |
//! | `cluster` | the metadata of the cluster: a pure state machine and the controller, its only writer |
//! | `peer` | between nodes: heartbeats, Raft messages, requests; it knows bytes and not what they mean |
//! | `storage` | partitions, the flusher thread, background log maintenance |
//! | `admin`, `telemetry` | HTTP, metrics, logs, the stall watchdog |
//! | `client`, `cli` | our own client on our own codec, and the commands that use it |
//! | `config`, `limits`, `types` | values |
//! | `clock`, `rng`, `spawn`, `transport`, `chronik_log::disk` | the seams: everything that is not a function of values |
#![cfg(not(any(loom, shuttle)))]

pub mod admin;
pub mod broker;
pub mod cli;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod group;
pub mod limits;
pub mod maintenance;
pub mod net;
pub mod node;
pub mod peer;
pub mod replication;
pub mod rng;
pub mod shutdown;
pub mod spawn;
pub mod storage;
pub mod telemetry;
pub mod transport;
pub mod types;
