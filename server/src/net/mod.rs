//! From sockets to requests and back.
//!
//! ```text
//! listener ─► one connection each: reader task ──(mailbox: requests begun, in order)──► writer task
//! ```

pub mod connection;
pub mod frame_reader;
pub mod listener;
pub mod patience;
