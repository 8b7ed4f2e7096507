//! The groups of a partition of `__consumer_offsets`, from its log, when this node begins to lead it.

use chronik_group::Groups;
use chronik_group::coordinator::{Closed, Message};
use chronik_log::{LogView, PartitionId};
use concurrency_models::budget::Budget;
use concurrency_models::epoch::Leadership;
use concurrency_models::publication::Readable;
use uuid::Uuid;

use super::replay::{LoadError, replay};
use super::topic::{OFFSETS_TOPIC, leader_epoch};
use crate::clock::Clock;
use crate::cluster::Controller;
use crate::limits;
use crate::spawn::Spawner;
use crate::storage::Storage;

/// Reads the logs. Clones share the bound on how many are read at a time.
#[derive(Clone)]
pub(super) struct Load {
    node_id: i32,
    storage: Storage,
    controller: Controller,
    groups: Groups,
    clock: Clock,
    spawner: Spawner,
    /// One for each load that may read.
    room: Budget,
}

/// A leadership whose groups are to be loaded.
#[derive(Clone, Copy)]
struct Led {
    id: PartitionId,
    leader_epoch: i32,
}

impl Load {
    pub(super) fn new(
        node_id: i32,
        storage: Storage,
        controller: Controller,
        groups: Groups,
        clock: Clock,
        spawner: Spawner,
    ) -> Self {
        let room = Budget::new(limits::GROUP_LOADS);
        Self { node_id, storage, controller, groups, clock, spawner, room }
    }

    /// Begins to load a partition that this node leads. One that has nothing in it is loaded when this returns, so that whoever creates the topic finds
    /// it served. One that cannot be read stays unserved (`COORDINATOR_LOAD_IN_PROGRESS`): to serve it from what is left would make offsets go back.
    ///
    /// # Errors
    /// The coordinator is closed.
    pub(super) async fn begin(
        &self,
        topic_id: Uuid,
        partition: i32,
        leader_epoch: i32,
    ) -> Result<(), Closed> {
        let led = Led { id: PartitionId { topic_id, partition }, leader_epoch };
        let is_empty =
            self.storage.partition(&led.id).is_some_and(|partition| partition.read().view.latest_epoch() < 0);
        if is_empty {
            return self.groups.tell(Message::Loaded { partition, leader_epoch, groups: Vec::new() }).await;
        }
        let load = self.clone();
        let _ends_with_the_leadership_at_the_latest = self.spawner.task(async move {
            tokio::select! {
                biased;
                () = load.led_no_more(led) => {}
                () = load.load(led) => {}
            }
        });
        Ok(())
    }

    async fn load(&self, led: Led) {
        let Led { id, leader_epoch } = led;
        let Some(Readable { view, high_watermark }) = self.log(led).await else {
            tracing::error!(
                topic = OFFSETS_TOPIC,
                partition = id.partition,
                "is offline: its groups are not served"
            );
            return;
        };
        let Ok(_held) = self.room.reserve(1).await else { return };
        let started = self.clock.uptime();
        let read: Result<_, LoadError> = self.spawner.blocking(move || replay(&view, high_watermark)).await;
        match read {
            Ok(replay) => {
                let groups = replay.finish(self.clock.now_ms());
                let took_ms = (self.clock.uptime() - started).as_millis();
                let (partition, groups_loaded) = (id.partition, groups.len());
                match groups_loaded {
                    0 => tracing::debug!(partition, leader_epoch, took_ms, "there are no groups"), // as of most
                    _ => tracing::info!(
                        partition,
                        leader_epoch,
                        groups = groups_loaded,
                        took_ms,
                        "groups loaded"
                    ),
                }
                let _closed =
                    self.groups.tell(Message::Loaded { partition: id.partition, leader_epoch, groups }).await;
            }
            Err(error) => {
                tracing::error!(topic = OFFSETS_TOPIC, partition = id.partition, %error, "cannot be read: its groups are not served");
            }
        }
    }

    /// What a new leader has to read: all that its log had when it began to lead, since any of that may have been acknowledged by the leader before. What
    /// is not on every in-sync replica yet may still be lost, and is waited for. `None` if there is no log here.
    async fn log(&self, Led { id, leader_epoch }: Led) -> Option<Readable<LogView>> {
        let partition = self.storage.partition(&id)?;
        let end = partition.log_end_offset();
        partition.isr().readable_to(Leadership::leader(leader_epoch), end).await.ok()?;
        Some(partition.read())
    }

    /// Waits until this node does not lead in that epoch any more.
    async fn led_no_more(&self, led: Led) {
        let (mut seen, mut state) = self.controller.image();
        while leader_epoch(&state, &led.id, self.node_id) == Some(led.leader_epoch) {
            match self.controller.image_after(seen).await {
                Ok(next) => (seen, state) = next,
                Err(_) => return,
            }
        }
    }
}
