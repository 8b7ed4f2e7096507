//! What the suites compare with: each as plain as it can be, and right at a glance.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use concurrency_models::sync::sharded_map::Backing;

/// A map for one thread.
#[derive(Default)]
pub(crate) struct PlainMap(RefCell<BTreeMap<u32, u32>>);

impl Backing<u32, u32> for PlainMap {
    fn view<R>(&self, key: &u32, look: impl FnOnce(&u32) -> R) -> Option<R> {
        self.0.borrow().get(key).map(look)
    }

    fn update<R>(&self, key: &u32, change: impl FnOnce(&mut u32) -> R) -> Option<R> {
        self.0.borrow_mut().get_mut(key).map(change)
    }

    fn upsert(&self, key: u32, value: u32, merge: impl FnOnce(&mut u32, u32)) {
        let mut map = self.0.borrow_mut();
        if let Some(present) = map.get_mut(&key) {
            merge(present, value);
        } else {
            map.insert(key, value);
        }
    }

    fn remove_if(&self, key: &u32, condition: impl FnOnce(&u32) -> bool) -> Option<u32> {
        let mut map = self.0.borrow_mut();
        if condition(map.get(key)?) { map.remove(key) } else { None }
    }

    fn for_each(&self, mut look: impl FnMut(&u32, &u32)) {
        self.0.borrow().iter().for_each(|(key, value)| look(key, value));
    }

    fn count(&self) -> usize {
        self.0.borrow().len()
    }
}

/// A mailbox for one thread: it says that a call would wait instead of waiting.
pub(crate) struct PlainMailbox {
    queue: VecDeque<u32>,
    capacity: usize,
    senders: usize,
    closed: bool,
}

/// What a call on a mailbox comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Sent,
    Full(u32),
    Closed(u32),
    Received(u32),
    /// Nothing to receive now.
    Empty,
    /// Nothing to receive any more.
    Ended,
    /// It would wait.
    Waits,
    /// A call that has no result.
    Done,
}

/// A call on a mailbox.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    TrySend(u32),
    Send(u32),
    TryRecv,
    Recv,
    CloneSender,
    /// Of one that was cloned, or of the first when there is no other.
    DropSender,
    Close,
}

/// What makes a mailbox: capacity, then calls.
pub(crate) trait Channel {
    fn with_capacity(capacity: usize) -> Self;
    /// Makes the call. `waits`: what it comes to is known to be [`Outcome::Waits`].
    fn call(&mut self, call: Call, waits: bool) -> Outcome;
}

impl Channel for PlainMailbox {
    fn with_capacity(capacity: usize) -> Self {
        Self { queue: VecDeque::new(), capacity, senders: 1, closed: false }
    }

    fn call(&mut self, call: Call, _: bool) -> Outcome {
        match call {
            Call::TrySend(message) | Call::Send(message) if self.senders == 0 || self.closed => {
                Outcome::Closed(message)
            }
            Call::TrySend(message) if self.queue.len() == self.capacity => Outcome::Full(message),
            Call::Send(_) if self.queue.len() == self.capacity => Outcome::Waits,
            Call::TrySend(message) | Call::Send(message) => self.put(message),
            Call::TryRecv => self.queue.pop_front().map_or(Outcome::Empty, Outcome::Received),
            Call::Recv => self.queue.pop_front().map_or_else(|| self.nothing(), Outcome::Received),
            Call::CloneSender => self.count(self.senders + usize::from(self.senders > 0)),
            Call::DropSender => self.count(self.senders.saturating_sub(1)),
            Call::Close => self.close(),
        }
    }
}

impl PlainMailbox {
    fn put(&mut self, message: u32) -> Outcome {
        self.queue.push_back(message);
        Outcome::Sent
    }

    fn nothing(&self) -> Outcome {
        if self.closed || self.senders == 0 { Outcome::Ended } else { Outcome::Waits }
    }

    fn count(&mut self, senders: usize) -> Outcome {
        self.senders = senders;
        Outcome::Done
    }

    fn close(&mut self) -> Outcome {
        self.closed = true;
        Outcome::Done
    }
}
