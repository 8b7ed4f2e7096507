//! The monitor of production: a waiter is a task, woken by its [`Waker`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, Site};
use crate::wait_queue::{Queue, Wakes};

/// What wakes one waiter.
pub type Waiter = Waker;

/// State behind one lock, and the tasks that wait for it to change.
#[derive(Default)]
pub struct Monitor<S> {
    /// Held for the length of one closure; never while a task is woken.
    state: Mutex<S>,
}

impl<S> Monitor<S> {
    /// A monitor over `state`.
    #[inline]
    #[track_caller]
    pub fn new(state: S) -> Self {
        Self { state: Mutex::new(state) }
    }

    /// Reads or changes the state under the lock, waking nobody.
    #[inline]
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(&mut S) -> R) -> R {
        f(&mut self.state.lock_at(Site::here()))
    }

    /// Changes the state under the lock, then wakes whom `f` put into its [`Wakes`].
    #[inline]
    #[track_caller]
    pub fn update<R>(&self, f: impl FnOnce(&mut S, &mut Wakes<Waiter>) -> R) -> R {
        let site = Site::here();
        // declared first: dropped, and so woken, after the guard
        let mut wakes = Wakes::from(self.state.identity().origin(site));
        f(&mut self.state.lock_at(site), &mut wakes)
    }

    /// Waits until `ready` returns a value. `ready` runs under the lock; when it returns `None` the task is queued in
    /// `queue` under `key` before the lock is given back.
    ///
    /// *Cancel-safety*: until the future is ready it has taken nothing. Dropped after its wake-up, it hands the
    /// wake-up to the next waiter.
    #[track_caller]
    pub fn wait<Q, R, F>(&self, queue: QueueOf<S, Q>, key: Q::Key, ready: F) -> Wait<'_, S, Q, F>
    where
        Q: Queue<Waiter>,
        F: FnMut(&mut S, &mut Wakes<Waiter>) -> Option<R>,
    {
        Wait { monitor: self, queue, key, ready, site: Site::here(), ticket: None }
    }

    /// The state, which nobody else can reach any more: nobody waits, and there is nothing to lock.
    #[inline]
    pub fn into_inner(self) -> S {
        self.state.into_inner()
    }

    /// Lets those who watch know that somebody calls `operation` of the kernel around this.
    #[inline]
    #[track_caller]
    pub fn called(&self, operation: &'static str) {
        self.state.identity().called(operation, Site::here());
    }
}

/// Finds one of the queues that a state holds.
pub type QueueOf<S, Q> = fn(&mut S) -> &mut Q;

/// The future of [`Monitor::wait`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Wait<'a, S, Q: Queue<Waiter>, F> {
    monitor: &'a Monitor<S>,
    queue: QueueOf<S, Q>,
    key: Q::Key,
    ready: F,
    /// The line that waits.
    site: Site,
    /// The place in the queue, while there is one.
    ticket: Option<Q::Ticket>,
}

/// Nothing in it is pinned: `ready` is called through a plain reference.
impl<S, Q: Queue<Waiter>, F> Unpin for Wait<'_, S, Q, F> {}

impl<S, Q, R, F> Future for Wait<'_, S, Q, F>
where
    Q: Queue<Waiter>,
    F: FnMut(&mut S, &mut Wakes<Waiter>) -> Option<R>,
{
    type Output = R;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = self.get_mut();
        let identity = this.monitor.state.identity();
        // dropped after the guard, as is the waker that is no longer needed
        let mut wakes = Wakes::from(identity.origin(this.site));
        let _unneeded;
        if this.ticket.is_some() {
            identity.woken(this.site);
        }
        let mut state = this.monitor.state.lock_at(this.site);
        if let Some(result) = (this.ready)(&mut state, &mut wakes) {
            if let Some(ticket) = this.ticket.take() {
                _unneeded = (this.queue)(&mut state).leave(ticket);
            }
            return Poll::Ready(result);
        }
        _unneeded = this.stay((this.queue)(&mut state), context.waker());
        drop(state);
        identity.waiting(this.site);
        Poll::Pending
    }
}

impl<S, Q: Queue<Waiter>, F> Wait<'_, S, Q, F> {
    /// Sees to it that `waker` is in the queue. Returns the one that it replaces there.
    fn stay(&mut self, queue: &mut Q, waker: &Waiter) -> Option<Waiter> {
        let Some(ticket) = &self.ticket else {
            self.ticket = Some(queue.join(self.key, waker.clone()));
            return None;
        };
        match queue.waker_mut(ticket) {
            Some(current) if current.will_wake(waker) => None,
            Some(current) => Some(std::mem::replace(current, waker.clone())),
            None => {
                queue.rejoin(ticket, waker.clone());
                None
            }
        }
    }
}

impl<S, Q: Queue<Waiter>, F> Drop for Wait<'_, S, Q, F> {
    #[inline]
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let queue_of = self.queue;
        let _unneeded = self.monitor.update(|state, wakes| {
            let queue = queue_of(state);
            let waker = queue.leave(ticket);
            if waker.is_none() {
                wakes.one(queue);
            }
            waker
        });
    }
}

impl<S> fmt::Debug for Monitor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").finish_non_exhaustive()
    }
}
