//! Many append, one flushes: the order is fixed when an entry is queued, and one sync covers the whole group.
//!
//! Who appends gets an [`Answer`]: it is ready once the group that holds the entry has been flushed, or with
//! [`Unanswered`](crate::reply::Unanswered) when it never will be. Nothing is lost at the end: after [`GroupCommit::close`] the flusher gets all that
//! is queued before it gets `None`; when the flusher ends early, on an I/O error or a panic, everyone who waits learns it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::monitor::{Monitor, WaitQueue};
use crate::reply::{self, Answer, Reply};

struct State<T, R> {
    /// Queued and not yet taken by the flusher, in order. Bounded by those who append: whoever waits for the answer holds a budget of bytes in flight.
    queue: VecDeque<Entry<T, R>>,
    phase: Phase,
    /// The flusher, while there is nothing to do.
    flusher: WaitQueue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing gets in; what is queued is still flushed.
    Closed,
    /// The flusher is gone before its time: nothing gets in and nothing gets done.
    Dead,
}

/// The side that appends. Clones append to the same queue.
pub struct GroupCommit<T, R>(Arc<Monitor<State<T, R>>>);

/// The one side that flushes. Its end, however it comes about, fails everything that is still queued.
pub struct Flusher<T, R>(Arc<Monitor<State<T, R>>>);

/// One thing to be flushed.
#[derive(Debug)]
pub struct Entry<T, R> {
    /// What was appended.
    pub value: T,
    /// Its size, in bytes, as it counts for the size of a group.
    pub bytes: usize,
    /// Whom to tell. Dropped without an answer, it tells that there will be none.
    pub reply: Reply<R>,
}

/// Why an entry was not queued. It is handed back.
#[derive(Debug, PartialEq, Eq)]
pub enum Rejected<T> {
    /// The log is being shut down.
    Closed(T),
    /// The flusher has stopped before its time.
    Dead(T),
}

/// An empty queue and its flusher.
pub fn new<T, R>() -> (GroupCommit<T, R>, Flusher<T, R>) {
    let state = State { queue: VecDeque::new(), phase: Phase::Open, flusher: WaitQueue::new() };
    let monitor = Arc::new(Monitor::new(state));
    (GroupCommit(monitor.clone()), Flusher(monitor))
}

impl<T, R> GroupCommit<T, R> {
    /// Queues `value`, which counts for `bytes`. It comes after everything queued before and before everything queued later.
    ///
    /// # Errors
    /// Closed, or the flusher has died; the value comes back.
    pub fn append(&self, value: T, bytes: usize) -> Result<Answer<R>, Rejected<T>> {
        let (reply, answer) = reply::channel();
        let mut entry = Some(Entry { value, bytes, reply }); // outlives the lock: a reply's end wakes somebody
        let phase = self.0.update(|state, wakes| {
            if state.phase == Phase::Open {
                state.queue.extend(entry.take());
                wakes.one(&mut state.flusher);
            }
            state.phase
        });
        match entry {
            None => Ok(answer),
            Some(entry) if phase == Phase::Closed => Err(Rejected::Closed(entry.value)),
            Some(entry) => Err(Rejected::Dead(entry.value)),
        }
    }

    /// Lets nothing in any more. What is queued is still flushed, then the flusher gets `None`.
    pub fn close(&self) {
        self.0.update(|state, wakes| {
            if state.phase == Phase::Open {
                state.phase = Phase::Closed;
            }
            wakes.all(&mut state.flusher);
        });
    }

    /// How many entries wait for the flusher.
    pub fn queued(&self) -> usize {
        self.0.with(|state| state.queue.len())
    }
}

impl<T, R> Flusher<T, R> {
    /// Waits for work and takes the next group: the longest run from the front of the queue that fits into `max_bytes`, and at least one
    /// entry. `None` once the queue is closed and empty.
    ///
    /// *Cancel-safety*: dropped before it is ready, nothing has been taken.
    pub async fn next_group(&mut self, max_bytes: usize) -> Option<Vec<Entry<T, R>>> {
        let group = self.0.wait(
            |state| &mut state.flusher,
            (),
            move |state, _| {
                if state.queue.is_empty() {
                    return (state.phase != Phase::Open).then_some(None);
                }
                let length = group_length(&state.queue, max_bytes);
                Some(Some(state.queue.drain(..length).collect()))
            },
        );
        group.await
    }
}

/// Ends a group that is on the disk: `publish` makes it visible, and only then is anybody told, so that who knows that an entry
/// is done can see it.
pub fn settle<R>(publish: impl FnOnce(), answers: impl IntoIterator<Item = (Reply<R>, R)>) {
    publish();
    for (reply, answer) in answers {
        let _unwanted = reply.send(answer);
    }
}

/// The longest prefix within `max_bytes`, and at least one.
fn group_length<T, R>(queue: &VecDeque<Entry<T, R>>, max_bytes: usize) -> usize {
    let mut bytes = 0usize;
    let fits = queue.iter().take_while(|entry| {
        bytes = bytes.saturating_add(entry.bytes);
        bytes <= max_bytes
    });
    fits.count().max(1)
}

impl<T, R> Drop for Flusher<T, R> {
    fn drop(&mut self) {
        let unflushed = self.0.update(|state, _| {
            if state.phase == Phase::Open || !state.queue.is_empty() {
                state.phase = Phase::Dead;
            }
            std::mem::take(&mut state.queue)
        });
        drop(unflushed); // after the lock: each reply's end wakes somebody
    }
}

impl<T, R> Clone for GroupCommit<T, R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, R> fmt::Debug for GroupCommit<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").field("queued", &self.queued()).finish_non_exhaustive()
    }
}
