//! The end of offsets that nobody needs any more (KIP-211), and of groups that have nothing left.

use std::collections::BTreeSet;

use chronik_kafka::Str;

use super::event::TopicPartition;
use super::{CONSUMER, Group, Phase, Turn};
use crate::records::OffsetValue;

impl Group {
    /// Forgets what has expired; then the group itself, if nothing is left of it.
    pub(super) fn expire_offsets(&mut self, turn: &mut Turn<'_>) {
        let expired = self.expired(turn);
        let all = expired.len() == self.offsets.len();
        if !expired.is_empty() {
            tracing::info!(group = %self.id, offsets = expired.len(), "offsets have expired");
        }
        let nothing_else = self.phase == Phase::Empty && self.appends.is_empty() && self.pending.is_empty();
        if all && nothing_else && !self.is_vacant() {
            return self.end(turn, None);
        }
        self.forget(turn, expired, None);
    }

    fn expired(&self, turn: &Turn<'_>) -> Vec<TopicPartition> {
        let expired = self.offsets.iter().filter(|(topic, _, value)| {
            self.expires_at_ms(topic, value, turn.config.offsets_retention_ms)
                .is_some_and(|at_ms| at_ms <= turn.now_ms)
        });
        expired.map(|(topic, partition, _)| (topic.clone(), partition)).collect()
    }

    /// When an offset expires; `None` while somebody may need it. `ClassicGroup.offsetExpirationCondition`
    fn expires_at_ms(&self, topic: &str, value: &OffsetValue, retention_ms: i64) -> Option<i64> {
        let since_ms = match (&self.protocol_type, &self.phase) {
            // Since the last member left.
            (Some(_), Phase::Empty) => self.phase_since_ms.max(value.commit_timestamp_ms),
            // Nobody reads this topic any more.
            (Some(kind), Phase::Stable)
                if *kind == CONSUMER && self.subscribed.is_some() && !self.is_subscribed_to(topic) =>
            {
                value.commit_timestamp_ms
            }
            (Some(_), _) => return None,
            // Consumers that assign their partitions themselves.
            (None, _) => value.commit_timestamp_ms,
        };
        Some(value.expire_timestamp_ms.unwrap_or_else(|| since_ms.saturating_add(retention_ms)))
    }

    /// Nobody can read these topics any more. Their offsets are gone at once, before the tombstones are durable: a topic of the same name is another.
    pub(super) fn topics_deleted(&mut self, turn: &mut Turn<'_>, topics: &BTreeSet<Str>) {
        let gone = self.offsets.iter().filter(|(topic, ..)| topics.contains(*topic));
        let gone: Vec<TopicPartition> =
            gone.map(|(topic, partition, _)| (topic.clone(), partition)).collect();
        gone.iter().for_each(|(topic, partition)| self.offsets.remove(topic, *partition));
        self.forget(turn, gone, None);
    }
}
