//! The two ends of the streams between this node and another one, as those see them who have something to tell them.

use bytes::Bytes;
use chronik_log::PartitionId;
use concurrency_models::mailbox::{Sender, TrySendError};

use super::stream::{message, receiver, sender};

/// Where the tasks of both streams are told something. A task that has ended needs to know nothing any more.
pub(super) struct Ends {
    /// What the other node hears from this one, as its follower.
    pub(super) sender: Sender<sender::Event>,
    /// What this node hears from the other one, as its leader.
    pub(super) receiver: Sender<receiver::Event>,
}

impl Ends {
    /// This node follows these by the other one, in these leader epochs.
    pub(super) async fn follow(&self, partitions: Vec<(PartitionId, i32)>) {
        let _ended = self.receiver.send(receiver::Event::Follow(partitions)).await;
    }

    /// It does so no longer.
    pub(super) async fn unfollow(&self, partitions: Vec<PartitionId>) {
        let _ended = self.receiver.send(receiver::Event::Unfollow(partitions)).await;
    }

    /// The other node, `from`, says something.
    pub(super) fn hear(&self, from: i32, bytes: Bytes) {
        let refused = if message::is_for_leader(&bytes) {
            is_refused(&self.sender.try_send(sender::Event::Said(bytes)))
        } else {
            is_refused(&self.receiver.try_send(receiver::Event::Said(bytes)))
        };
        if refused {
            tracing::warn!(from, "a node sends more than it was allowed to: some of it is ignored");
        }
    }

    /// The other node can be spoken to.
    pub(super) fn connected(&self) {
        self.tell(sender::Event::Connected, receiver::Event::Connected);
    }

    /// It cannot any more; what was under way is gone.
    pub(super) fn lost(&self) {
        self.tell(sender::Event::Lost, receiver::Event::Lost);
    }

    fn tell(&self, to_sender: sender::Event, to_receiver: receiver::Event) {
        let refused =
            is_refused(&self.sender.try_send(to_sender)) | is_refused(&self.receiver.try_send(to_receiver));
        if refused {
            tracing::error!(
                "a stream does not hear that its connection has come or gone: too much waits for it"
            );
        }
    }

    /// Both end.
    pub(super) async fn stop(&self) {
        let _ended_before = self.sender.send(sender::Event::Stop).await;
        let _ended_before = self.receiver.send(receiver::Event::Stop).await;
    }
}

/// Whether there was no room. A task that has ended refuses nothing.
fn is_refused<T>(sent: &Result<(), TrySendError<T>>) -> bool {
    matches!(sent, Err(TrySendError::Full(_)))
}
