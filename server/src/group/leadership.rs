//! From the metadata to the coordinator: it is told which partitions of `__consumer_offsets` this node leads, and what became of topics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chronik_group::Groups;
use chronik_group::coordinator::{Closed, Message};
use chronik_kafka::Str;
use concurrency_models::watermark::Watermark;

use super::load::Load;
use super::topic::OFFSETS_TOPIC;
use crate::cluster::{ClusterState, Controller, Topic};

/// The task that follows the metadata.
pub(super) struct Leadership {
    pub(super) node_id: i32,
    pub(super) controller: Controller,
    pub(super) groups: Groups,
    pub(super) load: Load,
    /// Version of the metadata that the coordinator has been told.
    pub(super) followed: Arc<Watermark>,
    /// The metadata that it was told last.
    told: Arc<ClusterState>,
    /// By partition: the epoch in which this node leads it, as the coordinator was told.
    led: BTreeMap<i32, i32>,
    /// Number of the image that was looked at last.
    seen: i64,
}

/// What the coordinator does not know yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Leads { partition: i32, leader_epoch: i32 },
    Resigned { partition: i32, leader_epoch: i32 },
}

impl Leadership {
    pub(super) fn new(node_id: i32, controller: Controller, groups: Groups, load: Load) -> Self {
        let (followed, told) = (Arc::new(Watermark::new(-1)), Arc::new(ClusterState::default()));
        Self { node_id, controller, groups, load, followed, told, led: BTreeMap::new(), seen: -1 }
    }

    /// Works until the metadata or the coordinator is closed.
    pub(super) async fn run(mut self) {
        while self.controller.image_after(self.seen).await.is_ok() && self.follow_now().await.is_ok() {}
        self.followed.close();
    }

    /// Tells the coordinator what is so now.
    ///
    /// # Errors
    /// It is closed.
    pub(super) async fn follow_now(&mut self) -> Result<(), Closed> {
        let (seen, state) = self.controller.image();
        let deleted = deleted(&self.told, &state);
        if !deleted.is_empty() {
            self.groups.tell(Message::TopicsDeleted(deleted)).await?;
        }
        if let Some(topic) = state.topic(OFFSETS_TOPIC)
            && !self.told.topic(OFFSETS_TOPIC).is_some_and(|told| Arc::ptr_eq(told, topic))
        {
            let partition_count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
            self.groups.tell(Message::Opened { partition_count }).await?;
            for change in changes(&self.led, topic, self.node_id) {
                self.carry_out(change, topic).await?;
            }
        }
        self.followed.advance(state.version);
        (self.seen, self.told) = (seen, state);
        Ok(())
    }

    async fn carry_out(&mut self, change: Change, topic: &Topic) -> Result<(), Closed> {
        match change {
            Change::Resigned { partition, leader_epoch } => {
                tracing::debug!(topic = OFFSETS_TOPIC, partition, leader_epoch, "not led any more");
                self.led.remove(&partition);
                self.groups.tell(Message::Resigned { partition, leader_epoch }).await
            }
            Change::Leads { partition, leader_epoch } => {
                self.led.insert(partition, leader_epoch);
                self.groups.tell(Message::Leads { partition, leader_epoch }).await?;
                self.load.begin(topic.id, partition, leader_epoch).await
            }
        }
    }
}

/// Names of topics that are no more. One of the same name may be there: what was committed for it is not of this one.
fn deleted(told: &ClusterState, now: &ClusterState) -> BTreeSet<Str> {
    let gone = told.topics().filter(|topic| now.topic_by_id(&topic.id).is_none());
    gone.map(|topic| topic.name.as_str().into()).collect()
}

/// What has to be said so that `led` is what the metadata says. Another epoch is another leadership.
fn changes(led: &BTreeMap<i32, i32>, topic: &Topic, node_id: i32) -> Vec<Change> {
    let mut changes = Vec::new();
    for (partition, known) in topic.indexed() {
        let now = (known.leader == Some(node_id)).then_some(known.leader_epoch);
        let before = led.get(&partition).copied();
        if now == before {
            continue;
        }
        changes.extend(before.map(|leader_epoch| Change::Resigned { partition, leader_epoch }));
        changes.extend(now.map(|leader_epoch| Change::Leads { partition, leader_epoch }));
    }
    changes
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::cluster::example::cluster;
    use crate::cluster::{Command, Partition};

    const ME: i32 = 1;

    fn topic(partitions: &[(Option<i32>, i32)]) -> Topic {
        let partition = |(leader, leader_epoch): &(Option<i32>, i32)| Partition {
            leader: *leader,
            leader_epoch: *leader_epoch,
            partition_epoch: 0,
            replicas: vec![1, 2, 3],
            in_sync_replicas: vec![1, 2, 3],
            adding_replicas: vec![],
            removing_replicas: vec![],
        };
        Topic {
            name: OFFSETS_TOPIC.to_owned(),
            id: Uuid::nil(),
            partitions: partitions.iter().map(partition).collect(),
            configs: BTreeMap::new(),
        }
    }

    #[test]
    fn the_coordinator_is_told_what_it_does_not_know() {
        let leads = |leader_epoch| Change::Leads { partition: 0, leader_epoch };
        let resigned = |leader_epoch| Change::Resigned { partition: 0, leader_epoch };
        for (told, now, expected) in [
            (None, (Some(ME), 4), vec![leads(4)]),
            (None, (Some(2), 4), vec![]),
            (None, (None, 4), vec![]),
            (Some(4), (Some(ME), 4), vec![]),
            (Some(4), (Some(2), 5), vec![resigned(4)]),
            (Some(4), (None, 5), vec![resigned(4)]),
            (Some(4), (Some(ME), 6), vec![resigned(4), leads(6)]),
        ] {
            let led = told.map(|epoch| (0, epoch)).into_iter().collect();
            assert_eq!(changes(&led, &topic(&[now]), ME), expected, "{told:?} {now:?}");
        }
    }

    #[test]
    fn each_partition_changes_by_itself() {
        let led = [(0, 1), (2, 1)].into();
        let now = topic(&[(Some(2), 2), (Some(ME), 2), (Some(ME), 1), (Some(3), 1)]);
        let expected = [
            Change::Resigned { partition: 0, leader_epoch: 1 },
            Change::Leads { partition: 1, leader_epoch: 2 },
        ];
        assert_eq!(changes(&led, &now, ME), expected);
    }

    #[test]
    fn a_topic_that_was_made_again_is_one_that_was_deleted() {
        let with = |state: ClusterState, name: &str| state.with_topic(name, vec![vec![1]]);
        let before = ["kept", "deleted", "again"].into_iter().fold(cluster(&[(None, false)]), with);
        let mut after = before.clone();
        for name in ["deleted", "again"] {
            let id = after.topic(name).unwrap().id;
            after.apply(&Command::DeleteTopic { id }).unwrap();
        }
        let after = ["again", "new"].into_iter().fold(after, with);
        assert_eq!(deleted(&before, &after), ["again".into(), "deleted".into()].into());
    }
}
