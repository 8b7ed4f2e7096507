//! The monitor that loom explores the kernels on: a waiter is a thread, parked on a condition variable of its own.
//!
//! Same calls and same order of wake-ups as [`super::task`]. The future of [`Monitor::wait`] never returns `Pending`: it blocks
//! its thread, so it cannot be dropped half-way. What a drop does is checked on the other monitor.

use std::fmt;
use std::sync::Arc;

use crate::sync::{Condvar, Mutex, Origin, Site};
use crate::wait_queue::{Queue, Wake, Wakes};

/// What wakes one waiter.
pub type Waiter = Arc<Condvar>;

impl Wake for Waiter {
    fn wake(self) {
        self.notify_one();
    }

    fn wake_from(self, origin: Origin) {
        self.notify_one_at(origin.site());
    }
}

/// State behind one lock, and the threads that wait for it to change.
#[derive(Default)]
pub struct Monitor<S> {
    /// Held for the length of one closure, and given back while a thread waits.
    state: Mutex<S>,
}

/// Finds one of the queues that a state holds.
pub type QueueOf<S, Q> = fn(&mut S) -> &mut Q;

impl<S> Monitor<S> {
    /// A monitor over `state`.
    #[track_caller]
    pub fn new(state: S) -> Self {
        Self { state: Mutex::new(state) }
    }

    /// See [`super::task::Monitor::with`].
    #[inline]
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(&mut S) -> R) -> R {
        f(&mut self.state.lock_at(Site::here()))
    }

    /// See [`super::task::Monitor::update`].
    #[inline]
    #[track_caller]
    pub fn update<R>(&self, f: impl FnOnce(&mut S, &mut Wakes<Waiter>) -> R) -> R {
        let site = Site::here();
        // declared first: dropped, and so woken, after the guard
        let mut wakes = Wakes::from(self.state.identity().origin(site));
        f(&mut self.state.lock_at(site), &mut wakes)
    }

    /// See [`super::task::Monitor::wait`]; blocks the thread at its first poll.
    #[track_caller]
    pub fn wait<Q, R, F>(&self, queue: QueueOf<S, Q>, key: Q::Key, ready: F) -> impl Future<Output = R>
    where
        Q: Queue<Waiter>,
        F: FnMut(&mut S, &mut Wakes<Waiter>) -> Option<R>,
    {
        self.wait_at(queue, key, ready, Site::here())
    }

    async fn wait_at<Q, R, F>(&self, queue: QueueOf<S, Q>, key: Q::Key, mut ready: F, site: Site) -> R
    where
        Q: Queue<Waiter>,
        F: FnMut(&mut S, &mut Wakes<Waiter>) -> Option<R>,
    {
        // declared first: dropped, and so woken, after the guard
        let mut wakes = Wakes::from(self.state.identity().origin(site));
        let mut state = self.state.lock_at(site);
        let waiter = Waiter::default();
        let mut ticket: Option<Q::Ticket> = None;
        loop {
            if let Some(result) = ready(&mut state, &mut wakes) {
                return result;
            }
            let ticket = match &ticket {
                None => ticket.insert(queue(&mut state).join(key, waiter.clone())),
                Some(ticket) => {
                    queue(&mut state).rejoin(ticket, waiter.clone());
                    ticket
                }
            };
            while queue(&mut state).waker_mut(ticket).is_some() {
                state = waiter.wait_at(state, site);
            }
        }
    }

    /// See [`super::task::Monitor::into_inner`].
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

impl<S> fmt::Debug for Monitor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").finish_non_exhaustive()
    }
}
