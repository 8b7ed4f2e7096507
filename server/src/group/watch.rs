//! A look at all groups every few seconds: for metrics, so that a scrape waits for nobody; and for offsets of topics that are no more.

use std::collections::BTreeSet;

use chronik_group::coordinator::{Message, Overview, OverviewGroup};
use chronik_group::records::OffsetValue;
use chronik_group::{Ask, Reply};
use chronik_kafka::{ErrorCode, Str};
use chronik_log::PartitionId;

use super::GroupCoordinator;
use crate::clock::Clock;
use crate::limits;
use crate::storage::Storage;
use crate::telemetry::{GroupSample, GroupsSample, Metrics, OffsetSample};

/// Looks again and again.
pub(super) struct Watch {
    pub(super) groups: GroupCoordinator,
    pub(super) storage: Storage,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
}

impl Watch {
    /// Works until the coordinator is closed.
    pub(super) async fn run(self) {
        loop {
            self.clock.sleep(limits::GROUP_LOOK_INTERVAL).await;
            match self.groups.ask(Ask::Overview).await {
                Reply::Overview(overview) => {
                    self.metrics.groups().publish(self.sample(&overview));
                    self.forget_deleted_topics(&overview).await;
                }
                Reply::NotNow(ErrorCode::NOT_COORDINATOR) => break,
                _ => {}
            }
        }
    }

    /// Groups hear of the end of a topic at once. It may have come before they were loaded, or a commit was on its way.
    async fn forget_deleted_topics(&self, overview: &Overview) {
        let state = self.groups.controller.state(); // later than the overview: what is not here was deleted
        let topics = overview.groups.iter().flat_map(|group| group.offsets.iter()).map(|(topic, ..)| topic);
        let gone: BTreeSet<Str> = topics.filter(|topic| state.topic(topic).is_none()).cloned().collect();
        if !gone.is_empty() {
            let _closed = self.groups.groups.tell(Message::TopicsDeleted(gone)).await;
        }
    }

    fn sample(&self, overview: &Overview) -> GroupsSample {
        sample(overview, limits::MAX_GROUP_SERIES, |topic, partition| self.high_watermark(topic, partition))
    }

    fn high_watermark(&self, topic: &str, partition: i32) -> Option<i64> {
        let topic_id = self.groups.controller.state().topic(topic)?.id;
        Some(self.storage.partition(&PartitionId { topic_id, partition })?.high_watermark())
    }
}

/// Names groups until there are `most` series; counts the others.
fn sample(overview: &Overview, most: usize, end: impl Fn(&str, i32) -> Option<i64>) -> GroupsSample {
    let mut sample = GroupsSample::default();
    let mut series = 0;
    for OverviewGroup { id, state, members, offsets } in &overview.groups {
        *sample.states.entry(*state).or_default() += 1;
        sample.offsets += i64::try_from(offsets.len()).unwrap_or(i64::MAX);
        series += 1 + offsets.len();
        if series > most {
            sample.left_out += 1;
            continue;
        }
        let offset = |(topic, partition, value): (&Str, i32, &OffsetValue)| {
            let lag = end(topic, partition).map(|end| (end - value.offset).max(0));
            OffsetSample { topic: topic.to_string(), partition, offset: value.offset, lag }
        };
        sample.groups.push(GroupSample {
            group: id.to_string(),
            members: i64::try_from(*members).unwrap_or(i64::MAX),
            offsets: offsets.iter().map(offset).collect(),
        });
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_bounded_and_everything_is_counted() {
        let group = |id: &str| OverviewGroup {
            id: id.into(),
            state: "Stable",
            members: 2,
            offsets: chronik_group::state::GroupOffsets::default(),
        };
        let overview = Overview { groups: vec![group("a"), group("b"), group("c")], appends_under_way: 0 };
        let sampled = sample(&overview, 2, |_, _| None);
        assert_eq!(sampled.groups.iter().map(|group| group.group.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((sampled.left_out, sampled.states["Stable"]), (1, 3));
    }
}
