//! Idempotent producers (KIP-98, KIP-360): the last five batches of each. Pure.

use chronik_kafka::record_batch::BatchHeader;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::error::OpError;
use crate::limits;

/// A batch that a producer wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchMeta {
    /// Sequence number of the first record.
    pub base_sequence: i32,
    /// Sequence number of the last record.
    pub last_sequence: i32,
    /// Offset of the first record.
    pub base_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// Append time as answered, milliseconds since the epoch; -1 with `CreateTime`.
    pub log_append_time_ms: i64,
}

/// What is known of one producer id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerEntry {
    /// Epoch of its last batch.
    pub epoch: i16,
    /// When it last wrote, milliseconds since the epoch.
    pub last_append_ms: i64,
    /// Its last batches of this epoch, oldest first; at most [`limits::PRODUCER_BATCHES`].
    pub batches: SmallVec<[BatchMeta; limits::PRODUCER_BATCHES]>,
}

/// What to do with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is new.
    Append,
    /// It is in the log already.
    Duplicate(BatchMeta),
}

/// Judges a leader's append by what is known of its producer; `None` accepts any sequence (as Kafka since 2.5:
/// the state may have expired).
pub fn judge(entry: Option<&ProducerEntry>, header: &BatchHeader) -> Result<Verdict, OpError> {
    let Some(entry) = entry else { return Ok(Verdict::Append) };
    if header.producer_epoch < entry.epoch {
        let (found, current) = (header.producer_epoch, entry.epoch);
        return Err(OpError::InvalidProducerEpoch { found, current });
    }
    if header.is_control() {
        return Ok(Verdict::Append);
    }
    let (first, last) = (header.base_sequence, header.last_sequence());
    if header.producer_epoch == entry.epoch
        && let Some(meta) = entry.batches.iter().find(|meta| meta.is(first, last))
    {
        return Ok(Verdict::Duplicate(*meta));
    }
    let expected = match entry.batches.last() {
        Some(meta) if header.producer_epoch == entry.epoch => next_sequence(meta.last_sequence),
        // A marker has raised the epoch, and nothing was written in it yet; or the producer raised it itself.
        _ => 0,
    };
    if first == expected {
        Ok(Verdict::Append)
    } else {
        Err(OpError::OutOfOrderSequence { found: first, expected })
    }
}

fn next_sequence(last: i32) -> i32 {
    last.wrapping_add(1) & i32::MAX
}

impl BatchMeta {
    fn is(&self, first: i32, last: i32) -> bool {
        self.base_sequence == first && self.last_sequence == last
    }
}

/// The entry after a batch with its final offsets was appended.
#[must_use]
pub fn after_append(
    entry: Option<&ProducerEntry>,
    header: &BatchHeader,
    log_append_time_ms: i64,
    now_ms: i64,
) -> ProducerEntry {
    let epoch = header.producer_epoch;
    let mut batches = match entry {
        Some(entry) if entry.epoch == epoch => entry.batches.clone(),
        _ => SmallVec::new(),
    };
    if !header.is_control() {
        if batches.len() >= limits::PRODUCER_BATCHES {
            batches.remove(0);
        }
        batches.push(BatchMeta {
            base_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            log_append_time_ms,
        });
    }
    ProducerEntry { epoch, last_append_ms: now_ms, batches }
}

/// Producers of a partition, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProducerTable(pub(crate) FxHashMap<i64, ProducerEntry>);

impl ProducerTable {
    /// What is known of a producer.
    #[must_use]
    pub fn get(&self, producer_id: i64) -> Option<&ProducerEntry> {
        self.0.get(&producer_id)
    }

    /// Forgets batches at or above the new end of the log. Returns the producers of which nothing is left: what
    /// they wrote before must be looked up in the log.
    pub fn truncate_from_end(&mut self, end_offset: i64) -> Vec<i64> {
        let mut lost = Vec::new();
        self.0.retain(|&id, entry| {
            let before = entry.batches.len();
            entry.batches.retain(|meta| meta.last_offset < end_offset);
            let keep = !entry.batches.is_empty() || before == 0;
            if !keep {
                lost.push(id);
            }
            keep
        });
        lost
    }

    /// Forgets producers that have not written for `expiration_ms`, and the oldest ones above the limit.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        if self.0.is_empty() {
            return;
        }
        self.0.retain(|_, entry| now_ms.saturating_sub(entry.last_append_ms) < expiration_ms);
        if let Some(excess) = self.0.len().checked_sub(limits::MAX_PRODUCERS_PER_PARTITION + 1) {
            let mut times: Vec<i64> = self.0.values().map(|entry| entry.last_append_ms).collect();
            let (_, &mut threshold, _) = times.select_nth_unstable(excess);
            self.0.retain(|_, entry| entry.last_append_ms > threshold);
        }
        self.0.shrink_to(self.0.len() * 2);
    }
}

#[cfg(test)]
#[path = "producer_tests.rs"]
mod tests;
