//! The journal of the coordinator: a partition of `__consumer_offsets`, through the queue of storage.
//!
//! Queueing does not wait. What was queued goes to another task, which waits for the log and tells the coordinator, in the order of queueing.

use chronik_group::coordinator::{Message, Ticket};
use chronik_group::state::AppendError;
use chronik_group::{Groups, Journal, Record};
use chronik_kafka::record_batch::{BatchBuilder, RecordBatch};
use chronik_log::{OpError, PartitionId};
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::reply::{self, Answer};

use super::topic::{OFFSETS_TOPIC, leader_epoch};
use crate::clock::Clock;
use crate::cluster::Controller;
use crate::limits;
use crate::storage::{OpAnswer, Storage, StorageError};

/// Whose records are to be queued, and the promise of what becomes of them. Without a promise they were not queued.
pub(super) type Queued = (Ticket, Answer<OpAnswer>);

/// The coordinator's side.
pub(super) struct StorageJournal {
    storage: Storage,
    controller: Controller,
    clock: Clock,
    node_id: i32,
    queued: Sender<Queued>,
}

/// A journal, and what is to be waited for: see [`run_completions`].
pub(super) fn new(
    storage: Storage,
    controller: Controller,
    clock: Clock,
    node_id: i32,
) -> (StorageJournal, Receiver<Queued>) {
    let (queued, waiting) = mailbox::channel(limits::MAX_GROUP_APPENDS);
    (StorageJournal { storage, controller, clock, node_id, queued }, waiting)
}

impl Journal for StorageJournal {
    fn append(&mut self, partition: i32, records: Vec<Record>, ticket: Ticket) -> Result<(), AppendError> {
        let leader_epoch = ticket.leader_epoch;
        let id = self.led(partition, leader_epoch).ok_or(AppendError::Unwritable)?;
        // First who waits, then what for: what is in the queue of storage cannot be taken back.
        let (promise, promised) = reply::channel();
        self.queued.try_send((ticket, promised)).map_err(|_| AppendError::Busy)?;
        match self.append_in(id, leader_epoch, &records) {
            Ok(answer) => drop(promise.send(answer)),
            Err(error) => drop(cannot(error)), // and the promise is broken
        }
        Ok(())
    }
}

impl StorageJournal {
    /// What storage calls a partition of `__consumer_offsets`, if this node leads it in that epoch.
    fn led(&self, partition: i32, epoch: i32) -> Option<PartitionId> {
        let state = self.controller.state();
        let id = PartitionId { topic_id: state.topic(OFFSETS_TOPIC)?.id, partition };
        (leader_epoch(&state, &id, self.node_id) == Some(epoch)).then_some(id)
    }

    /// The only place where records of groups get into a log.
    fn append_in(
        &self,
        id: PartitionId,
        leader_epoch: i32,
        records: &[Record],
    ) -> Result<OpAnswer, StorageError> {
        let now_ms = self.clock.now_ms();
        self.storage.append(id, batch(now_ms, records), leader_epoch, now_ms)
    }
}

fn batch(now_ms: i64, records: &[Record]) -> RecordBatch {
    let mut batch = BatchBuilder::new();
    for Record { key, value } in records {
        batch.record(now_ms, Some(key), value.as_deref());
    }
    batch.build()
}

/// Tells the coordinator what becomes of its appends. The log answers in the order of queueing, so that one is waited for at a time.
pub(super) async fn run_completions(mut queued: Receiver<Queued>, groups: Groups) {
    while let Some((ticket, promised)) = queued.recv().await {
        let outcome = outcome(promised).await;
        if groups.tell(Message::Appended { ticket, outcome }).await.is_err() {
            break;
        }
    }
}

async fn outcome(mut promised: Answer<OpAnswer>) -> Result<(), AppendError> {
    let mut answer = promised.wait().await.map_err(|_| AppendError::Unwritable)?;
    match answer.wait().await {
        Ok(outcome) => outcome.map(drop).map_err(cannot),
        Err(unanswered) => Err(cannot(unanswered.into())),
    }
}

fn cannot(error: StorageError) -> AppendError {
    match error {
        StorageError::Op(OpError::MessageTooLarge { .. } | OpError::RecordListTooLarge { .. }) => {
            AppendError::TooLarge
        }
        error => {
            tracing::warn!(%error, "{OFFSETS_TOPIC} was not written");
            AppendError::Unwritable
        }
    }
}
