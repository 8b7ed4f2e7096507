//! The controller: the only writer of the metadata.
//!
//! A proposal is checked against the state, made durable as a record of the log, folded in, published, and only then answered: who has the answer
//! finds its effect in the image.

use std::sync::Arc;

use bytes::Bytes;
use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::pending::Pending;
use concurrency_models::reply::{self, Reply};

use super::command::{Applied, Command, ConfigResource, Refusal};
use super::node_settings::NodeSettings;
use super::since_snapshot::SinceSnapshot;
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
    /// The last.
    Close(Reply<()>),
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
    /// The records that it is a fold of, beside the last snapshot.
    since_snapshot: SinceSnapshot,
    storage: Storage,
    /// What a topic's own settings are laid over.
    settings: NodeSettings,
    /// Chooses the ids of topics.
    rng: Rng,
}

/// The metadata as it takes the place of all records before.
fn snapshot(state: &ClusterState) -> Bytes {
    Bytes::from(serde_json::to_vec(state).expect("a state has only keys that are strings"))
}

/// A controller over `state` and what it was made of, as recovery found them. The task must be run.
pub fn new(
    state: ClusterState,
    since_snapshot: SinceSnapshot,
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
        since_snapshot,
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

    /// Ends the controller: carries out what was proposed before, and refuses what comes after. When this returns, it has ended.
    pub async fn close(&self) {
        let (reply, mut answer) = reply::channel();
        if self.messages.send(Message::Close(reply)).await.is_ok() {
            let _or_it_ended_before = answer.wait().await;
        }
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
                    self.keep_records_few().await;
                }
                Message::Close(reply) => {
                    let _ = reply.send(());
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
        let record_bytes = record.len();
        self.storage.append_metadata(Bytes::from(record)).await?;
        self.since_snapshot.add(record_bytes);
        let before = std::mem::replace(&mut self.state, next.clone());
        // A partition exists before the image names it, and is named by no image when it goes.
        let created = self.create_partitions(&applied).await;
        self.image.replace(next);
        self.drop_partitions(&applied, &before).await;
        created?;
        self.configure_logs(&applied).await?;
        Ok(applied)
    }

    /// Puts the state in the place of the records that it was made of, once they are many.
    async fn keep_records_few(&mut self) {
        if !self.since_snapshot.is_due() {
            return;
        }
        if let Err(error) = self.storage.replace_metadata(snapshot(&self.state)).await {
            tracing::warn!(%error, "no metadata snapshot could be written: it is tried again after as many records");
        }
        self.since_snapshot = SinceSnapshot::default();
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

#[cfg(test)]
#[path = "controller_tests.rs"]
mod tests;
