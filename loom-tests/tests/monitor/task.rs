//! The monitor of tasks: production and shuttle stand on it.

use concurrency_models::monitor::task::{Monitor, Waiter};
use loom_tests::run::block_on_waker as block_on;

#[path = "contract.rs"]
mod contract;
