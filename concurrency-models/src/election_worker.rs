//! The task that has dead leaders replaced: it takes a trigger, looks again whether the leader is still silent, and asks for an election.
//!
//! It is the only one that waits for the metadata leader, so it is the only one that a slow Raft loop or a stuck disk holds up. A partition whose
//! election is refused goes back to those that are watched, where the next sweep finds it: every dead leader is replaced in the end.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use crate::heartbeat_map::{Heartbeat, HeartbeatMap, Suspect};

/// Who has the say over leaders: in production a call to the metadata leader that is retried for a while.
pub trait MetadataLeader<K>: Send + Sync {
    /// Asks for another leader than the suspected one. It ends by itself, also when nobody answers.
    fn elect(&self, suspect: Suspect<K>) -> impl Future<Output = Verdict> + Send;
}

/// What came of a suspicion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The partition is led in this epoch, as of this time: by whom was elected now, or before.
    Led(Heartbeat),
    /// Nobody was elected: the suspect's lease has not expired, no replica may lead, or nobody answered.
    Refused,
}

/// Holds one election at a time; a node has a few of them.
#[derive(Debug)]
pub struct ElectionWorker<K, M> {
    heartbeats: Arc<HeartbeatMap<K>>,
    metadata: M,
}

impl<K: Ord + Hash + Copy, M: MetadataLeader<K>> ElectionWorker<K, M> {
    /// A worker that asks `metadata`.
    pub fn new(heartbeats: Arc<HeartbeatMap<K>>, metadata: M) -> Self {
        Self { heartbeats, metadata }
    }

    /// Runs until no election is triggered any more and all that were are held.
    ///
    /// *Cancel-safety*: dropped half-way, the partition whose election was under way is watched again; whether somebody was elected is not known.
    pub async fn run(self) {
        while let Some(mut election) = self.heartbeats.next_election().await {
            if !election.is_still_suspect() {
                continue;
            }
            if let Verdict::Led(leader) = self.metadata.elect(election.suspect()).await {
                election.led(leader);
            }
        }
    }
}
