//! The place of a waiter that is the only one: a [`WaitQueue`](crate::wait_queue::WaitQueue) without order, which costs its kernel nothing while
//! nobody waits.

use crate::wait_queue::Queue;

/// A place for one waiter. It is empty if nobody waits, or who waits has been woken.
#[derive(Debug)]
pub struct Seat<W>(Option<W>);

/// Kept by the one who waits until it [leaves](Queue::leave).
#[derive(Debug)]
#[must_use = "a waiter that cannot leave is leaked"]
pub struct Seated(());

impl<W> Seat<W> {
    /// A place that nobody has taken.
    #[inline]
    pub fn new() -> Self {
        Self(None)
    }
}

impl<W> Default for Seat<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W> Queue<W> for Seat<W> {
    type Key = ();
    type Ticket = Seated;

    /// # Panics
    /// Somebody waits already: one of the two would never be woken.
    #[inline]
    fn join(&mut self, (): (), waker: W) -> Seated {
        assert!(self.0.is_none(), "a second waiter in a place for one: what it waits for needs a WaitQueue");
        self.0 = Some(waker);
        Seated(())
    }

    #[inline]
    fn rejoin(&mut self, _: &Seated, waker: W) {
        self.0 = Some(waker);
    }

    #[inline]
    fn waker_mut(&mut self, _: &Seated) -> Option<&mut W> {
        self.0.as_mut()
    }

    #[inline]
    fn leave(&mut self, _: Seated) -> Option<W> {
        self.0.take()
    }

    #[inline]
    fn pop_front(&mut self) -> Option<W> {
        self.0.take()
    }
}
