//! The partitions of `__consumer_offsets`, and which of them are served.

use std::collections::BTreeSet;

use chronik_kafka::ErrorCode;

use crate::partitioner::partition_of;

/// Which groups can be served.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    /// How many there are; 0 until `__consumer_offsets` exists.
    count: i32,
    /// Those of which not all is known yet.
    loading: BTreeSet<i32>,
}

impl Partitions {
    /// The topic is there. What is known already stays known.
    pub(super) fn open(&mut self, count: i32, loading: bool) {
        if count <= self.count {
            return;
        }
        if loading {
            self.loading.extend(self.count..count);
        }
        self.count = count;
    }

    /// Everything of this partition is known. Returns whether that is news.
    pub(super) fn loaded(&mut self, partition: i32) -> bool {
        self.loading.remove(&partition)
    }

    pub(super) fn count(&self) -> i32 {
        self.count
    }

    /// Whether some are still loading.
    pub(super) fn is_loading(&self) -> bool {
        !self.loading.is_empty()
    }

    /// Whether this group can be served.
    ///
    /// # Errors
    /// What to tell clients, who try again.
    pub(super) fn serving(&self, group: &str) -> Result<(), ErrorCode> {
        if self.count == 0 {
            return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
        }
        if self.loading.contains(&partition_of(group, self.count)) {
            return Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_served_once_its_partition_is_loaded() {
        let mut partitions = Partitions::default();
        assert_eq!(partitions.serving("hello"), Err(ErrorCode::COORDINATOR_NOT_AVAILABLE));
        partitions.open(50, true);
        assert_eq!(partitions.serving("hello"), Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS));
        assert!(partitions.loaded(22) && partitions.is_loading());
        assert_eq!(partitions.serving("hello"), Ok(()));
        assert!(!partitions.loaded(22), "only once");
        partitions.open(50, true);
        assert_eq!(partitions.serving("hello"), Ok(()), "opened again");
    }
}
