//! A position that only grows, and those who wait for it to reach theirs.
//!
//! The server's high watermarks, log end offsets and applied indexes are watermarks. A watermark is advanced *after* everything
//! below the new position can be seen: who is woken by it reads at once.

use std::fmt;

use crate::monitor::{Monitor, WaitQueue};

struct State {
    /// Never decreases.
    position: i64,
    closed: bool,
    /// Keyed by the position waited for.
    waiting: WaitQueue<i64>,
}

/// A monotonic position with waiters.
pub struct Watermark(Monitor<State>);

/// The watermark was closed before it got there: it will not move again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl Watermark {
    /// A watermark at `position`.
    pub fn new(position: i64) -> Self {
        Self(Monitor::new(State { position, closed: false, waiting: WaitQueue::new() }))
    }

    /// The position now.
    pub fn get(&self) -> i64 {
        self.0.with(|state| state.position)
    }

    /// Moves the position up to `position` and wakes those who waited for it or for less. A position below the present one, and
    /// any after [`Watermark::close`], changes nothing. Returns whether it moved.
    pub fn advance(&self, position: i64) -> bool {
        self.0.update(|state, wakes| {
            if state.closed || position <= state.position {
                return false;
            }
            state.position = position;
            wakes.up_to(&mut state.waiting, position);
            true
        })
    }

    /// Waits until the position is at least `target` and returns it.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    ///
    /// # Errors
    /// Closed below `target`.
    pub async fn reached(&self, target: i64) -> Result<i64, Closed> {
        let reached = self.0.wait(
            |state| &mut state.waiting,
            target,
            move |state, _| {
                if state.position >= target {
                    Some(Ok(state.position))
                } else {
                    state.closed.then_some(Err(Closed))
                }
            },
        );
        reached.await
    }

    /// Ends it: who waits for more than the present position gets [`Closed`].
    pub fn close(&self) {
        self.0.update(|state, wakes| {
            state.closed = true;
            wakes.all(&mut state.waiting);
        });
    }
}

impl fmt::Debug for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watermark").field(&self.get()).finish()
    }
}
