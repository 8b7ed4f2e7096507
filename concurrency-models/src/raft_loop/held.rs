//! What is on its way to the disk, and the messages that wait for it.

use std::collections::VecDeque;

use raft::eraftpb::Message;

use super::Transport;
use super::round::{Persist, Readied};
use super::run::PersistFailed;
use crate::mailbox::{Sender, TrySendError};

/// Messages that wait for one request at most. More are lost, which Raft bears: they are answers to a leader who asks again.
const MESSAGES_PER_REQUEST: usize = 1024;

/// Requests in the order of their rounds, and with each what may leave after it.
pub(super) struct Held {
    /// Has room for some; the others are in `queued`.
    to_wal: Sender<Persist>,
    /// Requests that found no room at the WAL thread.
    queued: VecDeque<Persist>,
    /// Requests that are not durable yet, at the WAL thread or queued.
    waiting: VecDeque<Waiting>,
    /// The ready up to which everything is durable, if raft has not been told of it yet.
    durable: Option<u64>,
    /// A term that is durable. Above it, a leader's messages wait, too: a single voter leads without having asked anybody, and a learner must not
    /// hear of a term that a restart would begin once more.
    durable_term: u64,
}

struct Waiting {
    /// Number of the request.
    request: u64,
    /// Number of the last ready that needs nothing but this request, and those before it.
    through: u64,
    /// The term as of then.
    term: u64,
    messages: Vec<Message>,
}

impl Held {
    pub(super) fn new(to_wal: Sender<Persist>) -> Self {
        Self { to_wal, queued: VecDeque::new(), waiting: VecDeque::new(), durable: None, durable_term: 0 }
    }

    /// Sends what may leave now, holds what may not, and gives the WAL thread its request, which `complete` has a look at when nobody else waits
    /// for that.
    pub(super) fn send_or_hold(
        &mut self,
        mut messages: Vec<Message>,
        ready: Readied,
        transport: &mut impl Transport,
        complete: impl FnOnce(&mut Persist),
    ) -> Result<(), PersistFailed> {
        let Readied { number, term, persist, messages: mut after } = ready;
        if term > self.durable_term {
            after.splice(0..0, messages.drain(..));
        }
        messages.into_iter().for_each(|message| transport.send(message));
        if let Some(mut request) = persist {
            complete(&mut request);
            self.waiting.push_back(Waiting { request: number, through: number, term, messages: after });
            self.queued.push_back(request);
            return self.ask_wal();
        }
        match self.waiting.back_mut() {
            Some(last) => last.join(number, term, after),
            None => self.durable(number, term, after, transport),
        }
        Ok(())
    }

    /// The WAL thread is done with everything up to the request `number`: what waited for it leaves, and more requests follow.
    pub(super) fn persisted(
        &mut self,
        number: u64,
        transport: &mut impl Transport,
    ) -> Result<(), PersistFailed> {
        let asked = self.queued.front().is_none_or(|first| number < first.number)
            && self.waiting.iter().any(|waiting| waiting.request == number);
        if !asked {
            return Err(PersistFailed(format!("request {number} is said to be durable and was not made")));
        }
        while let Some(first) = self.waiting.pop_front_if(|first| first.request <= number) {
            self.durable(first.through, first.term, first.messages, transport);
        }
        self.ask_wal()
    }

    /// The ready up to which everything is durable, if that is news for raft.
    pub(super) fn take_durable(&mut self) -> Option<u64> {
        self.durable.take()
    }

    fn durable(&mut self, through: u64, term: u64, messages: Vec<Message>, transport: &mut impl Transport) {
        self.durable = Some(through);
        self.durable_term = term;
        messages.into_iter().for_each(|message| transport.send(message));
    }

    /// Gives the WAL thread as many requests as it has room for.
    fn ask_wal(&mut self) -> Result<(), PersistFailed> {
        while let Some(request) = self.queued.pop_front() {
            match self.to_wal.try_send(request) {
                Ok(()) => {}
                Err(TrySendError::Full(request)) => {
                    self.queued.push_front(request);
                    break;
                }
                Err(TrySendError::Closed(_)) => {
                    return Err(PersistFailed("its thread has ended".to_owned()));
                }
            }
        }
        Ok(())
    }
}

impl Waiting {
    /// A ready with nothing to write needs what this one needs.
    fn join(&mut self, through: u64, term: u64, messages: Vec<Message>) {
        (self.through, self.term) = (through, term);
        let room = MESSAGES_PER_REQUEST.saturating_sub(self.messages.len());
        self.messages.extend(messages.into_iter().take(room));
    }
}
