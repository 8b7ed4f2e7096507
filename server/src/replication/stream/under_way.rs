//! What a follower has queued for its log, and the leader is to hear of.

use chronik_log::{Outcome, PartitionId};

use super::message::Records;
use crate::storage::{OpAnswer, StorageError};

/// Queued, and not in the log yet.
pub(super) struct UnderWay {
    what: What,
    /// One for each operation, in order.
    answers: Vec<OpAnswer>,
    /// How many of them have come.
    answered: usize,
    /// The last one that came, if none was an error.
    outcome: Result<Option<Outcome>, StorageError>,
}

#[derive(Clone)]
enum What {
    Records(Records),
    Cut { id: PartitionId, leader_epoch: i32 },
}

/// In the log, or refused by it.
pub(super) enum Landed {
    /// A piece of a partition.
    Records {
        /// Without its batches.
        records: Records,
        /// The last outcome, or the first refusal.
        outcome: Result<Option<Outcome>, StorageError>,
    },
    /// A cut.
    Cut { id: PartitionId, leader_epoch: i32, outcome: Result<Option<Outcome>, StorageError> },
}

impl UnderWay {
    pub(super) fn records(records: Records, answers: Vec<OpAnswer>) -> Self {
        Self { what: What::Records(records), answers, answered: 0, outcome: Ok(None) }
    }

    pub(super) fn cut(id: PartitionId, leader_epoch: i32, answer: OpAnswer) -> Self {
        let what = What::Cut { id, leader_epoch };
        Self { what, answers: vec![answer], answered: 0, outcome: Ok(None) }
    }

    /// Waits for the answers that are missing.
    ///
    /// *Cancel-safety*: dropped before it is ready, what has come is kept.
    pub(super) async fn landing(&mut self) -> Landed {
        while let Some(answer) = self.answers.get_mut(self.answered) {
            let outcome = match answer.wait().await {
                Ok(outcome) => outcome,
                Err(unanswered) => Err(unanswered.into()),
            };
            self.answered += 1;
            if self.outcome.is_ok() {
                self.outcome = outcome.map(Some);
            }
        }
        let outcome = self.outcome.clone();
        match self.what.clone() {
            What::Records(records) => Landed::Records { records, outcome },
            What::Cut { id, leader_epoch } => Landed::Cut { id, leader_epoch, outcome },
        }
    }
}
