//! Transactions in a log that is compacted (KIP-98): what an aborted one wrote goes; its marker, or that of a committed one, goes
//! when nothing is left that it speaks of, and the delete horizon has passed (Kafka: `CleanedTransactionMetadata`).

use chronik_kafka::record_batch::{BatchHeader, ControlType};
use rustc_hash::{FxHashMap, FxHashSet};

/// Markers by producer, and what is open behind the last of them.
#[derive(Debug, Default)]
pub(crate) struct Markers {
    /// Where the search began: what is below was settled by an earlier compaction.
    from: i64,
    /// Ascending by offset.
    by_producer: FxHashMap<i64, Vec<Marker>>,
    /// First offset of each producer's transaction that has no marker yet.
    open: FxHashMap<i64, i64>,
    count: usize,
}

#[derive(Debug, Clone, Copy)]
struct Marker {
    offset: i64,
    aborts: bool,
}

impl Markers {
    /// None yet, of a search that begins at an offset.
    pub(crate) fn from(from: i64) -> Self {
        Self { from, ..Self::default() }
    }

    /// Takes note of a batch; they come in order. `control` is what a control batch says.
    pub(crate) fn observe(&mut self, header: &BatchHeader, control: Option<ControlType>) {
        let (producer, offset) = (header.producer_id, header.base_offset);
        if !header.is_control() {
            if header.is_transactional() {
                self.open.entry(producer).or_insert(offset);
            }
            return;
        }
        let aborts = match control {
            Some(ControlType::Abort) => true,
            Some(ControlType::Commit) => false,
            _ => return,
        };
        self.open.remove(&producer);
        self.by_producer.entry(producer).or_default().push(Marker { offset, aborts });
        self.count += 1;
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// First offset of an open transaction: nothing from there on may be compacted.
    pub(crate) fn first_open(&self) -> Option<i64> {
        self.open.values().copied().min()
    }

    /// Whether a later marker aborts what this batch belongs to.
    pub(crate) fn is_aborted(&self, header: &BatchHeader) -> bool {
        let Some(markers) = self.by_producer.get(&header.producer_id) else { return false };
        let next = markers.partition_point(|marker| marker.offset < header.base_offset);
        let is_judged = header.is_transactional() && header.base_offset >= self.from;
        is_judged && markers.get(next).is_some_and(|marker| marker.aborts)
    }
}

/// What a pass over the log has seen of the transactions that are not over yet, by producer.
#[derive(Debug, Default)]
pub(crate) struct Seen(FxHashSet<i64>);

impl Seen {
    /// A batch that is no marker; also one that goes.
    pub(crate) fn batch(&mut self, header: &BatchHeader) {
        if header.is_transactional() {
            self.0.insert(header.producer_id);
        }
    }

    /// Whether nothing was seen of what this marker speaks of. An empty control batch speaks of nothing.
    pub(crate) fn marker(&mut self, header: &BatchHeader, control: Option<ControlType>) -> bool {
        match control {
            Some(ControlType::Abort | ControlType::Commit) => !self.0.remove(&header.producer_id),
            Some(ControlType::Other(_)) => false,
            None => header.record_count == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use chronik_kafka::record_batch::{BatchBuilder, ControlRecord};

    use super::*;

    fn data(producer: i64, offset: i64) -> BatchHeader {
        let mut builder = BatchBuilder::new().producer(producer, 0, 0).transactional().base_offset(offset);
        builder.record(1, Some(b"k"), None);
        builder.build().header
    }

    fn marker(producer: i64, offset: i64, kind: ControlType) -> BatchHeader {
        let record = ControlRecord { version: 0, kind };
        let builder = BatchBuilder::new().producer(producer, 0, -1).base_offset(offset);
        builder.end_transaction(1, record, 0).build().header
    }

    #[test]
    fn the_next_marker_of_its_producer_decides() {
        let mut markers = Markers::from(0);
        markers.observe(&data(1, 0), None);
        markers.observe(&data(2, 1), None);
        markers.observe(&marker(1, 2, ControlType::Abort), Some(ControlType::Abort));
        markers.observe(&data(1, 3), None);
        markers.observe(&marker(2, 4, ControlType::Commit), Some(ControlType::Commit));
        assert_eq!(markers.first_open(), Some(3));
        markers.observe(&marker(1, 5, ControlType::Commit), Some(ControlType::Commit));
        assert_eq!((markers.first_open(), markers.len()), (None, 3));
        let later = Markers { from: 1, by_producer: markers.by_producer.clone(), ..Markers::default() };
        assert!(!later.is_aborted(&data(1, 0)), "settled before");
        for (producer, offset, aborted) in [(1, 0, true), (2, 1, false), (1, 3, false), (9, 1, false)] {
            assert_eq!(markers.is_aborted(&data(producer, offset)), aborted, "{producer} at {offset}");
        }
    }

    #[test]
    fn a_marker_stays_while_something_of_its_transaction_is_seen() {
        let mut seen = Seen::default();
        for kind in [ControlType::Abort, ControlType::Commit] {
            seen.batch(&data(1, 0));
            assert!(!seen.marker(&marker(1, 1, kind), Some(kind)));
            assert!(seen.marker(&marker(1, 2, kind), Some(kind)), "nothing was seen since the last");
        }
        let unknown = ControlType::Other(7);
        assert!(!seen.marker(&marker(1, 2, unknown), Some(unknown)));
        let empty = BatchHeader { record_count: 0, ..marker(1, 2, ControlType::Abort) };
        assert!(seen.marker(&empty, None));
    }
}
