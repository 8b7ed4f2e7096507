//! Reading one partition, from wherever a reader wants it.

use std::sync::Arc;

use chronik_kafka::message::fetch::{EpochEndOffset, FetchPartition, PartitionData};
use chronik_kafka::{Hole, Records};
use chronik_log::{LogView, ReadError, ReadMode, Region};
use concurrency_models::publication::Readable;

use super::Broker;
use super::fetch::Delivery;
use super::partition::Led;

/// How often a read is tried again because retention has just removed its segment.
const STALE_RETRIES: usize = 3;

/// `max_bytes` of `None`: nothing is to be read, only the offsets are wanted.
pub(super) async fn read_partition(
    broker: &Broker,
    led: &Led,
    request: &FetchPartition,
    max_bytes: Option<usize>,
    delivery: Delivery,
) -> Result<(PartitionData, Option<Region>), ReadError> {
    let mut retries = STALE_RETRIES;
    loop {
        let (view, mut data) = stand(led, request)?;
        let high_watermark = data.high_watermark;
        if data.diverging_epoch != EpochEndOffset::default() {
            return Ok((data, None));
        }
        let Some(max_bytes) = max_bytes else { return Ok((data, None)) };
        if delivery == Delivery::Files
            && let Ok(Some(region)) = view.find_region(request.fetch_offset, max_bytes, high_watermark)
        {
            data.records = Some(Records::Elsewhere(Hole { id: 0, len: region.len }));
            return Ok((data, Some(region)));
        }
        match read_view(broker, view, request.fetch_offset, max_bytes, high_watermark).await {
            Err(ReadError::Stale) if retries > 0 => retries -= 1,
            records => {
                data.records = Some(records?.into());
                return Ok((data, None));
            }
        }
    }
}

/// Where the partition stands, for a reader who wants it from there; and the log. There are no records in it yet.
fn stand(led: &Led, request: &FetchPartition) -> Result<(Arc<LogView>, PartitionData), ReadError> {
    let Readable { view, high_watermark } = led.partition.read();
    let log_end_offset = led.partition.log_end_offset();
    check_offset(&view, request.fetch_offset, log_end_offset)?;
    let diverging_epoch = diverging_epoch(&view, led.leader_epoch, request, log_end_offset)?;
    let data = PartitionData {
        partition_index: request.partition,
        high_watermark,
        last_stable_offset: high_watermark,
        log_start_offset: view.log_start_offset(),
        diverging_epoch: diverging_epoch.unwrap_or_default(),
        records: Some(Records::default()),
        ..Default::default()
    };
    Ok((view, data))
}

/// A new leader's high watermark may be below what a consumer has read from the one before; its log is not.
fn check_offset(view: &LogView, offset: i64, log_end_offset: i64) -> Result<(), ReadError> {
    let log_start = view.log_start_offset();
    if (log_start..=log_end_offset).contains(&offset) {
        return Ok(());
    }
    Err(ReadError::OffsetOutOfRange { offset, log_start })
}

/// Whether what the reader has read last is in our log at all (KIP-320, KIP-595).
///
/// # Errors
/// It was read in an epoch that is still to come; Kafka says so too (`Partition.readRecords`).
fn diverging_epoch(
    view: &LogView,
    leader_epoch: i32,
    request: &FetchPartition,
    log_end_offset: i64,
) -> Result<Option<EpochEndOffset>, ReadError> {
    if request.last_fetched_epoch < 0 {
        return Ok(None);
    }
    let (epoch, end_offset) =
        view.end_offset_for_epoch(request.last_fetched_epoch, leader_epoch, log_end_offset);
    if epoch < 0 {
        let (offset, log_start) = (request.fetch_offset, view.log_start_offset());
        return Err(ReadError::OffsetOutOfRange { offset, log_start });
    }
    let diverges = epoch < request.last_fetched_epoch || end_offset < request.fetch_offset;
    Ok(diverges.then_some(EpochEndOffset { epoch, end_offset }))
}

/// From the page cache on this thread; from the disk on another.
async fn read_view(
    broker: &Broker,
    view: Arc<LogView>,
    offset: i64,
    max_bytes: usize,
    up_to: i64,
) -> Result<bytes::Bytes, ReadError> {
    match view.read(offset, max_bytes, up_to, ReadMode::Inline) {
        Err(ReadError::WouldBlock) => {
            broker.spawner.blocking(move || view.read(offset, max_bytes, up_to, ReadMode::Blocking)).await
        }
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use chronik_kafka::record_batch::BatchBuilder;
    use chronik_log::PartitionId;
    use chronik_log::disk::SimDisk;
    use uuid::Uuid;

    use super::*;
    use crate::clock::Clock;
    use crate::storage::{self, Storage};

    const ID: PartitionId = PartitionId { topic_id: Uuid::nil(), partition: 0 };
    const EPOCH: i32 = 5;

    /// A partition that this node leads: offset 0 of epoch 3 and offset 1 of epoch 5, both not committed, for the follower has not said anything yet.
    async fn led(storage: &Storage) -> Led {
        let partition = storage::example::led(storage, ID, EPOCH).await;
        for epoch in [3, EPOCH] {
            let mut batch = BatchBuilder::new();
            batch.record(1, None, Some(b"value"));
            storage::appended(storage.append(ID, batch.build(), epoch, 0).unwrap()).await.unwrap();
        }
        Led { id: ID, partition, leader_epoch: EPOCH }
    }

    /// After a failover the new leader's high watermark is behind what consumers have read from the one before.
    #[tokio::test(start_paused = true)]
    async fn who_has_read_above_the_high_watermark_has_read_what_is_in_the_log() {
        let storage = storage::example::running(1, &Clock::starting_at(0), SimDisk::new(1));
        let led = led(&storage).await;
        let diverging = |epoch, end_offset| Some(EpochEndOffset { epoch, end_offset });
        for (fetch_offset, last_fetched_epoch, expected) in [
            (2, EPOCH, Some(EpochEndOffset::default())),
            (1, 3, Some(EpochEndOffset::default())),
            (2, -1, Some(EpochEndOffset::default())), // it does not say
            (2, 3, diverging(3, 1)),
            (2, 4, diverging(3, 1)),
            (1, 2, diverging(2, 0)), // nothing of it was ever here
            (3, EPOCH, None),
        ] {
            let request = FetchPartition { fetch_offset, last_fetched_epoch, ..Default::default() };
            let found = stand(&led, &request).ok().map(|(_, data)| {
                assert_eq!((data.high_watermark, data.log_start_offset), (0, 0));
                data.diverging_epoch
            });
            assert_eq!(found, expected, "{fetch_offset} in epoch {last_fetched_epoch}");
        }
    }
}
