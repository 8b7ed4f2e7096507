//! The journal of the coordinator: a partition of `__consumer_offsets`, through the queue of storage.
//!
//! Queueing does not wait. What was queued goes to another task, which waits for the log and the in-sync replicas and tells the coordinator.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use chronik_group::coordinator::{Message, Ticket};
use chronik_group::state::AppendError;
use chronik_group::{Groups, Journal, Record};
use chronik_kafka::record_batch::{BatchBuilder, RecordBatch};
use chronik_log::{OpError, PartitionId};
use concurrency_models::isr;
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::registry::Lease;
use concurrency_models::reply::{self, Answer};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::topic::{OFFSETS_TOPIC, leader_epoch};
use crate::clock::Clock;
use crate::cluster::{Controller, NodeSettings};
use crate::limits;
use crate::storage::{self, OpAnswer, Partition, Storage, StorageError};

/// Where records have their place in a log.
pub(super) struct Placed {
    partition: Lease<Partition>,
    place: OpAnswer,
    appended: isr::Appended<()>,
}

/// Records to be queued, and the promise of their place. Without it they were not queued.
pub(super) struct Queued {
    /// Of `__consumer_offsets`.
    partition: i32,
    ticket: Ticket,
    placed: Answer<Placed>,
}

/// The coordinator's side.
pub(super) struct StorageJournal {
    storage: Storage,
    controller: Controller,
    settings: NodeSettings,
    clock: Clock,
    node_id: i32,
    queued: Sender<Queued>,
}

/// A journal, and what is to be waited for: see [`run_completions`].
pub(super) fn new(
    storage: Storage,
    controller: Controller,
    settings: NodeSettings,
    clock: Clock,
    node_id: i32,
) -> (StorageJournal, Receiver<Queued>) {
    let (queued, waiting) = mailbox::channel(limits::MAX_GROUP_APPENDS);
    (StorageJournal { storage, controller, settings, clock, node_id, queued }, waiting)
}

impl Journal for StorageJournal {
    fn append(&mut self, partition: i32, records: Vec<Record>, ticket: Ticket) -> Result<(), AppendError> {
        let leader_epoch = ticket.leader_epoch;
        // First who waits, then what for: what is in the queue of storage cannot be taken back.
        let (promise, placed) = reply::channel();
        let queued = Queued { partition, ticket, placed };
        self.queued.try_send(queued).map_err(|_| AppendError::Busy)?;
        // If it is refused, the promise is broken.
        if let Ok(placed) = self.append_in(partition, leader_epoch, &records) {
            drop(promise.send(placed));
        }
        Ok(())
    }
}

impl StorageJournal {
    /// The only place where records of groups get into a log: as those of a producer with `acks=all`.
    fn append_in(&self, partition: i32, epoch: i32, records: &[Record]) -> Result<Placed, AppendError> {
        let state = self.controller.state();
        let topic = state.topic(OFFSETS_TOPIC).ok_or(AppendError::Unwritable)?;
        let id = PartitionId { topic_id: topic.id, partition };
        if leader_epoch(&state, &id, self.node_id) != Some(epoch) {
            return Err(AppendError::Unwritable);
        }
        let min_in_sync = self.settings.min_insync_replicas(&state, topic);
        let partition = self.storage.partition(&id).ok_or(AppendError::Unwritable)?;
        let now_ms = self.clock.now_ms();
        let queue = || self.storage.append(id, batch(now_ms, records), epoch, now_ms);
        let min_in_sync = usize::try_from(min_in_sync).unwrap_or_default();
        let appended = partition.isr().append(epoch, min_in_sync, queue).map_err(|refused| {
            tracing::warn!(?refused, "{OFFSETS_TOPIC} was not written");
            AppendError::Unwritable
        });
        let (place, appended) = appended?.split();
        Ok(Placed { partition, place: place.map_err(cannot)?, appended })
    }
}

fn batch(now_ms: i64, records: &[Record]) -> RecordBatch {
    let mut batch = BatchBuilder::new();
    for Record { key, value } in records {
        batch.record(now_ms, Some(key), value.as_deref());
    }
    batch.build()
}

/// Tells the coordinator what becomes of its appends, those of each partition in the order of queueing: a partition whose followers are slow holds up no other.
/// It ends with the coordinator, who then has told everybody to look elsewhere.
pub(super) async fn run_completions(mut queued: Receiver<Queued>, groups: Groups) {
    let mut lanes = Lanes::default();
    loop {
        tokio::select! {
            biased;
            Some((ticket, outcome)) = lanes.next() => {
                if groups.tell(Message::Appended { ticket, outcome }).await.is_err() {
                    break;
                }
            }
            next = queued.recv() => match next {
                Some(next) => lanes.push(next),
                None => break,
            },
        }
    }
}

/// What became of the first append of a partition.
type Done = (i32, Ticket, Result<(), AppendError>);

/// Appends under way, by partition. Of each, one is waited for at a time.
#[derive(Default)]
struct Lanes {
    first: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Those behind the first; an entry for each partition that has a first one.
    behind: BTreeMap<i32, VecDeque<Queued>>,
}

impl Lanes {
    fn push(&mut self, queued: Queued) {
        match self.behind.entry(queued.partition) {
            Entry::Occupied(mut lane) => lane.get_mut().push_back(queued),
            Entry::Vacant(lane) => {
                lane.insert(VecDeque::new());
                self.first.push(wait_for(queued));
            }
        }
    }

    /// The next one that has come; `None` if none is under way.
    async fn next(&mut self) -> Option<(Ticket, Result<(), AppendError>)> {
        let (partition, ticket, outcome) = self.first.next().await?;
        match self.behind.get_mut(&partition).and_then(VecDeque::pop_front) {
            Some(next) => self.first.push(wait_for(next)),
            None => drop(self.behind.remove(&partition)),
        }
        Some((ticket, outcome))
    }
}

fn wait_for(Queued { partition, ticket, placed }: Queued) -> BoxFuture<'static, Done> {
    async move { (partition, ticket, outcome(placed).await) }.boxed()
}

async fn outcome(mut placed: Answer<Placed>) -> Result<(), AppendError> {
    let Placed { partition, place, appended } = placed.wait().await.map_err(|_| AppendError::Unwritable)?;
    let place = storage::appended(place).await.map_err(cannot)?;
    partition.isr().committed(&appended, place.last_offset + 1).await.map_err(|why| {
        tracing::warn!(?why, "it is not known whether records of {OFFSETS_TOPIC} are kept");
        AppendError::Unwritable
    })?;
    Ok(())
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
