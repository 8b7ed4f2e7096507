//! At the start: the groups of every partition of `__consumer_offsets`, from its log.

use std::sync::Arc;

use bytes::Bytes;
use chronik_group::coordinator::Message;
use chronik_group::replay::Replay;
use chronik_kafka::record_batch::{BatchError, RecordBatch};
use chronik_log::{LogView, PartitionId, ReadError, ReadMode};

use super::GroupCoordinator;
use super::topic::OFFSETS_TOPIC;
use crate::clock::Clock;
use crate::cluster::{Controller, Topic};
use crate::limits;
use crate::spawn::Spawner;
use crate::storage::Storage;

/// Reads the logs.
pub(super) struct Load {
    pub(super) storage: Storage,
    pub(super) controller: Controller,
    pub(super) clock: Clock,
    pub(super) spawner: Spawner,
}

/// Why a partition cannot be read.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl Load {
    /// Loads partition after partition. One that cannot be read stays unserved (`COORDINATOR_LOAD_IN_PROGRESS`): to serve it from what is left
    /// would make offsets go back.
    pub(super) async fn run(self, groups: GroupCoordinator) {
        let state = self.controller.state();
        let Some(topic) = state.topic(OFFSETS_TOPIC) else { return };
        let started = self.clock.uptime();
        let mut loaded = 0;
        for id in topic.partition_ids() {
            loaded += self.load(topic, id, &groups).await;
        }
        let took_ms = (self.clock.uptime() - started).as_millis();
        tracing::info!(groups = loaded, took_ms, "groups loaded");
    }

    /// Returns how many groups there are in it.
    async fn load(&self, topic: &Topic, id: PartitionId, groups: &GroupCoordinator) -> usize {
        let Some(partition) = self.storage.partition(&id) else {
            tracing::error!(topic = %topic.name, partition = id.partition, "is offline: its groups are not served");
            return 0;
        };
        let readable = partition.read();
        let (view, end) = (readable.view.clone(), readable.high_watermark);
        let read = self.spawner.blocking(move || replay(&view, end)).await;
        match read {
            Ok(replay) => {
                let found = replay.finish(self.clock.now_ms());
                let count = found.len();
                let loaded = Message::Loaded { partition: id.partition, groups: found };
                let _closed = groups.groups.tell(loaded).await;
                count
            }
            Err(error) => {
                tracing::error!(topic = %topic.name, partition = id.partition, %error, "cannot be read: its groups are not served");
                0
            }
        }
    }
}

/// Everything from the log's start to `end`. Blocks.
fn replay(view: &Arc<LogView>, end: i64) -> Result<Replay, LoadError> {
    let mut replay = Replay::default();
    let mut offset = view.log_start_offset();
    while offset < end {
        let mut batches = view.read(offset, limits::GROUP_LOAD_BYTES, end, ReadMode::Blocking)?;
        if batches.is_empty() {
            break;
        }
        while !batches.is_empty() {
            let batch = RecordBatch::read(&mut batches)?;
            batch.check_stored()?;
            offset = batch.header.base_offset + i64::from(batch.header.last_offset_delta) + 1;
            take(&mut replay, &batch)?;
        }
    }
    if replay.skipped() > 0 {
        tracing::warn!(partition = %view.id(), records = replay.skipped(), "skipped: a later version wrote them");
    }
    Ok(replay)
}

fn take(replay: &mut Replay, batch: &RecordBatch) -> Result<(), BatchError> {
    if batch.header.is_control() {
        return Ok(());
    }
    for record in batch.records()? {
        let record = record?;
        let Some(key) = record.key else { continue };
        let value = record.value.map(Bytes::copy_from_slice);
        if let Err(error) = replay.record(&Bytes::copy_from_slice(key), value.as_ref()) {
            tracing::error!(offset = batch.header.base_offset, %error, "skipped");
        }
    }
    Ok(())
}
