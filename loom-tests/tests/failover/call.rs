//! What the election worker asks, and what it learns.

use std::sync::Arc;

use concurrency_models::election_worker::{MetadataLeader, Verdict};
use concurrency_models::heartbeat_map::{Heartbeat, Suspect};
use concurrency_models::raft_loop::{Outcome, ProposeError};

use crate::cluster::{Disk, Led, NOW_MS, Node, encode};
use crate::partition::ReplaceLeader;

/// What came of each election that the worker has asked for, in order: `None` if nobody will ever say.
#[derive(Clone, Default)]
pub(crate) struct Learned(Arc<Lock<Vec<Answer>>>);

pub(crate) type Answer = Result<Option<Outcome<Led>>, ProposeError>;

#[expect(
    clippy::disallowed_types,
    reason = "no checker may see it: to note something is no step of a scenario"
)]
type Lock<T> = std::sync::Mutex<T>;

impl Learned {
    fn note(&self, answer: Answer) {
        self.0.lock().expect("nobody panics with it").push(answer);
    }

    pub(crate) fn take(&self) -> Vec<Answer> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }
}

/// The call to the metadata leader, which here is this node.
pub(crate) struct Call {
    pub(crate) node: Arc<Node>,
    pub(crate) learned: Learned,
    /// Who leads, as its caller has seen it.
    pub(crate) leader: i32,
    /// The disk of this node, and up to which entry: if no thread of its own serves it, this one does.
    pub(crate) disk: Option<(Disk, u64)>,
}

impl MetadataLeader<u32> for Call {
    async fn elect(&self, suspect: Suspect<u32>) -> Verdict {
        let proposal = ReplaceLeader { leader: self.leader, leader_epoch: suspect.last.leader_epoch };
        let mut waiting = match self.node.propose(encode(proposal)) {
            Ok(waiting) => waiting,
            Err(error) => {
                self.learned.note(Err(error));
                return Verdict::Refused;
            }
        };
        if let Some((disk, last)) = &self.disk {
            disk.serve_until(*last);
        }
        let outcome = waiting.outcome().await.ok();
        self.learned.note(Ok(outcome.clone()));
        match outcome {
            Some(Outcome::Applied { value: Some((_, leader_epoch)), .. })
                if leader_epoch > proposal.leader_epoch =>
            {
                Verdict::Led(Heartbeat { leader_epoch, at_ms: NOW_MS })
            }
            _ => Verdict::Refused,
        }
    }
}
