//! The leader-epoch cache of a partition (KIP-101, KIP-279): where each epoch starts. Pure.

/// Start of a leader epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochStart {
    /// The epoch.
    pub epoch: i32,
    /// First offset appended in it.
    pub start_offset: i64,
}

/// Starts in order: both fields strictly ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EpochCache(Vec<EpochStart>);

/// No epoch is known, or no offset.
pub const UNKNOWN: i32 = -1;

impl EpochCache {
    /// From stored entries; those out of order are dropped.
    pub(crate) fn from_entries(entries: impl IntoIterator<Item = EpochStart>) -> Self {
        let mut cache = Self::default();
        for entry in entries {
            cache.assign(entry.epoch, entry.start_offset);
        }
        cache
    }

    /// The entries, ascending.
    #[must_use]
    pub fn entries(&self) -> &[EpochStart] {
        &self.0
    }

    /// Latest epoch, or -1.
    #[must_use]
    pub fn latest(&self) -> i32 {
        self.0.last().map_or(UNKNOWN, |entry| entry.epoch)
    }

    /// Notes that `epoch` appends at `start_offset`, if it is a new one. Returns whether it is.
    pub fn assign(&mut self, epoch: i32, start_offset: i64) -> bool {
        let is_new = epoch >= 0
            && self.0.last().is_none_or(|last| epoch > last.epoch && start_offset >= last.start_offset);
        if is_new {
            // An epoch without a record is superseded.
            self.0.retain(|entry| entry.start_offset < start_offset);
            self.0.push(EpochStart { epoch, start_offset });
        }
        is_new
    }

    /// Forgets epochs that start at or above the new end of the log.
    pub fn truncate_from_end(&mut self, end_offset: i64) {
        self.0.retain(|entry| entry.start_offset < end_offset);
    }

    /// Forgets epochs that end at or below the new start of the log; the one that holds it starts there.
    pub fn truncate_from_start(&mut self, start_offset: i64) {
        let below = self.0.partition_point(|entry| entry.start_offset <= start_offset);
        if below > 0 {
            self.0.drain(..below - 1);
            self.0[0].start_offset = start_offset;
        }
    }

    /// `OffsetForLeaderEpoch`: the largest epoch at or below `epoch`, and the offset at which it ends. (-1, -1) if
    /// `epoch` is above `leader_epoch`, that of the leader, which has no record yet perhaps, and then starts and ends
    /// where the log does; below the earliest: (`epoch`, start of the earliest).
    #[must_use]
    pub fn end_offset_for(&self, epoch: i32, leader_epoch: i32, log_end_offset: i64) -> (i32, i64) {
        let latest = leader_epoch.max(self.latest());
        if epoch < 0 || epoch > latest {
            return (UNKNOWN, -1);
        }
        if epoch == latest {
            return (epoch, log_end_offset);
        }
        let above = self.0.partition_point(|entry| entry.epoch <= epoch);
        let end = self.0.get(above).map_or(log_end_offset, |entry| entry.start_offset);
        match above.checked_sub(1) {
            Some(floor) => (self.0[floor].epoch, end),
            None => (epoch, end),
        }
    }

    /// Epoch in which `offset` was appended, or -1.
    #[must_use]
    pub fn epoch_of(&self, offset: i64) -> i32 {
        let above = self.0.partition_point(|entry| entry.start_offset <= offset);
        above.checked_sub(1).map_or(UNKNOWN, |floor| self.0[floor].epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> EpochCache {
        let mut cache = EpochCache::default();
        for (epoch, start) in [(1, 0), (3, 10), (4, 20)] {
            assert!(cache.assign(epoch, start));
        }
        cache
    }

    #[test]
    fn end_offset_of_an_epoch_is_the_start_of_the_next() {
        for (asked, expected) in [
            (0, (0, 0)),
            (1, (1, 10)),
            (2, (1, 10)),
            (3, (3, 20)),
            (4, (4, 33)),
            (5, (-1, -1)),
            (-1, (-1, -1)),
        ] {
            assert_eq!(cache().end_offset_for(asked, 4, 33), expected, "epoch {asked}");
        }
    }

    #[test]
    fn the_epoch_of_the_leader_is_known_before_it_has_a_record() {
        for (asked, expected) in [(4, (4, 33)), (5, (4, 33)), (6, (6, 33)), (7, (-1, -1))] {
            assert_eq!(cache().end_offset_for(asked, 6, 33), expected, "epoch {asked}");
        }
        for (asked, expected) in [(0, (0, 5)), (1, (1, 5)), (2, (-1, -1))] {
            assert_eq!(EpochCache::default().end_offset_for(asked, 1, 5), expected, "epoch {asked}");
        }
    }

    #[test]
    fn an_epoch_never_goes_back() {
        let mut cache = cache();
        assert!(!cache.assign(4, 30));
        assert!(!cache.assign(2, 30));
        assert_eq!(cache.latest(), 4);
    }

    #[test]
    fn an_epoch_without_records_is_superseded() {
        let mut cache = cache();
        assert!(cache.assign(7, 20));
        assert_eq!(cache.entries().last(), Some(&EpochStart { epoch: 7, start_offset: 20 }));
        assert_eq!(cache.entries().len(), 3);
    }

    #[test]
    fn truncation_at_both_ends() {
        let mut cache = cache();
        cache.truncate_from_end(20);
        assert_eq!(cache.latest(), 3);
        cache.truncate_from_start(5);
        assert_eq!(cache.entries()[0], EpochStart { epoch: 1, start_offset: 5 });
        cache.truncate_from_start(12);
        assert_eq!(cache.entries(), [EpochStart { epoch: 3, start_offset: 12 }]);
        assert_eq!(cache.epoch_of(12), 3);
        assert_eq!(cache.epoch_of(11), -1);
    }
}
