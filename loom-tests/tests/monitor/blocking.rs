//! The monitor of threads: the kernels stand on it under loom.

use concurrency_models::monitor::blocking::{Monitor, Waiter};
use loom_tests::run::block_on;

#[path = "contract.rs"]
mod contract;
