//! What a topic asks of each record beyond its structure: a key where it is compacted, a timestamp near the server's clock.
//! (Kafka: `LogValidator`)

use chronik_kafka::ErrorCode;
use chronik_kafka::message::produce::BatchIndexAndErrorMessage;
use chronik_kafka::record_batch::{BatchError, BatchHeader, Record, RecordBatch, TimestampType};
use chronik_log::limits::MAX_DECOMPRESSED_BYTES;

use super::Broker;
use super::timestamps::Window;
use crate::cluster::{ClusterState, Topic};
use crate::limits::MAX_RECORD_ERRORS;

/// The rules of a topic, at this moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The topic is compacted by key.
    keyed: bool,
    /// `None` where the server sets the timestamps.
    window: Option<Window>,
}

/// Why a batch is refused, and for which of its records (KIP-467).
#[derive(Debug)]
pub(super) struct Rejected {
    pub(super) error_code: ErrorCode,
    pub(super) message: String,
    /// The first [`MAX_RECORD_ERRORS`]. Clients fail the others too, as part of the same batch.
    pub(super) record_errors: Vec<BatchIndexAndErrorMessage>,
}

impl From<BatchError> for Rejected {
    fn from(error: BatchError) -> Self {
        Self { error_code: error.error_code(), message: error.to_string(), record_errors: Vec::new() }
    }
}

impl Rules {
    /// Those of `topic`.
    pub(super) fn of(broker: &Broker, state: &ClusterState, topic: &Topic) -> Self {
        let keyed = broker.settings.node.cleanup_policy(state, topic).compact;
        Self { keyed, window: Window::of(broker, state, topic) }
    }

    /// Checks a batch whose structure has been validated.
    ///
    /// # Errors
    /// Some of its records are not what the topic asks for; or they had to be looked at, and are malformed.
    pub(super) fn check(self, batch: &RecordBatch) -> Result<(), Rejected> {
        let header = &batch.header;
        if self.window.is_none() && header.timestamp_type() == TimestampType::LogAppendTime {
            return Err(of_header("a producer may not set the timestamp type to LogAppendTime".to_owned()));
        }
        if !self.depends_on_records(header) {
            return Ok(());
        }
        let mut faults = Faults::default();
        batch.validate_each(MAX_DECOMPRESSED_BYTES, |index, record| {
            if let Some((code, message)) = self.fault(header, record) {
                faults.add(index, code, message);
            }
        })?;
        faults.into_result(header.record_count)?;
        match self.window {
            // No record is that late, but the header is what the log goes by. (Kafka would correct it.)
            Some(window) if !window.contains(header.max_timestamp) => Err(of_header(format!(
                "the batch's max_timestamp {} is out of range, it must be {window}",
                header.max_timestamp
            ))),
            _ => Ok(()),
        }
    }

    /// Whether the header alone cannot say that all is well. A compressed batch is opened only then: it passes through as it came otherwise, and
    /// opening it would cost more than all else that is done with it.
    ///
    /// Of the latest timestamp the header is believed, by which the log goes too (retention, look-ups); Kafka reads it off the records. No field
    /// of it says which timestamp is the earliest: the base is only that of the first record. So `message.timestamp.before.max.ms` has to be paid for;
    /// by default it is no bound.
    fn depends_on_records(self, header: &BatchHeader) -> bool {
        let timestamps =
            self.window.is_some_and(|window| window.has_start() || !window.contains(header.max_timestamp));
        self.keyed || timestamps
    }

    /// What is wrong with a record; the key comes first.
    fn fault(self, header: &BatchHeader, record: &Record<'_>) -> Option<(ErrorCode, String)> {
        if self.keyed && record.key.is_none() {
            let message = "it has no key, and the topic is compacted by key (cleanup.policy)";
            return Some((ErrorCode::INVALID_RECORD, message.to_owned()));
        }
        let timestamp_ms = match header.timestamp_type() {
            TimestampType::CreateTime => header.base_timestamp.saturating_add(record.timestamp_delta),
            TimestampType::LogAppendTime => header.max_timestamp,
        };
        let window = self.window.filter(|window| !window.contains(timestamp_ms))?;
        let message = format!("timestamp {timestamp_ms} is out of range, it must be {window}");
        Some((ErrorCode::INVALID_TIMESTAMP, message))
    }
}

fn of_header(message: String) -> Rejected {
    Rejected { error_code: ErrorCode::INVALID_TIMESTAMP, message, record_errors: Vec::new() }
}

/// What was found wrong with records, in order.
#[derive(Default)]
struct Faults {
    count: usize,
    /// That of one record's time, if there is one: it stands for all, as in Kafka.
    code: ErrorCode,
    named: Vec<BatchIndexAndErrorMessage>,
}

impl Faults {
    fn add(&mut self, index: i32, code: ErrorCode, message: String) {
        self.count += 1;
        if self.code != ErrorCode::INVALID_TIMESTAMP {
            self.code = code;
        }
        if self.named.len() < MAX_RECORD_ERRORS {
            let batch_index_error_message = Some(message.into());
            self.named.push(BatchIndexAndErrorMessage { batch_index: index, batch_index_error_message });
        }
    }

    fn into_result(self, records: i32) -> Result<(), Rejected> {
        let Self { count, code: error_code, named: record_errors } = self;
        let Some(first) = record_errors.first() else { return Ok(()) };
        let reason = first.batch_index_error_message.as_deref().unwrap_or_default();
        let message =
            format!("{count} of {records} records are refused; record {}: {reason}", first.batch_index);
        Err(Rejected { error_code, message, record_errors })
    }
}

#[cfg(test)]
#[path = "record_rules_tests.rs"]
mod tests;
