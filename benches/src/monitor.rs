//! The monitor of production, as it is, over the raw locks.

#[path = "../../concurrency-models/src/monitor/task.rs"]
pub mod task;

pub use task::{Monitor, Waiter};

/// As in `concurrency_models::monitor`.
pub type WaitQueue<K = ()> = crate::wait_queue::WaitQueue<Waiter, K>;
/// As in `concurrency_models::monitor`.
pub type Seat = crate::seat::Seat<Waiter>;
