//! Groups from a log. It blocks: for a thread that may.

use std::sync::Arc;

use bytes::Bytes;
use chronik_group::replay::Replay;
use chronik_kafka::record_batch::{BatchError, RecordBatch};
use chronik_log::{LogView, ReadError, ReadMode};

use crate::limits;

/// Why a partition cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// Everything from the log's start to `end`. Blocks.
pub(super) fn replay(view: &Arc<LogView>, end: i64) -> Result<Replay, LoadError> {
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
