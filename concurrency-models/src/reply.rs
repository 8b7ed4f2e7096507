//! One answer for one question: it is given exactly once, or the one who waits learns that it never will be.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::monitor::{Monitor, Seat};

enum Slot<T> {
    /// Not answered yet, and wanted.
    Open,
    Answered(T),
    /// One of the two sides was dropped while it was open, or the answer has been taken.
    Gone,
}

impl<T> Slot<T> {
    #[inline]
    fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// What the one who waits learns from it, and takes out of it; `None` if that is nothing yet.
    #[inline]
    fn take(&mut self) -> Option<Result<T, Unanswered>> {
        match std::mem::replace(self, Self::Gone) {
            Self::Open => {
                *self = Self::Open;
                None
            }
            Self::Answered(answer) => Some(Ok(answer)),
            Self::Gone => Some(Err(Unanswered)),
        }
    }
}

struct State<T> {
    slot: Slot<T>,
    /// Whoever has the [`Answer`]: to wait is to borrow it.
    waiting: Seat,
}

/// The side that answers. Dropping it is an answer too: [`Unanswered`].
pub struct Reply<T> {
    /// `None` once it has answered.
    open: Option<Arc<Monitor<State<T>>>>,
}

/// The side that waits.
#[must_use = "nobody learns the answer"]
pub struct Answer<T> {
    /// `None` once the answer, or that there is none, is known.
    open: Option<Arc<Monitor<State<T>>>>,
}

/// The one who should have answered is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered;

/// A question: who answers it, and who waits.
#[inline]
#[track_caller]
pub fn channel<T>() -> (Reply<T>, Answer<T>) {
    let monitor = Arc::new(Monitor::new(State { slot: Slot::Open, waiting: Seat::new() }));
    (Reply { open: Some(monitor.clone()) }, Answer { open: Some(monitor) })
}

impl<T> Reply<T> {
    /// Gives the answer.
    ///
    /// # Errors
    /// Nobody waits any more: the answer comes back.
    #[inline]
    #[track_caller]
    pub fn send(mut self, answer: T) -> Result<(), T> {
        let Some(monitor) = self.open.take() else { return Err(answer) };
        monitor.called("send");
        Self::give(&monitor, answer)
    }

    #[inline]
    fn give(monitor: &Monitor<State<T>>, answer: T) -> Result<(), T> {
        monitor.update(|state, wakes| {
            if !state.slot.is_open() {
                return Err(answer);
            }
            state.slot = Slot::Answered(answer);
            wakes.one(&mut state.waiting);
            Ok(())
        })
    }

    /// Whether anybody still waits for the answer.
    pub fn is_wanted(&self) -> bool {
        self.open.as_ref().is_some_and(|monitor| monitor.with(|state| state.slot.is_open()))
    }
}

impl<T> Drop for Reply<T> {
    #[inline]
    fn drop(&mut self) {
        let Some(monitor) = self.open.take() else { return };
        monitor.update(|state, wakes| {
            state.slot = Slot::Gone;
            wakes.one(&mut state.waiting);
        });
    }
}

impl<T> Answer<T> {
    /// Waits for the answer.
    ///
    /// *Cancel-safety*: dropped before it is ready, the answer is still there for the next call.
    ///
    /// # Errors
    /// The other side was dropped without an answer, or the answer has been taken.
    #[inline]
    #[track_caller]
    pub fn wait(&mut self) -> impl Future<Output = Result<T, Unanswered>> {
        if let Some(monitor) = &self.open {
            monitor.called("wait");
        }
        self.take()
    }

    /// *Cancel-safety*: as [`wait`](Self::wait).
    async fn take(&mut self) -> Result<T, Unanswered> {
        if let Some(mut left) = self.left_behind() {
            return left.slot.take().unwrap_or(Err(Unanswered));
        }
        let Some(monitor) = &self.open else { return Err(Unanswered) };
        let answered = monitor.wait(|state| &mut state.waiting, (), |state, _| state.slot.take());
        let outcome = answered.await;
        self.open = None;
        outcome
    }

    /// What the other side has left behind, once it is gone: it belongs to this one alone, and is taken without the lock. Mostly an answer is there before
    /// it is waited for.
    #[inline]
    fn left_behind(&mut self) -> Option<State<T>> {
        let monitor = self.open.take_if(|monitor| Arc::strong_count(monitor) == 1)?;
        Arc::into_inner(monitor).map(Monitor::into_inner)
    }
}

impl<T> Drop for Answer<T> {
    #[inline]
    fn drop(&mut self) {
        let Some(monitor) = self.open.take() else { return };
        let unread = monitor.with(|state| std::mem::replace(&mut state.slot, Slot::Gone));
        drop(unread); // after the lock
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
