//! The same source over the raw locks.

use chronik_benches::image::Image;
use chronik_benches::sync::{Mutex, RwLock};
use chronik_benches::watermark::Watermark;
use chronik_benches::{mailbox, reply};

#[path = "operations.rs"]
pub(crate) mod operations;
