//! One partition on its way to one follower: where the next piece begins, and what it is.

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::RecordBatch;
use chronik_log::{LogView, PartitionId, ReadError, ReadMode};
use concurrency_models::epoch::Leadership;
use futures_util::future::BoxFuture;

use super::message::{Position, Records};
use crate::spawn::Spawner;
use crate::storage::{Durable, Partition, Storage};

/// A follower's place in a log.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) leader_epoch: i32,
    /// What the follower asked for it with; tells it from an earlier feed of the same partition.
    pub(super) ask: u64,
    /// Everything before it has been sent.
    pub(super) next: i64,
    /// Everything before it is synced there, as the follower has said.
    pub(super) synced: i64,
    /// The high watermark that the follower knows of; `None` before it has been told one.
    told: Option<i64>,
}

/// The turn of a feed. There is one for each: among those that are ready, or wherever it waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) id: PartitionId,
    /// What the follower had asked for it with: if it has asked again, this is no turn of the feed that there is now.
    pub(super) ask: u64,
}

/// What a look at a follower's position says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Alignment {
    /// Its log is a prefix of the leader's.
    Prefix,
    /// It is not: the largest epoch of the leader's that is not above its latest, and where that ends.
    Diverges {
        /// The epoch.
        epoch: i32,
        /// Its end.
        end_offset: i64,
    },
}

/// Compares a follower's log with the leader's, by latest epoch and end (KIP-279).
pub(super) fn align(view: &LogView, log_end_offset: i64, position: &Position) -> Alignment {
    let Position { leader_epoch, latest_epoch, log_end_offset: end, .. } = *position;
    if latest_epoch < 0 && end <= log_end_offset {
        return Alignment::Prefix; // it is empty, wherever it begins
    }
    let (epoch, end_offset) = view.end_offset_for_epoch(latest_epoch, leader_epoch, log_end_offset);
    if epoch == latest_epoch && end <= end_offset {
        return Alignment::Prefix;
    }
    Alignment::Diverges { epoch, end_offset }
}

impl Feed {
    /// A feed that begins where the follower's log ends.
    pub(super) fn new(position: &Position, ask: u64) -> Self {
        let Position { leader_epoch, log_end_offset, .. } = *position;
        Self { leader_epoch, ask, next: log_end_offset, synced: log_end_offset, told: None }
    }

    /// Whether there is something that the follower does not know.
    fn has_news(&self, log_end_offset: i64, high_watermark: i64) -> bool {
        self.next < log_end_offset || self.told.is_none_or(|told| told < high_watermark)
    }

    /// Whether the follower was not sent all that is committed: who was is in sync, or can be as soon as it has said that it has it.
    pub(super) fn is_behind(&self, high_watermark: i64) -> bool {
        self.next < high_watermark
    }

    /// An empty piece for a follower that was sent nothing yet, and has to wait: without an answer it would ask again.
    pub(super) fn greeting(
        &mut self,
        session: u64,
        id: PartitionId,
        partition: &Partition,
    ) -> Option<Records> {
        if self.told.is_some() {
            return None;
        }
        let high_watermark = partition.high_watermark();
        let log_start_offset = partition.durable().view.log_start_offset();
        let (from, to) = (self.next, self.next.max(log_start_offset));
        let (ask, leader_epoch, batches) = (self.ask, self.leader_epoch, Bytes::new());
        (self.next, self.told) = (to, Some(high_watermark));
        Some(Records { session, ask, id, leader_epoch, from, to, high_watermark, log_start_offset, batches })
    }

    /// The next piece, of so many bytes at most, unless one batch is larger; `None` if the follower knows everything.
    ///
    /// # Errors
    /// The log cannot be read there.
    pub(super) async fn next_piece(
        &mut self,
        session: u64,
        id: PartitionId,
        partition: &Partition,
        (spawner, max_bytes): (&Spawner, usize),
    ) -> Result<Option<Records>, ReadError> {
        let high_watermark = partition.high_watermark(); // before the picture
        let Durable { view, log_end_offset: end } = partition.durable();
        if !self.has_news(end, high_watermark) {
            return Ok(None);
        }
        let (from, log_start_offset) = (self.next, view.log_start_offset());
        let (batches, to) = read(view, from.max(log_start_offset), end, (spawner, max_bytes)).await?;
        self.next = to;
        self.told = Some(high_watermark);
        let (ask, leader_epoch) = (self.ask, self.leader_epoch);
        Ok(Some(Records {
            session,
            ask,
            id,
            leader_epoch,
            from,
            to,
            high_watermark,
            log_start_offset,
            batches,
        }))
    }

    /// Waits until there is news. It holds the partition no longer than that, and lets go when it is closed.
    pub(super) fn news(&self, id: PartitionId, storage: &Storage) -> Option<BoxFuture<'static, Turn>> {
        let partition = storage.partition(&id)?;
        let (next, told, ask) = (self.next, self.told.unwrap_or(-1), self.ask);
        let leadership = Leadership::leader(self.leader_epoch);
        Some(Box::pin(async move {
            tokio::select! {
                biased;
                _more_or_cut = partition.durable_to(next + 1) => {}
                _more_or_deposed = partition.isr().readable_to(leadership, told + 1) => {}
            }
            Turn { id, ask }
        }))
    }
}

/// Whole batches from `offset` on, and where they end: at `end`, if there is nothing in between.
async fn read(
    view: Arc<LogView>,
    offset: i64,
    end: i64,
    (spawner, max_bytes): (&Spawner, usize),
) -> Result<(Bytes, i64), ReadError> {
    let batches = match view.read(offset, max_bytes, end, ReadMode::Inline) {
        Err(ReadError::WouldBlock) => {
            spawner.blocking(move || view.read(offset, max_bytes, end, ReadMode::Blocking)).await
        }
        done => done,
    }?;
    let to = end_of(batches.clone()).unwrap_or(end);
    Ok((batches, to))
}

/// Offset after the last of these batches; `None` if there is none.
fn end_of(mut batches: Bytes) -> Option<i64> {
    let mut end = None;
    while let Ok(batch) = RecordBatch::read(&mut batches) {
        end = Some(batch.header.next_offset());
    }
    end
}

#[cfg(test)]
mod tests {
    use chronik_kafka::record_batch::BatchBuilder;
    use chronik_log::disk::SimDisk;
    use chronik_log::{Log, LogConfig, Op, Origin, TopicLogConfig};
    use uuid::Uuid;

    use super::*;

    const ID: PartitionId = PartitionId { topic_id: Uuid::nil(), partition: 0 };

    /// Offsets 0 and 1 in epoch 2, offset 2 in epoch 4; records below `log_start` are deleted.
    fn leader(log_start: i64) -> (Arc<LogView>, i64) {
        let mut log = Log::open(Arc::new(SimDisk::new(1)), LogConfig::default(), &mut |_| {}).unwrap().0;
        let mut commit = |op| {
            log.stage(op).unwrap();
            log.commit().unwrap();
        };
        commit(Op::Create { id: ID, config: Arc::new(TopicLogConfig::default()) });
        for epoch in [2, 2, 4] {
            let mut builder = BatchBuilder::new();
            builder.record(0, None, None);
            let origin = Origin::Leader { epoch };
            commit(Op::Append { id: ID, batch: builder.build(), origin, now_ms: 0 });
        }
        commit(Op::DeleteRecords { id: ID, before_offset: log_start });
        (log.view(ID).unwrap(), 3)
    }

    #[test]
    fn a_log_is_a_prefix_or_diverges() {
        let diverges = |epoch, end_offset| Alignment::Diverges { epoch, end_offset };
        for (log_start, latest_epoch, log_end_offset, expected) in [
            (0, -1, 0, Alignment::Prefix),
            (3, -1, 0, Alignment::Prefix),
            (0, -1, 2, Alignment::Prefix), // an empty log that begins there
            (0, -1, 3, Alignment::Prefix),
            (0, -1, 4, diverges(-1, -1)), // this one ends before it begins
            (0, 2, 1, Alignment::Prefix),
            (0, 2, 2, Alignment::Prefix),
            (0, 2, 3, diverges(2, 2)),
            (0, 3, 2, diverges(2, 2)),
            (0, 4, 3, Alignment::Prefix),
            (3, 2, 2, Alignment::Prefix), // all that comes next is deleted
        ] {
            let (view, end) = leader(log_start);
            let position = Position { id: ID, leader_epoch: 5, latest_epoch, log_end_offset };
            assert_eq!(
                align(&view, end, &position),
                expected,
                "{log_start}, {latest_epoch}, {log_end_offset}"
            );
        }
    }
}
