//! Who waits for what, as plain data: it lives *inside* the state that a monitor's lock guards.
//!
//! Because the queue is under the same lock as the condition, "check, then register" cannot be interrupted, and a wake-up
//! cannot be lost between the two. Waking happens after the lock is gone: [`Wakes`] carries the woken out of it.
//!
//! `W` is what wakes one waiter: a [`std::task::Waker`] where tasks wait, a condition variable where threads do
//! (see [`crate::monitor`]).

use std::collections::VecDeque;

/// Names one waiter of one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket<K> {
    key: K,
    serial: u64,
}

/// Waiters in order of key, then of arrival. With `K = ()`: first come, first served.
#[derive(Debug)]
pub struct WaitQueue<W, K = ()> {
    /// Sorted by (key, serial). A waiter leaves when it is woken or when it gives up.
    waiting: VecDeque<(Ticket<K>, W)>,
    /// Woken, but not yet run: a permit in flight. If such a waiter gives up, the permit goes to the next one.
    woken: Vec<u64>,
    next_serial: u64,
}

impl<W, K> Default for WaitQueue<W, K> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), woken: Vec::new(), next_serial: 0 }
    }
}

impl<W, K: Ord + Copy> WaitQueue<W, K> {
    /// A queue in which nobody waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many wait and are not woken yet.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a waiter for `key`.
    pub fn join(&mut self, key: K, waker: W) -> Ticket<K> {
        let ticket = Ticket { key, serial: self.next_serial };
        self.next_serial += 1;
        let at = self.position(&ticket).unwrap_or_else(|at| at);
        self.waiting.insert(at, (ticket, waker));
        ticket
    }

    /// The waker of a waiter that still waits, to be renewed; `None` once it has been woken.
    pub fn waker_mut(&mut self, ticket: &Ticket<K>) -> Option<&mut W> {
        let at = self.position(ticket).ok()?;
        Some(&mut self.waiting[at].1)
    }

    /// Takes a waiter out, woken or not. Returns whether it had been woken: then a permit is in the caller's hand, to
    /// be used or passed on with [`Wakes::one`].
    pub fn leave(&mut self, ticket: &Ticket<K>) -> bool {
        if let Ok(at) = self.position(ticket) {
            self.waiting.remove(at);
            return false;
        }
        match self.woken.iter().position(|serial| *serial == ticket.serial) {
            Some(at) => {
                self.woken.swap_remove(at);
                true
            }
            None => false,
        }
    }

    fn position(&self, ticket: &Ticket<K>) -> Result<usize, usize> {
        self.waiting
            .binary_search_by(|(other, _)| (other.key, other.serial).cmp(&(ticket.key, ticket.serial)))
    }

    fn pop_front(&mut self) -> Option<W> {
        let (ticket, waker) = self.waiting.pop_front()?;
        self.woken.push(ticket.serial);
        Some(waker)
    }
}

/// The waiters woken inside a critical section; they run when this is dropped, after the lock.
#[derive(Debug)]
pub struct Wakes<W: Wake> {
    first: Option<W>,
    rest: Vec<W>,
}

/// What can be woken.
pub trait Wake {
    /// Wakes it.
    fn wake(self);
}

impl Wake for std::task::Waker {
    fn wake(self) {
        std::task::Waker::wake(self);
    }
}

impl<W: Wake> Default for Wakes<W> {
    fn default() -> Self {
        Self { first: None, rest: Vec::new() }
    }
}

impl<W: Wake> Wakes<W> {
    /// Wakes the waiter that came first, if any waits.
    pub fn one<K: Ord + Copy>(&mut self, queue: &mut WaitQueue<W, K>) {
        if let Some(waker) = queue.pop_front() {
            self.push(waker);
        }
    }

    /// Wakes all.
    pub fn all<K: Ord + Copy>(&mut self, queue: &mut WaitQueue<W, K>) {
        while let Some(waker) = queue.pop_front() {
            self.push(waker);
        }
    }

    /// Wakes all whose key is at most `key`.
    pub fn up_to<K: Ord + Copy>(&mut self, queue: &mut WaitQueue<W, K>, key: K) {
        while queue.waiting.front().is_some_and(|(ticket, _)| ticket.key <= key) {
            self.one(queue);
        }
    }

    fn push(&mut self, waker: W) {
        match &self.first {
            None => self.first = Some(waker),
            Some(_) => self.rest.push(waker),
        }
    }
}

impl<W: Wake> Drop for Wakes<W> {
    fn drop(&mut self) {
        self.first.take().into_iter().chain(self.rest.drain(..)).for_each(Wake::wake);
    }
}
