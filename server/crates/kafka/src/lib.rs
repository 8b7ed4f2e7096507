//! The Kafka wire protocol, bytes only. Nothing here knows a socket, a clock or a runtime.
#![cfg(not(any(loom, shuttle)))]

pub mod record_batch;
pub mod varint;
