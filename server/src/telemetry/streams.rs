//! The streams between this node and another one, counted.

use prometheus_client::metrics::counter::Counter;

use super::instruments::{Instruments, Metrics};
use super::labels::NodeLabels;

/// The instruments of the streams to and from one node. Clones are the same instruments.
#[derive(Clone, Debug)]
pub struct StreamMetrics {
    /// Bytes of batches sent.
    pub sent_bytes: Counter,
    /// Bytes of batches among them for which there was a rate.
    pub throttled_bytes: Counter,
    /// How long there was something that had to wait for a rate.
    pub throttled_milliseconds: Counter,
    /// Bytes of batches that came, and fitted.
    pub received_bytes: Counter,
    /// How often the node began a stream anew.
    pub sessions: Counter,
}

impl StreamMetrics {
    /// The instruments of this node.
    pub fn of(metrics: &Metrics, node: i32) -> Self {
        let labels = NodeLabels { node };
        let all: &Instruments = metrics;
        Self {
            sent_bytes: all.stream_sent_bytes.get_or_create_owned(&labels),
            throttled_bytes: all.stream_throttled_bytes.get_or_create_owned(&labels),
            throttled_milliseconds: all.stream_throttled_milliseconds.get_or_create_owned(&labels),
            received_bytes: all.stream_received_bytes.get_or_create_owned(&labels),
            sessions: all.stream_sessions.get_or_create_owned(&labels),
        }
    }
}
