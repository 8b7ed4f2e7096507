//! Whether the timestamps that a producer has set are near enough to the server's clock (KIP-937).

use chronik_kafka::ErrorCode;
use chronik_kafka::record_batch::{Compression, RecordBatch};

use super::Broker;
use super::error::KafkaError;
use crate::cluster::node_settings::{TIMESTAMP_AFTER_MAX_MS, TIMESTAMP_BEFORE_MAX_MS};
use crate::cluster::{ClusterState, Topic};
use crate::config::{TimestampSource, Value};

/// A timestamp that is too far away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "timestamp {timestamp_ms} is out of range: it must be from {earliest_ms} to {latest_ms}, by message.timestamp.before.max.ms \
     and message.timestamp.after.max.ms"
)]
pub(super) struct OutOfRange {
    timestamp_ms: i64,
    earliest_ms: i64,
    latest_ms: i64,
}

impl KafkaError for OutOfRange {
    fn code(&self) -> ErrorCode {
        ErrorCode::INVALID_TIMESTAMP
    }
}

/// Checks a batch that a producer has sent. Where the server sets the timestamps, they do not matter.
///
/// # Errors
/// One is too far from now.
pub(super) fn check(
    broker: &Broker,
    state: &ClusterState,
    topic: &Topic,
    batch: &RecordBatch,
) -> Result<(), OutOfRange> {
    let node = &broker.settings.node;
    let config = node.started_with();
    let kind = topic
        .configs
        .get("message.timestamp.type")
        .or_else(|| state.broker_setting(broker.node_id, "log.message.timestamp.type"))
        .and_then(|text| TimestampSource::read(text).ok())
        .unwrap_or(config.log_message_timestamp_type);
    if kind == TimestampSource::LogAppendTime {
        return Ok(());
    }
    let before_max =
        node.number(state, topic, TIMESTAMP_BEFORE_MAX_MS, config.log_message_timestamp_before_max_ms);
    let after_max =
        node.number(state, topic, TIMESTAMP_AFTER_MAX_MS, config.log_message_timestamp_after_max_ms);
    within(batch, broker.clock.now_ms(), before_max, after_max)
}

/// Kafka looks at every record. Of a compressed batch, first and highest timestamp are looked at: its records are not opened here.
fn within(batch: &RecordBatch, now_ms: i64, before_max: i64, after_max: i64) -> Result<(), OutOfRange> {
    let range = now_ms.saturating_sub(before_max)..=now_ms.saturating_add(after_max);
    let check = |timestamp_ms: i64| {
        // A record without a timestamp has -1 (KIP-32).
        if timestamp_ms == -1 || range.contains(&timestamp_ms) {
            return Ok(());
        }
        Err(OutOfRange { timestamp_ms, earliest_ms: *range.start(), latest_ms: *range.end() })
    };
    check(batch.header.max_timestamp)?;
    check(batch.header.base_timestamp)?;
    // Only a lower bound can be broken by a record that is neither the first nor the latest.
    if before_max == i64::MAX || batch.header.compression() != Compression::None {
        return Ok(());
    }
    let Ok(records) = batch.records() else { return Ok(()) };
    records
        .flatten()
        .try_for_each(|record| check(batch.header.base_timestamp.saturating_add(record.timestamp_delta)))
}

#[cfg(test)]
mod tests {
    use chronik_kafka::record_batch::BatchBuilder;

    use super::*;

    fn batch(timestamps: &[i64]) -> RecordBatch {
        let mut builder = BatchBuilder::new();
        for timestamp in timestamps {
            builder.record(*timestamp, None, Some(b"v"));
        }
        builder.build()
    }

    #[test]
    fn each_record_is_near_enough_to_now() {
        for (timestamps, before_max, after_max, fine) in [
            (&[1000][..], 0, 0, true),
            (&[1001][..], 0, 0, false),
            (&[1001][..], 0, 1, true),
            (&[999][..], 0, i64::MAX, false),
            (&[999][..], 1, 0, true),
            (&[0][..], i64::MAX, 0, true),
            (&[i64::MAX][..], 0, i64::MAX, true),
            (&[1000, 10, 1000][..], 100, 100, false),
            (&[1000, 1101, 1000][..], 100, 100, false),
            (&[1000, 900, 1100][..], 100, 100, true),
            (&[-1][..], 0, 0, true),
        ] {
            let found = within(&batch(timestamps), 1000, before_max, after_max);
            assert_eq!(found.is_ok(), fine, "{timestamps:?} -{before_max} +{after_max}: {found:?}");
        }
    }
}
