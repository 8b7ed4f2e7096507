//! `monitor`: nobody waits for ever for what has happened. One contract for both monitors, and for the one of tasks what happens when a
//! future is dropped.
#![expect(clippy::duplicate_mod, reason = "the contract is one file for both monitors")]

#[path = "monitor/blocking.rs"]
mod blocking;
#[path = "monitor/dropped.rs"]
mod dropped;
#[path = "monitor/task.rs"]
mod task;
