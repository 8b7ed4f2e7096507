//! Heartbeats of which it is not known yet whether they may be granted: a majority has to confirm that this node leads. One for each broker, the last.

use std::collections::BTreeMap;

use super::under_way::Beat;

/// By node id.
#[derive(Default)]
pub(super) struct Beats {
    /// Came after the read under way had begun.
    asked: BTreeMap<i32, Beat>,
    /// Those that it confirms.
    confirming: BTreeMap<i32, Beat>,
}

impl Beats {
    pub(super) fn hear(&mut self, beat: Beat) {
        self.asked.insert(beat.beat.node_id, beat);
    }

    /// Whether there is one for which a read has to begin.
    pub(super) fn is_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// A read begins that confirms all that have come so far.
    pub(super) fn begin(&mut self) {
        self.confirming = std::mem::take(&mut self.asked);
    }

    /// Those that the read was for: it has ended, or nothing comes of it.
    pub(super) fn take_confirming(&mut self) -> impl Iterator<Item = Beat> + use<> {
        std::mem::take(&mut self.confirming).into_values()
    }

    /// Those for which none has begun.
    pub(super) fn take_asked(&mut self) -> impl Iterator<Item = Beat> + use<> {
        std::mem::take(&mut self.asked).into_values()
    }

    /// Whether there is one of this broker in this life.
    pub(super) fn is_of(&self, node_id: i32, broker_epoch: i64) -> bool {
        let beats = [&self.asked, &self.confirming].into_iter().filter_map(|beats| beats.get(&node_id));
        beats.into_iter().any(|beat| beat.beat.broker_epoch == broker_epoch)
    }
}
