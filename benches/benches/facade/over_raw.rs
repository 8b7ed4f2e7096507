//! The same source over the raw locks.

use crate::image::Image;
use crate::sync::{Mutex, RwLock, block_on};
use crate::watermark::Watermark;
use crate::{mailbox, reply};

#[path = "operations.rs"]
pub(crate) mod operations;
