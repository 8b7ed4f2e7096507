//! Where to ask.

use chronik_kafka::Str;
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::reply::{self, Answer};

use super::{Ask, Message, Reply};
use crate::limits;

/// The coordinator is closed, or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the group coordinator is closed")]
pub struct Closed;

/// Where groups are asked. Clones ask the same coordinator.
#[derive(Clone)]
pub struct Groups(Sender<Message>);

/// The way to a coordinator, and the end of it that the coordinator has.
#[must_use]
pub fn channel() -> (Groups, Receiver<Message>) {
    let (sender, receiver) = mailbox::channel(limits::MAX_MESSAGES);
    (Groups(sender), receiver)
}

impl Groups {
    /// Asks, and waits for the answer.
    ///
    /// *Cancel-safety*: dropped, the request may or may not be carried out. Who drops one that may wait for long says so with
    /// [`Groups::abandoned`].
    ///
    /// # Errors
    /// Closed.
    pub async fn ask(&self, ask: Ask) -> Result<Reply, Closed> {
        self.begin(ask).await?.wait().await.map_err(|_| Closed)
    }

    /// Asks; the answer can be waited for later.
    ///
    /// *Cancel-safety*: dropped before it is ready, nothing was asked.
    ///
    /// # Errors
    /// Closed.
    pub async fn begin(&self, ask: Ask) -> Result<Answer<Reply>, Closed> {
        let (reply, answer) = reply::channel();
        self.tell(Message::Ask { ask, reply }).await?;
        Ok(answer)
    }

    /// Somebody who asked something of this group has dropped the answer.
    pub async fn abandoned(&self, group: Str) {
        let _nobody_to_tell = self.tell(Message::Abandoned(group)).await;
    }

    /// Tells the coordinator something.
    ///
    /// *Cancel-safety*: dropped before it is ready, nothing was told.
    ///
    /// # Errors
    /// Closed.
    pub async fn tell(&self, message: Message) -> Result<(), Closed> {
        self.0.send(message).await.map_err(|_| Closed)
    }
}
