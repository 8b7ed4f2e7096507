//! The partitions of `__consumer_offsets`, and which of them are served here: those that this node leads, once they are loaded.

use std::collections::BTreeMap;

use chronik_kafka::ErrorCode;

use crate::partitioner::partition_of;

/// Which groups can be served.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    /// How many there are; 0 until `__consumer_offsets` exists. Then it stays: another number would give groups other partitions.
    count: i32,
    /// Those that this node leads.
    led: BTreeMap<i32, Led>,
}

/// A partition that this node leads.
#[derive(Clone, Copy, Debug)]
struct Led {
    leader_epoch: i32,
    /// Not all is known yet.
    loading: bool,
}

/// Where a group is kept, and in which leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) partition: i32,
    pub(super) leader_epoch: i32,
}

impl Partitions {
    /// The topic is there.
    pub(super) fn open(&mut self, count: i32) {
        if self.count == 0 {
            self.count = count;
        }
    }

    /// This node leads a partition of which nothing is known yet.
    pub(super) fn lead(&mut self, Place { partition, leader_epoch }: Place) {
        self.led.insert(partition, Led { leader_epoch, loading: true });
    }

    /// Everything of this partition is known. Returns whether that is news: it is led in that epoch, and was loading.
    pub(super) fn loaded(&mut self, Place { partition, leader_epoch }: Place) -> bool {
        match self.led.get_mut(&partition) {
            Some(led) if led.leader_epoch == leader_epoch => std::mem::take(&mut led.loading),
            _ => false,
        }
    }

    /// The leadership of this epoch is over, and so are those before it. Returns whether that is news.
    pub(super) fn resign(&mut self, Place { partition, leader_epoch }: Place) -> bool {
        let over = self.led.get(&partition).is_some_and(|led| led.leader_epoch <= leader_epoch);
        over && self.led.remove(&partition).is_some()
    }

    /// In which epoch this node leads a partition; `None` if it does not.
    pub(super) fn leader_epoch(&self, partition: i32) -> Option<i32> {
        self.led.get(&partition).map(|led| led.leader_epoch)
    }

    /// The partition of a group.
    pub(super) fn partition_of(&self, group: &str) -> i32 {
        partition_of(group, self.count)
    }

    /// Whether some are still loading.
    pub(super) fn is_loading(&self) -> bool {
        self.led.values().any(|led| led.loading)
    }

    /// Where this group is served.
    ///
    /// # Errors
    /// It is not; what to tell clients, who look for the coordinator or try again.
    pub(super) fn serving(&self, group: &str) -> Result<Place, ErrorCode> {
        if self.count == 0 {
            return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
        }
        let partition = self.partition_of(group);
        match self.led.get(&partition) {
            None => Err(ErrorCode::NOT_COORDINATOR),
            Some(led) if led.loading => Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS),
            Some(led) => Ok(Place { partition, leader_epoch: led.leader_epoch }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 50.
    const HELLO: i32 = 22;

    fn place(leader_epoch: i32) -> Place {
        Place { partition: HELLO, leader_epoch }
    }

    fn led(leader_epoch: i32) -> Partitions {
        let mut partitions = Partitions::default();
        partitions.open(50);
        partitions.lead(place(leader_epoch));
        partitions
    }

    #[test]
    fn a_group_is_served_once_its_partition_is_led_and_loaded() {
        let mut partitions = Partitions::default();
        assert_eq!(partitions.serving("hello"), Err(ErrorCode::COORDINATOR_NOT_AVAILABLE));
        partitions.open(50);
        assert_eq!(partitions.serving("hello"), Err(ErrorCode::NOT_COORDINATOR));
        partitions.lead(place(7));
        assert_eq!(partitions.serving("hello"), Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS));
        assert!(partitions.is_loading() && partitions.loaded(place(7)) && !partitions.is_loading());
        assert_eq!(partitions.serving("hello"), Ok(place(7)));
        assert!(!partitions.loaded(place(7)), "only once");
        partitions.open(51);
        assert_eq!(partitions.serving("hello"), Ok(place(7)), "opened again");
        assert!(partitions.resign(place(7)) && !partitions.resign(place(7)));
        assert_eq!(partitions.serving("hello"), Err(ErrorCode::NOT_COORDINATOR));
    }

    #[test]
    fn only_what_is_of_the_present_leadership_counts() {
        for (epoch, loaded, resigned) in [(6, false, false), (7, true, true), (8, false, true)] {
            assert_eq!(led(7).loaded(place(epoch)), loaded, "loaded in {epoch}");
            assert_eq!(led(7).resign(place(epoch)), resigned, "resigned in {epoch}");
        }
    }
}
