//! The controller: the only writer of the metadata.
//!
//! A proposal is checked against the state, made durable as a record of the log, folded in, published, and only then answered: who has the answer
//! finds its effect in the image.

use std::sync::Arc;

use bytes::Bytes;
use chronik_log::CheckpointJob;
use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::pending::Pending;
use concurrency_models::reply::{self, Reply};

use super::command::{Applied, Command, ConfigResource, Refusal};
use super::node_settings::NodeSettings;
use super::state::{ClusterState, Topic};
use crate::limits;
use crate::rng::Rng;
use crate::storage::{Storage, StorageError};

/// Why a proposal came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// It contradicts the state.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be stored, or its partitions could not.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Closed,
}

type Outcome = Result<Applied, ProposeError>;

enum Message {
    /// Carry out a command.
    Propose {
        /// Its number in the table of pending proposals.
        number: u64,
        command: Command,
    },
    /// Start a checkpoint of the log. It goes through the controller, because no metadata record may come between the
    /// snapshot and the checkpoint.
    BeginCheckpoint(Reply<Result<Option<CheckpointJob>, StorageError>>),
    /// The last: the metadata, to close the log with.
    Close(Reply<Bytes>),
}

/// Where commands are proposed and the state is read. Clones propose to the same controller.
#[derive(Clone)]
pub struct Controller {
    messages: Sender<Message>,
    pending: Pending<u64, Outcome>,
    image: Arc<Image<ClusterState>>,
}

/// The task's side.
pub struct ControllerTask {
    messages: Receiver<Message>,
    pending: Pending<u64, Outcome>,
    image: Arc<Image<ClusterState>>,
    /// What the image shows, and what the next command is applied to.
    state: ClusterState,
    storage: Storage,
    /// What a topic's own settings are laid over.
    settings: NodeSettings,
    /// Chooses the ids of topics.
    rng: Rng,
}

/// The metadata as a checkpoint of the log holds it.
fn snapshot(state: &ClusterState) -> Bytes {
    Bytes::from(serde_json::to_vec(state).expect("a state has only keys that are strings"))
}

/// A controller over `state`, as recovery found it. The task must be run.
pub fn new(
    state: ClusterState,
    storage: Storage,
    settings: NodeSettings,
    rng: Rng,
) -> (Controller, ControllerTask) {
    let (sender, receiver) = mailbox::channel(limits::MAX_PROPOSALS);
    let image = Arc::new(Image::new(state.clone()));
    let pending = Pending::new();
    let task = ControllerTask {
        messages: receiver,
        pending: pending.clone(),
        image: image.clone(),
        state,
        storage,
        settings,
        rng,
    };
    (Controller { messages: sender, pending, image }, task)
}

impl Controller {
    /// The state now.
    pub fn state(&self) -> Arc<ClusterState> {
        self.image.load()
    }

    /// Has `command` carried out. With the answer, the image shows its effect.
    ///
    /// *Cancel-safety*: dropped, the command may or may not be carried out.
    ///
    /// # Errors
    /// Refused, not stored, or shutting down.
    pub async fn propose(&self, command: Command) -> Outcome {
        // Registered before it is sent: the answer cannot come too early.
        let mut waiting = self.pending.open().map_err(|_| ProposeError::Closed)?;
        let proposal = Message::Propose { number: waiting.key(), command };
        if self.messages.send(proposal).await.is_err() {
            return Err(ProposeError::Closed);
        }
        waiting.outcome().await.unwrap_or(Err(ProposeError::Closed))
    }

    /// Starts a checkpoint that holds the metadata as it stands; `None` while another one is being taken.
    ///
    /// # Errors
    /// Shutting down, or storage has failed.
    pub async fn begin_checkpoint(&self) -> Result<Option<CheckpointJob>, StorageError> {
        let (reply, mut answer) = reply::channel();
        self.messages.send(Message::BeginCheckpoint(reply)).await.map_err(|_| StorageError::Closed)?;
        answer.wait().await.map_err(|_| StorageError::Closed)?
    }

    /// Ends the controller: carries out what was proposed before, refuses what comes after, and gives the metadata as the log must be closed with it.
    /// `None` if it has ended already.
    pub async fn close(&self) -> Option<Bytes> {
        let (reply, mut answer) = reply::channel();
        self.messages.send(Message::Close(reply)).await.ok()?;
        answer.wait().await.ok()
    }
}

impl ControllerTask {
    /// Carries out proposals, one after the other, until it is closed.
    pub async fn run(mut self, pulse: crate::telemetry::Pulse) {
        loop {
            pulse.idle();
            let Some(message) = self.messages.recv().await else { break };
            pulse.beat();
            match message {
                Message::Propose { number, command } => {
                    let outcome = self.carry_out(command).await;
                    self.pending.complete(number, outcome);
                }
                Message::BeginCheckpoint(reply) => {
                    let snapshot = snapshot(&self.state);
                    let begun = self.storage.with_log(move |log| log.begin_checkpoint(snapshot)).await;
                    let _ = reply.send(begun); // whoever gave up tries again at the next interval
                }
                Message::Close(reply) => {
                    let _ = reply.send(snapshot(&self.state));
                    break;
                }
            }
        }
        self.pending.close(|_| Err(ProposeError::Closed));
        self.image.close();
    }

    async fn carry_out(&mut self, mut command: Command) -> Outcome {
        if let Command::CreateTopic { id, .. } = &mut command {
            *id = self.rng.uuid();
        }
        let mut next = self.state.clone();
        let applied = next.apply(&command)?;
        let record = serde_json::to_vec(&command).expect("a command has only keys that are strings");
        self.storage.append_metadata(Bytes::from(record)).await?;
        let before = std::mem::replace(&mut self.state, next.clone());
        // A partition exists before the image names it, and is named by no image when it goes.
        let created = self.create_partitions(&applied).await;
        self.image.replace(next);
        self.drop_partitions(&applied, &before).await;
        created?;
        self.configure_logs(&applied).await?;
        Ok(applied)
    }

    async fn create_partitions(&self, applied: &Applied) -> Result<(), StorageError> {
        let (Applied::Created { id } | Applied::PartitionsCreated { id }) = applied else { return Ok(()) };
        let topic = self.state.topic_by_id(id).expect("just created");
        let config = self.settings.log_config(&self.state, topic);
        self.storage.create_partitions(topic.partition_ids(), &Arc::new(config)).await
    }

    /// What is altered applies to the next batch: with the answer, the logs have it.
    async fn configure_logs(&self, applied: &Applied) -> Result<(), StorageError> {
        let Applied::ConfigsAltered { resource } = applied else { return Ok(()) };
        let concerned: Vec<&Arc<Topic>> = match resource {
            ConfigResource::Topic(id) => self.state.topic_by_id(id).into_iter().collect(),
            ConfigResource::Broker(_) => self.state.topics().collect(),
        };
        let of_topic = |topic: &Arc<Topic>| {
            let config = Arc::new(self.settings.log_config(&self.state, topic));
            (topic.partition_ids().collect::<Vec<_>>(), config)
        };
        let configs: Vec<_> = concerned.into_iter().map(of_topic).collect();
        let configure = move |log: &mut chronik_log::Log| {
            for (ids, config) in configs {
                ids.into_iter().for_each(|id| log.set_config(id, config.clone()));
            }
        };
        self.storage.with_log(configure).await
    }

    async fn drop_partitions(&self, applied: &Applied, before: &ClusterState) {
        let Applied::Deleted { id } = applied else { return };
        let topic = before.topic_by_id(id).expect("it was deleted from this state");
        for id in topic.partition_ids() {
            if let Err(error) = self.storage.drop_partition(id).await {
                // The next start drops what no topic owns.
                tracing::warn!(topic = %topic.name, %error, "the files of a deleted topic stay until the next start");
            }
        }
    }
}
