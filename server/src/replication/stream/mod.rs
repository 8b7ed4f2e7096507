//! WAL streams: a leader pushes what its followers lack, over one connection for each pair of nodes.
//!
//! ```text
//! leader                                                   follower
//! storage ─► Feed: where one follower is in one log
//!              │ more, or a higher high watermark
//!              ▼
//! Sender ─────────── records, within the window ─────────► Receiver ─► storage queue
//!   │                                                         │ synced
//!   │ ◄───────────── synced offsets, room ────────────────────┘
//!   ▼
//! Isr::acknowledge ─► high watermark ─► who waits with acks=all
//! ```

mod feed;
mod followed;
pub(crate) mod message;
mod piece;
mod quota;
pub(crate) mod receiver;
pub(crate) mod sender;
mod session;
mod throttle;
mod under_way;

pub(crate) use receiver::Receiver;
pub(crate) use sender::Sender;
