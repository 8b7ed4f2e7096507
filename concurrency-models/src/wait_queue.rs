//! Who waits for what, as plain data: it lives *inside* the state that a monitor's lock guards.
//!
//! Because the queue is under the same lock as the condition, "check, then register" cannot be interrupted, and a wake-up
//! cannot be lost between the two. Waking happens after the lock is gone: [`Wakes`] carries the woken out of it.
//!
//! `W` is what wakes one waiter: a [`std::task::Waker`] where tasks wait, a condition variable where threads do
//! (see [`crate::monitor`]).

use std::collections::BTreeMap;

use crate::sync::Origin;

/// Where waiters wait: a [`WaitQueue`], or a [`Seat`](crate::seat::Seat) if there is never more than one.
pub trait Queue<W> {
    /// What a waiter waits for.
    type Key: Copy;
    /// The place of one waiter. There is one leave for every join.
    type Ticket;

    /// Adds a waiter for `key`, behind those who wait for it already.
    fn join(&mut self, key: Self::Key, waker: W) -> Self::Ticket;

    /// Puts a waiter that was woken, and found that it still has to wait, back into its old place.
    fn rejoin(&mut self, ticket: &Self::Ticket, waker: W);

    /// The waker of a waiter that still waits, to be renewed; `None` once it has been woken.
    fn waker_mut(&mut self, ticket: &Self::Ticket) -> Option<&mut W>;

    /// Takes a waiter out and returns its waker, to be dropped after the lock. `None` if it had been woken: then a permit is in the
    /// caller's hand, to be used or passed on with [`Wakes::one`].
    fn leave(&mut self, ticket: Self::Ticket) -> Option<W>;

    /// Takes out who is woken next.
    fn pop_front(&mut self) -> Option<W>;
}

/// The place of one waiter in one queue, kept until the waiter [leaves](Queue::leave). Neither `Clone` nor `Copy`: there is one
/// leave for every join.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a waiter that cannot leave is leaked"]
pub struct Ticket<K>(Place<K>);

/// Orders waiters: by key, then by arrival.
type Place<K> = (K, u64);

/// Waiters in order of key, then of arrival. With `K = ()`: first come, first served.
///
/// A waiter that is in none of the two places has been woken: its ticket stands for a permit in flight.
#[derive(Debug)]
pub struct WaitQueue<W, K = ()> {
    /// Who is woken next. Mostly nobody else waits, and this needs no allocation.
    first: Option<(Place<K>, W)>,
    /// Who comes after `first`; empty if there is no first.
    rest: BTreeMap<Place<K>, W>,
    /// Never used twice.
    next_serial: u64,
}

impl<W, K> Default for WaitQueue<W, K> {
    fn default() -> Self {
        Self { first: None, rest: BTreeMap::new(), next_serial: 0 }
    }
}

impl<W, K: Ord + Copy> WaitQueue<W, K> {
    /// A queue in which nobody waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many wait and are not woken yet.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn insert(&mut self, place: Place<K>, waker: W) {
        match &mut self.first {
            None => self.first = Some((place, waker)),
            Some(first) if place < first.0 => {
                let (second, waker) = std::mem::replace(first, (place, waker));
                self.rest.insert(second, waker);
            }
            Some(_) => drop(self.rest.insert(place, waker)), // never anything: a place is taken once
        }
    }
}

impl<W, K: Ord + Copy> Queue<W> for WaitQueue<W, K> {
    type Key = K;
    type Ticket = Ticket<K>;

    fn join(&mut self, key: K, waker: W) -> Ticket<K> {
        let place = (key, self.next_serial);
        self.next_serial += 1;
        self.insert(place, waker);
        Ticket(place)
    }

    fn rejoin(&mut self, ticket: &Ticket<K>, waker: W) {
        self.insert(ticket.0, waker);
    }

    fn waker_mut(&mut self, ticket: &Ticket<K>) -> Option<&mut W> {
        match &mut self.first {
            Some((place, waker)) if *place == ticket.0 => Some(waker),
            _ => self.rest.get_mut(&ticket.0),
        }
    }

    fn leave(&mut self, ticket: Ticket<K>) -> Option<W> {
        match &self.first {
            Some((place, _)) if *place == ticket.0 => self.pop_front(),
            _ => self.rest.remove(&ticket.0),
        }
    }

    #[inline]
    fn pop_front(&mut self) -> Option<W> {
        let (_, waker) = self.first.take()?;
        self.first = self.rest.pop_first();
        Some(waker)
    }
}

/// The waiters woken inside a critical section; they run when this is dropped, after the lock.
#[derive(Debug)]
pub struct Wakes<W: Wake> {
    woken: Woken<W>,
    /// Who wakes them, for those who watch.
    origin: Origin,
}

/// Mostly it is nobody or one, and needs no allocation.
#[derive(Debug)]
enum Woken<W> {
    Nobody,
    One(W),
    /// In order.
    Many(Vec<W>),
}

/// What can be woken.
pub trait Wake {
    /// Wakes it.
    fn wake(self);

    /// Wakes it, and lets those who watch know for whom.
    fn wake_from(self, origin: Origin)
    where
        Self: Sized,
    {
        origin.notified();
        self.wake();
    }
}

impl Wake for std::task::Waker {
    fn wake(self) {
        std::task::Waker::wake(self);
    }
}

impl<W: Wake> Default for Wakes<W> {
    fn default() -> Self {
        Self::from(Origin::default())
    }
}

impl<W: Wake> From<Origin> for Wakes<W> {
    fn from(origin: Origin) -> Self {
        Self { woken: Woken::Nobody, origin }
    }
}

impl<W: Wake> Wakes<W> {
    /// Wakes the waiter that came first, if any waits.
    #[inline]
    pub fn one(&mut self, queue: &mut impl Queue<W>) {
        if let Some(waker) = queue.pop_front() {
            self.push(waker);
        }
    }

    /// Wakes all.
    #[inline]
    pub fn all(&mut self, queue: &mut impl Queue<W>) {
        while let Some(waker) = queue.pop_front() {
            self.push(waker);
        }
    }

    /// Wakes all whose key is at most `key`.
    #[inline]
    pub fn up_to<K: Ord + Copy>(&mut self, queue: &mut WaitQueue<W, K>, key: K) {
        while queue.first.as_ref().is_some_and(|((waiting_for, _), _)| *waiting_for <= key) {
            self.one(queue);
        }
    }

    #[inline]
    fn push(&mut self, waker: W) {
        self.woken = match self.take() {
            Woken::Nobody => Woken::One(waker),
            Woken::One(first) => Woken::Many(vec![first, waker]),
            Woken::Many(mut woken) => {
                woken.push(waker);
                Woken::Many(woken)
            }
        };
    }

    fn take(&mut self) -> Woken<W> {
        std::mem::replace(&mut self.woken, Woken::Nobody)
    }

    #[cold]
    fn wake(&mut self) {
        match self.take() {
            Woken::Nobody => (),
            Woken::One(waiter) => waiter.wake_from(self.origin),
            Woken::Many(woken) => woken.into_iter().for_each(|waiter| waiter.wake_from(self.origin)),
        }
    }
}

impl<W: Wake> Drop for Wakes<W> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.woken, Woken::Nobody) {
            self.wake();
        }
    }
}
