//! How much is explored: executions, and how large the largest of them is.

use std::cell::Cell;

/// How large an execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Threads, with the one that the scenario starts on.
    pub threads: u32,
    /// Events that the facade reports: each lock asked for, taken and given back, each sleep and wake-up.
    pub events: u64,
}

impl Size {
    /// The larger of both, in each respect.
    pub(super) fn max(self, other: Self) -> Self {
        Self { threads: self.threads.max(other.threads), events: self.events.max(other.events) }
    }
}

/// What was explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Explored {
    pub(super) executions: u64,
    /// The most threads and the most events that any execution had; `None` where executions run on several threads of the process.
    pub(super) largest: Option<Size>,
}

const EMPTY: Size = Size { threads: 1, events: 0 };

thread_local! {
    /// The execution that runs on this thread, from 1. Under loom and shuttle all threads of a scenario run on this one.
    static EXECUTION: Cell<u64> = const { Cell::new(0) };
    /// How large it is so far.
    static SIZE: Cell<Size> = const { Cell::new(EMPTY) };
    /// The largest of those before it.
    static LARGEST: Cell<Size> = const { Cell::new(EMPTY) };
}

/// Counts from here.
pub(super) fn start() {
    EXECUTION.set(0);
    SIZE.set(EMPTY);
    LARGEST.set(EMPTY);
}

/// To be called at the start of each execution.
pub(super) fn execution() {
    EXECUTION.set(EXECUTION.get() + 1);
    LARGEST.set(largest());
    SIZE.set(EMPTY);
    crate::trace::start_execution();
}

/// How many executions were started.
pub(super) fn executions() -> u64 {
    EXECUTION.get()
}

fn largest() -> Size {
    LARGEST.get().max(SIZE.get())
}

/// What was explored since the start.
pub(super) fn explored() -> Explored {
    let largest = cfg!(any(loom, shuttle)).then(largest);
    Explored { executions: executions(), largest }
}

/// The execution that runs starts another thread.
pub(crate) fn thread() {
    let size = SIZE.get();
    SIZE.set(Size { threads: size.threads + 1, ..size });
}

/// The facade reports an event. (The last ones of a thread may come when its locals have gone.)
pub(crate) fn event() {
    let _gone = SIZE.try_with(|size| size.set(Size { events: size.get().events + 1, ..size.get() }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_execution_counts_whichever_it_is() {
        start();
        for (threads, events) in [(2, 1), (0, 3), (1, 2)] {
            execution();
            (0..threads).for_each(|_| thread());
            (0..events).for_each(|_| event());
        }
        assert_eq!(largest(), Size { threads: 3, events: 3 });
        assert_eq!(executions(), 3);
        start();
        assert_eq!((largest(), executions()), (EMPTY, 0));
    }
}
