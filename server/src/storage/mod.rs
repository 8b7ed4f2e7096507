//! Partitions, and the one thread that changes them.
//!
//! ```text
//! append ─► GroupCommit queue ─► flusher: stage … stage, commit ─► publish views ─► advance watermarks ─► answers
//! files worker  ◄─ WAL segments to prepare, garbage to unlink ─┘
//! ```
//!
//! The [`Log`] has one owner, the `flusher`: there is no lock inside storage. Everyone else submits operations and reads published
//! views.

#[cfg(test)]
pub(crate) mod example;
mod files;
mod flusher;
mod partition;

use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::record_batch::RecordBatch;
use chronik_log::{Appended, Log, Op, OpError, Origin, Outcome, PartitionId, TopicLogConfig};
use concurrency_models::epoch::Leadership;
use concurrency_models::group_commit::{self, GroupCommit, Rejected};
use concurrency_models::isr::Sent;
use concurrency_models::registry::{Lease, Registry};
use concurrency_models::reply::{self, Answer, Unanswered};

pub use files::{Job, run as run_files};
pub use flusher::{Flusher, Surroundings as FlusherSurroundings};
pub use partition::{Durable, Partition};

use crate::limits;
use flusher::Work;

/// Why an operation was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// This operation was refused.
    #[error(transparent)]
    Op(#[from] OpError),
    /// This node does not follow the leader any more that this came from.
    #[error("the leader that this came from leads no more")]
    Deposed,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Closed,
    /// Storage has failed and the server is about to stop; it is not known whether the operation was carried out.
    #[error("storage has failed and the server is stopping; see its log")]
    Dead,
}

impl From<Unanswered> for StorageError {
    fn from(_: Unanswered) -> Self {
        Self::Dead
    }
}

/// What becomes of one operation.
pub type OpResult = Result<Outcome, StorageError>;

/// A promise of what becomes of one operation.
pub type OpAnswer = Answer<OpResult>;

/// Where operations are submitted and partitions are found. Clones are the same storage.
#[derive(Clone)]
pub struct Storage {
    queue: GroupCommit<Work, OpResult>,
    partitions: Arc<Registry<PartitionId, Partition>>,
}

impl Storage {
    /// Storage of node `me` over an opened log. The [`Flusher`] must be run.
    pub fn new(me: i32, log: Log) -> (Self, Flusher) {
        let (queue, work) = group_commit::new();
        let partitions = Arc::new(Registry::new());
        let flusher = Flusher::new(me, log, work, partitions.clone());
        (Self { queue, partitions }, flusher)
    }

    /// The partition, if it is here and not being deleted.
    pub fn partition(&self, id: &PartitionId) -> Option<Lease<Partition>> {
        self.partitions.lease(id)
    }

    /// All partitions, in order of id.
    pub fn partitions(&self) -> Vec<(PartitionId, Lease<Partition>)> {
        self.partitions.lease_all()
    }

    /// Queues one batch for a partition that this node leads in `leader_epoch`. The place in the log is fixed when this returns.
    ///
    /// # Errors
    /// Shutting down, or storage has failed.
    pub fn append(
        &self,
        id: PartitionId,
        batch: RecordBatch,
        leader_epoch: i32,
        now_ms: i64,
    ) -> Result<OpAnswer, StorageError> {
        let bytes = batch.total_len();
        let op = Op::Append { id, batch, origin: Origin::Leader { epoch: leader_epoch }, now_ms };
        self.submit(Work::Op(op), bytes)
    }

    /// Queues one batch of a leader's for a partition that this node follows in `leadership`, behind `log_end`. It is dropped if that has ended when its turn
    /// comes.
    ///
    /// # Errors
    /// Shutting down, or storage has failed.
    pub fn append_as_follower(
        &self,
        id: PartitionId,
        batch: RecordBatch,
        log_end: i64,
        leadership: Leadership,
        now_ms: i64,
    ) -> Result<OpAnswer, StorageError> {
        let bytes = batch.total_len();
        let op = Op::Append { id, batch, origin: Origin::Follower { log_end }, now_ms };
        self.submit(Work::Follow { id, sent: Sent::new(leadership, op) }, bytes)
    }

    /// Queues another operation on a partition that this node follows: it is dropped if `leadership` has ended when its turn comes.
    ///
    /// # Errors
    /// Shutting down, or storage has failed.
    pub fn queue_as_follower(
        &self,
        id: PartitionId,
        op: Op,
        leadership: Leadership,
    ) -> Result<OpAnswer, StorageError> {
        self.submit(Work::Follow { id, sent: Sent::new(leadership, op) }, limits::SMALL_OP_BYTES)
    }

    /// Makes a metadata record durable.
    ///
    /// # Errors
    /// It is too large, the disk is full, shutting down, or storage has failed.
    pub async fn append_metadata(&self, record: Bytes) -> Result<(), StorageError> {
        let bytes = record.len();
        self.submit(Work::Op(Op::Metadata(record)), bytes)?.wait().await??;
        Ok(())
    }

    /// Makes a metadata snapshot durable, which takes the place of the one before and of all metadata records submitted before it.
    ///
    /// # Errors
    /// As [`Storage::append_metadata`].
    pub async fn replace_metadata(&self, snapshot: Bytes) -> Result<(), StorageError> {
        let bytes = snapshot.len();
        self.submit(Work::Op(Op::MetadataSnapshot(snapshot)), bytes)?.wait().await??;
        Ok(())
    }

    /// Carries out one operation other than an append.
    ///
    /// # Errors
    /// Refused, shutting down, or storage has failed.
    pub async fn execute(&self, op: Op) -> OpResult {
        self.submit(Work::Op(op), limits::SMALL_OP_BYTES)?.wait().await?
    }

    /// Runs `f` on the flusher, between two groups.
    ///
    /// # Errors
    /// Shutting down, or storage has failed.
    pub async fn with_log<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Log) -> R + Send + 'static,
    ) -> Result<R, StorageError> {
        let (reply, mut answer) = reply::channel();
        let run = move |log: &mut Log| {
            let _ = reply.send(f(log)); // nobody waits any more: nobody wants to know
        };
        let _carried_out = self.submit(Work::With(Box::new(run)), limits::SMALL_OP_BYTES)?;
        Ok(answer.wait().await?)
    }

    /// Tells the log how far its partitions are committed. It hears that by itself with each commit of its own, but not of what followers, or a leader, say afterwards.
    ///
    /// # Errors
    /// Shutting down, or storage has failed.
    pub async fn note_high_watermarks(&self) -> Result<(), StorageError> {
        let partitions = self.partitions.clone();
        let note = move |log: &mut Log| {
            for (id, partition) in partitions.lease_all() {
                log.set_high_watermark(id, partition.high_watermark());
            }
        };
        self.with_log(note).await
    }

    /// Creates partitions, in one group. Those that exist already stay as they are.
    ///
    /// # Errors
    /// As [`Storage::execute`].
    pub async fn create_partitions(
        &self,
        ids: impl Iterator<Item = PartitionId>,
        config: &Arc<TopicLogConfig>,
    ) -> Result<(), StorageError> {
        let create =
            |id| self.submit(Work::Op(Op::Create { id, config: config.clone() }), limits::SMALL_OP_BYTES);
        let created = ids.map(create).collect::<Result<Vec<_>, _>>()?;
        for mut answer in created {
            match answer.wait().await? {
                Ok(_) | Err(StorageError::Op(OpError::AlreadyExists)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Deletes one partition: waits until nobody uses it, then drops its log.
    ///
    /// # Errors
    /// As [`Storage::execute`].
    pub async fn drop_partition(&self, id: PartitionId) -> Result<(), StorageError> {
        if let Some(partition) = self.partitions.lease(&id) {
            partition.close(); // long polls end now and give up their leases
        }
        self.partitions.retire(&id).await;
        match self.execute(Op::Drop { id }).await {
            Ok(_) | Err(StorageError::Op(OpError::UnknownPartition)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends storage: nothing gets in any more, everything queued is carried out, then the log is closed.
    pub fn close(&self) {
        self.queue.close();
    }

    fn submit(&self, work: Work, bytes: usize) -> Result<OpAnswer, StorageError> {
        self.queue.append(work, bytes).map_err(|rejected| match rejected {
            Rejected::Closed(_) => StorageError::Closed,
            Rejected::Dead(_) => StorageError::Dead,
        })
    }
}

/// The answer to an append, waited for.
///
/// # Errors
/// As the operation's.
pub async fn appended(mut answer: OpAnswer) -> Result<Appended, StorageError> {
    match answer.wait().await?? {
        Outcome::Appended(appended) => Ok(appended),
        other => unreachable!("an append came to {other:?}"),
    }
}
