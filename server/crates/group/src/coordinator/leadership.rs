//! Partitions come to this node and leave it, and their groups with them.

use chronik_kafka::ErrorCode;

use super::partitions::Place;
use super::{Clock, Coordinator, Entry, Ids, Journal, Reply};
use crate::state::Group;

impl<J: Journal, C: Clock, I: Ids> Coordinator<J, C, I> {
    /// This node leads a partition. What it had of an earlier leadership is not what the log has by now.
    pub(super) fn lead(&mut self, place: Place) {
        match self.partitions.leader_epoch(place.partition) {
            Some(present) if present >= place.leader_epoch => return,
            Some(_) => self.resign(place),
            None => {}
        }
        self.partitions.lead(place);
    }

    /// A partition's groups go on from what its log has.
    pub(super) fn loaded(&mut self, place: Place, groups: Vec<Group>) {
        if !self.partitions.loaded(place) {
            return; // somebody else leads it by now, or it is served already, and its groups have gone on
        }
        for group in groups {
            self.keep(Entry { group, place, alarm_ms: i64::MAX });
        }
    }

    /// The groups of a partition are somebody else's: nothing of them is left here, and who waits is told to look for their coordinator.
    pub(super) fn resign(&mut self, place: Place) {
        if !self.partitions.resign(place) {
            return;
        }
        let gone = self.groups.extract_if(.., |_, entry| entry.place.partition == place.partition);
        for (id, entry) in gone {
            self.alarms.remove(&(entry.alarm_ms, id));
        }
        let told = self.waiting.extract_if(.., |_, waiter| waiter.partition == place.partition);
        for (_, waiter) in told {
            let _nobody_waits = waiter.reply.send(Reply::NotNow(ErrorCode::NOT_COORDINATOR));
        }
    }
}
