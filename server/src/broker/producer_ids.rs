//! Producer ids: reserved from the cluster in blocks, given out one by one. An id that was reserved and not given out before a restart is lost, of 2^63.

use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::reply::{self, Reply};

use crate::cluster::{Applied, Command, Controller, ProposeError};
use crate::limits;

type Given = Result<i64, ProposeError>;

/// Where to ask. Clones ask the same task.
#[derive(Clone)]
pub struct ProducerIds(Sender<Reply<Given>>);

/// The task: it owns the block.
pub struct ProducerIdsTask {
    asked: Receiver<Reply<Given>>,
    controller: Controller,
    block: std::ops::Range<i64>,
}

/// Ids from blocks that `controller` reserves. The task must be run.
pub fn new(controller: Controller) -> (ProducerIds, ProducerIdsTask) {
    let (sender, asked) = mailbox::channel(limits::MAX_PRODUCER_ID_REQUESTS);
    (ProducerIds(sender), ProducerIdsTask { asked, controller, block: 0..0 })
}

impl ProducerIds {
    /// An id that nobody else has.
    ///
    /// *Cancel-safety*: dropped, an id may be lost.
    ///
    /// # Errors
    /// A new block was needed and could not be reserved.
    pub async fn next(&self) -> Given {
        let (reply, mut answer) = reply::channel();
        self.0.send(reply).await.map_err(|_| ProposeError::Closed)?;
        answer.wait().await.unwrap_or(Err(ProposeError::Closed))
    }
}

impl ProducerIdsTask {
    /// Works until all [`ProducerIds`] are gone.
    pub async fn run(mut self) {
        while let Some(reply) = self.asked.recv().await {
            let given = self.take().await;
            let _ = reply.send(given);
        }
    }

    async fn take(&mut self) -> Given {
        if self.block.is_empty() {
            let command = Command::AllocateProducerIds { count: limits::PRODUCER_ID_BLOCK };
            if let Applied::ProducerIds { first, count } = self.controller.propose(command).await? {
                self.block = first..first + count;
            }
        }
        self.block.next().ok_or(ProposeError::Closed)
    }
}
