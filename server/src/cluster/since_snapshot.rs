//! When a snapshot of the metadata is due.

use crate::limits;

/// The metadata records since the last snapshot, or since the last attempt at one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinceSnapshot {
    records: usize,
    bytes: usize,
}

impl SinceSnapshot {
    /// One more record.
    pub fn add(&mut self, record_bytes: usize) {
        self.records += 1;
        self.bytes += record_bytes;
    }

    /// Whether a snapshot should take their place.
    pub fn is_due(&self) -> bool {
        self.records >= limits::METADATA_SNAPSHOT_RECORDS
            || self.bytes >= limits::METADATA_SNAPSHOT_RECORD_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_due_by_bytes_or_by_count() {
        let (most, most_bytes) = (limits::METADATA_SNAPSHOT_RECORDS, limits::METADATA_SNAPSHOT_RECORD_BYTES);
        for (records, record_bytes, due) in [
            (0, 0, false),
            (1, 100, false),
            (most - 1, 0, false),
            (most, 0, true),
            (1, most_bytes - 1, false),
            (1, most_bytes, true),
            (2, most_bytes / 2, true),
        ] {
            let mut since = SinceSnapshot::default();
            (0..records).for_each(|_| since.add(record_bytes));
            assert_eq!(since.is_due(), due, "{records} records of {record_bytes} bytes");
        }
    }
}
