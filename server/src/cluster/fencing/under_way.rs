//! Commands of the supervisor that are proposed and not applied yet: one for each broker at most.

use std::collections::BTreeMap;
use std::time::Duration;

use concurrency_models::reply::Reply;

use super::protocol::{BrokerHeartbeat, Elect, ElectAnswer, HeartbeatAnswer};
use crate::limits;

/// A heartbeat that has no answer yet.
pub(super) struct Beat {
    pub(super) beat: BrokerHeartbeat,
    /// Uptime at which it came.
    pub(super) heard: Duration,
    pub(super) reply: Reply<HeartbeatAnswer>,
}

impl Beat {
    /// Whoever has asked may be gone.
    pub(super) fn answer(self, answer: HeartbeatAnswer) {
        let _gone = self.reply.send(answer);
    }
}

/// A suspicion that has no answer yet.
pub(super) struct Suspicion {
    pub(super) elect: Elect,
    pub(super) reply: Reply<ElectAnswer>,
}

impl Suspicion {
    /// Whoever has asked may be gone.
    pub(super) fn answer(self, answer: ElectAnswer) {
        let _gone = self.reply.send(answer);
    }
}

/// Those who wait for one command.
#[derive(Default)]
pub(super) struct Waiting {
    /// The last one of the broker; it is looked at again afterwards.
    pub(super) beat: Option<Beat>,
    /// Looked at again afterwards.
    pub(super) suspicions: Vec<Suspicion>,
}

/// By node id of the broker that is fenced or unfenced.
#[derive(Default)]
pub(super) struct UnderWay(BTreeMap<i32, Waiting>);

impl UnderWay {
    pub(super) fn begin(&mut self, node_id: i32) {
        self.0.entry(node_id).or_default();
    }

    pub(super) fn concerns(&self, node_id: i32) -> bool {
        self.0.contains_key(&node_id)
    }

    pub(super) fn end(&mut self, node_id: i32) -> Waiting {
        self.0.remove(&node_id).unwrap_or_default()
    }

    /// Lets a heartbeat wait, in place of an earlier one; gives it back if there is nothing to wait for.
    pub(super) fn hold(&mut self, beat: Beat) -> Option<Beat> {
        match self.0.get_mut(&beat.beat.node_id) {
            Some(waiting) => waiting.beat = Some(beat),
            None => return Some(beat),
        }
        None
    }

    /// Lets a suspicion of this broker wait; gives it back if there is nothing to wait for, or no room.
    pub(super) fn suspect(&mut self, node_id: i32, suspicion: Suspicion) -> Option<Suspicion> {
        match self.0.get_mut(&node_id) {
            Some(waiting) if waiting.suspicions.len() < limits::MAX_SUSPICIONS => {
                waiting.suspicions.push(suspicion);
                None
            }
            _ => Some(suspicion),
        }
    }
}
