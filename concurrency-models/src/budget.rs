//! Bytes that many share, given out in the order in which they were asked for: back-pressure.
//!
//! A large request cannot be overtaken for ever by small ones: while somebody waits, later ones queue behind.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::monitor::{Monitor, WaitQueue, Wakes};

struct State {
    total: usize,
    available: usize,
    /// Who waits, first come first: (number, bytes). Only the first may take.
    line: VecDeque<(u64, usize)>,
    next_number: u64,
    closed: bool,
    /// Keyed by the number in the line.
    waiting: WaitQueue<u64>,
}

impl State {
    fn first_number(&self) -> Option<u64> {
        self.line.front().map(|(number, _)| *number)
    }

    fn first_can_take(&self) -> bool {
        self.line.front().is_some_and(|(_, bytes)| *bytes <= self.available)
    }

    /// Takes `bytes` if they are free and nobody is in the line.
    fn take_at_once(&mut self, bytes: usize) -> bool {
        let free = self.line.is_empty() && bytes <= self.available;
        if free {
            self.available -= bytes;
        }
        free
    }

    /// Whoever has become the first in the line looks again, if there is enough for it.
    fn wake_first(&mut self, wakes: &mut Wakes) {
        if let Some(first) = self.first_number().filter(|_| self.first_can_take()) {
            wakes.up_to(&mut self.waiting, first);
        }
    }
}

/// A number of bytes that many share. Clones share the same bytes.
#[derive(Clone)]
pub struct Budget(Arc<Monitor<State>>);

/// Bytes taken from a [`Budget`]; they go back when this is dropped.
#[must_use = "dropped at once, it reserves nothing"]
pub struct Reservation {
    budget: Budget,
    bytes: usize,
}

/// Why no bytes were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// More than the whole budget was asked for: it would wait for ever.
    TooLarge {
        /// What was asked for, in bytes.
        asked: usize,
        /// What there is at all, in bytes.
        total: usize,
    },
    /// The budget was closed.
    Closed,
}

impl Budget {
    /// A budget of `total` bytes.
    pub fn new(total: usize) -> Self {
        Self(Arc::new(Monitor::new(State {
            total,
            available: total,
            line: VecDeque::new(),
            next_number: 0,
            closed: false,
            waiting: WaitQueue::new(),
        })))
    }

    /// Takes `bytes` if they are free and nobody waits for any; `None` otherwise.
    pub fn try_reserve(&self, bytes: usize) -> Option<Reservation> {
        let taken = self.0.with(|state| !state.closed && state.take_at_once(bytes));
        taken.then(|| Reservation { budget: self.clone(), bytes })
    }

    /// Takes `bytes`, waiting for its turn and until they are free.
    ///
    /// *Cancel-safety*: dropped before it is ready, it gives its place in the line away and has taken nothing.
    ///
    /// # Errors
    /// More than the whole budget, or closed.
    pub async fn reserve(&self, bytes: usize) -> Result<Reservation, Refused> {
        let turn = match self.take_or_queue_up(bytes)? {
            Start::Taken(reservation) => return Ok(reservation),
            Start::Queued(turn) => turn,
        };
        let number = turn.number;
        let taken = self.0.wait(
            |state| &mut state.waiting,
            number,
            move |state, _| {
                if state.closed {
                    return Some(Err(Refused::Closed));
                }
                let mine = state.first_number() == Some(number) && state.first_can_take();
                mine.then(|| {
                    state.available -= bytes;
                    Ok(())
                })
            },
        );
        taken.await?;
        Ok(Reservation { budget: self.clone(), bytes }) // `turn` ends here and the next in the line looks
    }

    fn take_or_queue_up(&self, bytes: usize) -> Result<Start<'_>, Refused> {
        self.0.with(|state| {
            if state.closed {
                return Err(Refused::Closed);
            }
            if bytes > state.total {
                return Err(Refused::TooLarge { asked: bytes, total: state.total });
            }
            if state.take_at_once(bytes) {
                return Ok(Start::Taken(Reservation { budget: self.clone(), bytes }));
            }
            let number = state.next_number;
            state.next_number += 1;
            state.line.push_back((number, bytes));
            Ok(Start::Queued(Turn { budget: self, number }))
        })
    }

    /// Gives nothing out any more: who waits gets [`Refused::Closed`].
    pub fn close(&self) {
        self.0.update(|state, wakes| {
            state.closed = true;
            wakes.all(&mut state.waiting);
        });
    }

    /// What is free now, in bytes.
    pub fn available(&self) -> usize {
        self.0.with(|state| state.available)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.0.with(|state| state.line.len())
    }

    /// What there is at all, in bytes.
    pub fn total(&self) -> usize {
        self.0.with(|state| state.total)
    }

    fn give_back(&self, bytes: usize) {
        self.0.update(|state, wakes| {
            state.available += bytes;
            debug_assert!(state.available <= state.total, "more was given back than taken");
            state.wake_first(wakes);
        });
    }
}

/// How a reservation begins.
enum Start<'a> {
    Taken(Reservation),
    Queued(Turn<'a>),
}

/// A place in the line; left when it is dropped, served or not.
struct Turn<'a> {
    budget: &'a Budget,
    number: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.budget.0.update(|state, wakes| {
            state.line.retain(|(number, _)| *number != self.number);
            state.wake_first(wakes);
        });
    }
}

impl Reservation {
    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes `bytes` more if they are free. Whoever has some goes before those who wait: only its end makes room for them.
    pub fn try_grow(&mut self, bytes: usize) -> bool {
        let taken = self.budget.0.with(|state| {
            let free = !state.closed && bytes <= state.available;
            if free {
                state.available -= bytes;
            }
            free
        });
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// Gives back what exceeds `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let excess = self.bytes.saturating_sub(bytes);
        if excess > 0 {
            self.bytes -= excess;
            self.budget.give_back(excess);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("available", &self.available()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
