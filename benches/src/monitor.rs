//! `monitor/task.rs` as it would be on `parking_lot` itself: the same steps without a word to the hook. The bench fails when the two
//! drift apart, in either direction.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::sync::Mutex;
use crate::wait_queue::{self, Ticket};

pub type Waiter = std::task::Waker;
/// As in `concurrency_models::monitor`.
pub type WaitQueue<K = ()> = wait_queue::WaitQueue<Waiter, K>;
type Wakes = wait_queue::Wakes<Waiter>;
type QueueOf<S, K> = fn(&mut S) -> &mut WaitQueue<K>;

#[derive(Default)]
pub struct Monitor<S> {
    state: Mutex<S>,
}

impl<S> Monitor<S> {
    #[inline]
    pub fn new(state: S) -> Self {
        Self { state: Mutex::new(state) }
    }

    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut S) -> R) -> R {
        f(&mut self.state.lock())
    }

    #[inline]
    pub fn update<R>(&self, f: impl FnOnce(&mut S, &mut Wakes) -> R) -> R {
        let mut wakes = Wakes::default();
        f(&mut self.state.lock(), &mut wakes)
    }

    pub fn wait<K, R, F>(&self, queue: QueueOf<S, K>, key: K, ready: F) -> Wait<'_, S, K, F>
    where
        K: Ord + Copy,
        F: FnMut(&mut S, &mut Wakes) -> Option<R>,
    {
        Wait { monitor: self, queue, key, ready, ticket: None }
    }

    #[inline]
    pub fn into_inner(self) -> S {
        self.state.into_inner()
    }

    #[inline]
    pub fn called(&self, _: &'static str) {}
}

pub struct Wait<'a, S, K: Ord + Copy, F> {
    monitor: &'a Monitor<S>,
    queue: QueueOf<S, K>,
    key: K,
    ready: F,
    ticket: Option<Ticket<K>>,
}

impl<S, K: Ord + Copy, F> Unpin for Wait<'_, S, K, F> {}

impl<S, K, R, F> Future for Wait<'_, S, K, F>
where
    K: Ord + Copy,
    F: FnMut(&mut S, &mut Wakes) -> Option<R>,
{
    type Output = R;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = self.get_mut();
        let mut wakes = Wakes::default();
        let _unneeded;
        let mut state = this.monitor.state.lock();
        if let Some(result) = (this.ready)(&mut state, &mut wakes) {
            if let Some(ticket) = this.ticket.take() {
                _unneeded = (this.queue)(&mut state).leave(ticket);
            }
            return Poll::Ready(result);
        }
        _unneeded = this.stay((this.queue)(&mut state), context.waker());
        Poll::Pending
    }
}

impl<S, K: Ord + Copy, F> Wait<'_, S, K, F> {
    fn stay(&mut self, queue: &mut WaitQueue<K>, waker: &Waiter) -> Option<Waiter> {
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

impl<S, K: Ord + Copy, F> Drop for Wait<'_, S, K, F> {
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
