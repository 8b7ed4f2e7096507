//! Chronik's classic consumer groups (KIP-62, KIP-345, KIP-394).
//!
//! ```text
//! Groups (handle) ─► mailbox ─► Coordinator: the one owner of all groups
//!                                 │  Group::handle(event, now) -> actions          (state/: a function of values)
//!                                 ├─ Answer  ─► reply kernel ─► whoever asked
//!                                 └─ Append  ─► Journal (a partition of __consumer_offsets)
//!                    Appended ◄──────────────────┘  comes back as a message: the coordinator never waits for a disk
//! ```
//!
//! Modules, in dependency order: [`limits`], [`config`], [`records`] (Kafka's binary format of `__consumer_offsets`), [`state`] (one group),
//! [`replay`] (groups from their records), [`partitioner`] (which partition keeps a group), [`coordinator`] (the task).
//!
//! Nothing here knows a runtime or a clock: time is a value, and so are ids.
#![cfg(not(any(loom, shuttle)))]

pub mod config;
pub mod coordinator;
pub mod limits;
pub mod partitioner;
pub mod records;
pub mod replay;
pub mod state;

pub use config::GroupConfig;
pub use coordinator::{Ask, Clock, Coordinator, Groups, Ids, Journal, Reply};
pub use records::Record;
pub use state::Group;
