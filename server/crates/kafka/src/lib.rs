//! The Kafka wire protocol, bytes only. Nothing here knows a socket, a clock or a runtime.
//!
//! ```text
//! frame      length prefix             -> one frame (Bytes)
//! header     api key, version, ids     -> which API, in which version
//! message/*  one schema file per API   -> a request or response, borrowing from the frame
//! record_batch                         -> what a produce carries and a log stores
//! ```
//!
//! Three rules hold for every decode: it never panics, it never trusts a length (peak live heap stays within
//! 64 times the frame and 4 KiB), and strings, bytes and records share the frame's memory.
#![cfg(not(any(loom, shuttle)))]

#[macro_use]
mod api_table;
#[macro_use]
mod schema;

pub mod api_key;
pub mod compression;
pub mod decoder;
pub mod encoder;
mod error;
pub mod error_code;
pub mod frame;
pub mod header;
pub mod message;
mod primitives;
pub mod record_batch;
mod records;
pub mod sample;
mod segments;
mod string;
pub mod varint;
pub mod wire;

pub use api_key::{ApiKey, VersionRange};
pub use error::{DecodeError, DecodeProblem, EncodeError, EncodeProblem};
pub use error_code::ErrorCode;
pub use header::{RequestHeader, ResponseHeader};
pub use records::Records;
pub use segments::{Hole, Segment, Segments};
pub use string::Str;
