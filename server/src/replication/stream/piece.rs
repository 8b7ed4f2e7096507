//! What is in a piece of a log, and where it goes.

use bytes::Bytes;
use chronik_kafka::record_batch::{BatchError, RecordBatch};
use chronik_log::{Log, PartitionId, epoch};

use super::message::Position;

/// Where a log that ends at `log_end` begins anew, if the leader has nothing any more of what would come next: at the leader's log start, or at the batch
/// that holds it (`log_start_offset` may be inside of one).
pub(super) fn begins_anew(log_end: i64, log_start_offset: i64, first_batch: Option<i64>) -> Option<i64> {
    let offset = first_batch.map_or(log_start_offset, |base_offset| base_offset.min(log_start_offset));
    (log_end < offset).then_some(offset)
}

/// Where the logs end, with their latest epochs: an empty one has none, whatever was in it before.
pub(super) fn positions(log: &mut Log, partitions: Vec<(PartitionId, i32)>) -> Vec<Position> {
    let position = |(id, leader_epoch)| {
        let (view, log_end_offset) = (log.view(id)?, log.log_end_offset(id)?);
        let is_empty = view.log_start_offset() == log_end_offset;
        let latest_epoch = if is_empty { epoch::UNKNOWN } else { view.latest_epoch() };
        Some(Position { id, leader_epoch, latest_epoch, log_end_offset })
    };
    partitions.into_iter().filter_map(position).collect()
}

/// The batches of a piece, each whole and undamaged.
pub(super) fn batches(mut bytes: Bytes) -> Result<Vec<RecordBatch>, BatchError> {
    let mut batches = Vec::new();
    while !bytes.is_empty() {
        let batch = RecordBatch::read(&mut bytes)?;
        batch.check_stored()?;
        batches.push(batch);
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_ends_below_its_leaders_log_start_begins_anew() {
        for (log_end, log_start_offset, first_batch, expected) in [
            (0, 0, None, None),
            (0, 0, Some(0), None),
            (0, 100, None, Some(100)), // all is deleted
            (50, 100, Some(100), Some(100)),
            (50, 100, Some(95), Some(95)),   // the log start is inside a batch
            (50, 100, Some(120), Some(100)), // behind a gap
            (95, 100, Some(95), None),       // nothing is missing
            (100, 100, None, None),
            (100, 100, Some(120), None),
            (120, 100, Some(120), None),
        ] {
            let found = begins_anew(log_end, log_start_offset, first_batch);
            assert_eq!(found, expected, "{log_end}, {log_start_offset}, {first_batch:?}");
        }
    }
}
