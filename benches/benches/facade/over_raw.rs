//! The same source over the raw locks.

use crate::image::Image;
use crate::sync::{Mutex, RwLock};
use crate::watermark::Watermark;
use crate::{mailbox, reply};

#[path = "operations.rs"]
pub(crate) mod operations;
