//! The kernels as the server has them.

use concurrency_models::image::Image;
use concurrency_models::sync::{Mutex, RwLock};
use concurrency_models::watermark::Watermark;
use concurrency_models::{mailbox, reply};

#[path = "operations.rs"]
pub(crate) mod operations;
