//! Which timestamps a topic takes from its producers (KIP-937).

use std::fmt;

use super::Broker;
use crate::cluster::node_settings::{TIMESTAMP_AFTER_MAX_MS, TIMESTAMP_BEFORE_MAX_MS};
use crate::cluster::{ClusterState, Topic};
use crate::config::{TimestampSource, Value};

/// What a record without a timestamp has (KIP-32).
const NO_TIMESTAMP: i64 = -1;

/// Near enough to the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// `None`: no timestamp is too old.
    earliest_ms: Option<i64>,
    latest_ms: i64,
}

impl Window {
    /// What `topic` takes at this moment; `None` where the server sets the timestamps.
    pub(super) fn of(broker: &Broker, state: &ClusterState, topic: &Topic) -> Option<Self> {
        let node = &broker.settings.node;
        let config = node.started_with();
        let kind = topic
            .configs
            .get("message.timestamp.type")
            .or_else(|| state.broker_setting(broker.node_id, "log.message.timestamp.type"))
            .and_then(|text| TimestampSource::read(text).ok())
            .unwrap_or(config.log_message_timestamp_type);
        if kind == TimestampSource::LogAppendTime {
            return None;
        }
        let before_max =
            node.number(state, topic, TIMESTAMP_BEFORE_MAX_MS, config.log_message_timestamp_before_max_ms);
        let after_max =
            node.number(state, topic, TIMESTAMP_AFTER_MAX_MS, config.log_message_timestamp_after_max_ms);
        Some(Self::around(broker.clock.now_ms(), before_max, after_max))
    }

    /// `i64::MAX` is no bound, for either.
    pub(super) fn around(now_ms: i64, before_max_ms: i64, after_max_ms: i64) -> Self {
        Self {
            earliest_ms: (before_max_ms != i64::MAX).then(|| now_ms.saturating_sub(before_max_ms)),
            latest_ms: now_ms.saturating_add(after_max_ms),
        }
    }

    /// Whether a timestamp can be too old.
    pub(super) fn has_start(self) -> bool {
        self.earliest_ms.is_some()
    }

    /// Whether a record may have it.
    pub(super) fn contains(self, timestamp_ms: i64) -> bool {
        let early = self.earliest_ms.is_some_and(|earliest_ms| timestamp_ms < earliest_ms);
        timestamp_ms == NO_TIMESTAMP || !(early || timestamp_ms > self.latest_ms)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.earliest_ms {
            Some(earliest_ms) => write!(f, "from {earliest_ms} ")?,
            None => write!(f, "at any time ")?,
        }
        write!(
            f,
            "to {}, by message.timestamp.before.max.ms and message.timestamp.after.max.ms",
            self.latest_ms
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_near_enough_to_now() {
        for (timestamp, before_max, after_max, fine) in [
            (1000, 0, 0, true),
            (1001, 0, 0, false),
            (1001, 0, 1, true),
            (999, 0, i64::MAX, false),
            (999, 1, 0, true),
            (0, i64::MAX, 0, true),
            (i64::MIN, i64::MAX, 0, true),
            (i64::MAX, 0, i64::MAX, true),
            (-1, 0, 0, true),
            (-2, 1001, 0, false),
        ] {
            let window = Window::around(1000, before_max, after_max);
            assert_eq!(window.contains(timestamp), fine, "{timestamp} {window}");
        }
    }
}
