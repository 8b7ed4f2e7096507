//! What threads do with locks, for whoever wants to see it: sequence diagrams, sync sites.
//!
//! Events are reported in debug builds, with `--cfg lockdep` and under the checkers. In a plain release build nothing is compiled in: a lock
//! carries no identity, and [`observe`] sees nothing.

use std::cell::RefCell;
use std::panic::Location;
use std::sync::Arc;

/// One step of one thread: reported on that thread.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// What is done.
    pub kind: Kind,
    /// To which lock or condition variable.
    pub object: Object,
    /// Where in the source.
    pub site: &'static Location<'static>,
}

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asks for a lock, and is blocked until [`Kind::Acquired`].
    Requested(Access),
    /// Has the lock.
    Acquired(Access),
    /// Is about to give the lock back.
    Released(Access),
    /// Sleeps until it is woken. Its lock has been given back.
    Waiting,
    /// Goes on after [`Kind::Waiting`], woken or not.
    Woken,
    /// Wakes one that waits for this object.
    Notified,
    /// Calls this operation of a kernel; the site is the caller's.
    Called(&'static str),
}

/// How a lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// The only way to take a mutex.
    Lock,
    /// Shared.
    Read,
    /// Exclusive.
    Write,
}

/// The lock or condition variable that something happens to.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// Different from that of every other object of this process. It depends on what ran before: number the objects of an execution by
    /// their first events.
    pub serial: u64,
    /// The type of what the lock guards.
    pub guards: &'static str,
    /// Where it was made.
    pub created: &'static Location<'static>,
}

/// Sees events.
pub trait Observer: Send + Sync {
    /// To be quick, and to touch nothing that reports events itself.
    fn event(&self, event: &Event);
}

thread_local! {
    /// Who sees the events of this thread. Under loom and shuttle all threads of a scenario run on this one.
    static OBSERVER: RefCell<Option<Arc<dyn Observer>>> = const { RefCell::new(None) };
}

/// Lets `observer` see the events of this thread until the returned value is dropped.
pub fn observe(observer: Arc<dyn Observer>) -> Observing {
    Observing { before: OBSERVER.replace(Some(observer)) }
}

/// Who sees the events of this thread: to be handed on to a thread that it starts.
pub fn observer() -> Option<Arc<dyn Observer>> {
    OBSERVER.with_borrow(Clone::clone)
}

/// While it lives, an observer sees the events of this thread.
#[must_use = "dropped at once, nothing is observed"]
pub struct Observing {
    before: Option<Arc<dyn Observer>>,
}

impl Drop for Observing {
    fn drop(&mut self) {
        OBSERVER.set(self.before.take());
    }
}

impl std::fmt::Debug for Observing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observing").finish_non_exhaustive()
    }
}

/// Tells the observer, if there is one. A thread that panics reports nothing: its guards are dropped by the unwinding.
#[cfg(any(loom, shuttle, lockdep, debug_assertions))]
pub(super) fn report(event: &Event) {
    let tell = |observer: &RefCell<Option<Arc<dyn Observer>>>| {
        if let Some(observer) = &*observer.borrow()
            && !std::thread::panicking()
        {
            observer.event(event);
        }
    };
    let _thread_ends = OBSERVER.try_with(tell);
}
