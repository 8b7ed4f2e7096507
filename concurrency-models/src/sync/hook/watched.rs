//! The hook of every other build: each step of the facade is an event.

use std::panic::Location;

use crate::sync::event::{Access, Event, Kind, Object, report};
use crate::sync::lockdep;

/// What a lock keeps: its identity, until it is dropped.
#[derive(Debug)]
pub(crate) struct Registered(Identity);

/// Tells a lock from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity(Object);

/// The line of a kernel that something is done for. An `async fn` has lost its caller by the time it runs: it is taken at the call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site(&'static Location<'static>);

/// A lock asked for.
#[derive(Debug)]
pub(crate) struct Request(Step);

/// A lock held; given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Hold(Step);

/// A lock given back by a thread that sleeps.
#[derive(Debug)]
pub(crate) struct Sleep {
    lock: Step,
    on: Identity,
    site: Site,
}

/// Where a wake-up comes from, for those who watch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin(Option<(Identity, Site)>);

#[derive(Clone, Copy, Debug)]
struct Step {
    identity: Identity,
    access: Access,
    site: Site,
}

impl Site {
    #[track_caller]
    pub(crate) fn here() -> Self {
        Self(Location::caller())
    }
}

impl Registered {
    /// The identity of a new object; `T` is what it guards.
    #[track_caller]
    pub(crate) fn new<T>() -> Self {
        Self(Identity(Object {
            serial: next_serial(),
            guards: std::any::type_name::<T>(),
            created: Location::caller(),
        }))
    }

    pub(crate) fn identity(&self) -> Identity {
        self.0
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        lockdep::forget(&self.0.0);
    }
}

impl Identity {
    pub(crate) fn request(self, access: Access, site: Site) -> Request {
        let step = Step { identity: self, access, site };
        step.report(Kind::Requested(access));
        lockdep::request(&self.0, access, site.0);
        Request(step)
    }

    pub(crate) fn waiting(self, site: Site) {
        self.report(Kind::Waiting, site);
    }

    pub(crate) fn woken(self, site: Site) {
        self.report(Kind::Woken, site);
    }

    pub(crate) fn notified(self, site: Site) {
        self.report(Kind::Notified, site);
    }

    pub(crate) fn called(self, operation: &'static str, site: Site) {
        self.report(Kind::Called(operation), site);
    }

    pub(crate) fn origin(self, site: Site) -> Origin {
        Origin(Some((self, site)))
    }

    fn report(self, kind: Kind, site: Site) {
        report(&Event { kind, object: self.0, site: site.0 });
    }
}

impl Request {
    pub(crate) fn granted(self) -> Hold {
        self.0.acquired()
    }
}

impl Hold {
    /// The thread is about to sleep on `on`, which gives the lock back.
    pub(crate) fn sleep(self, on: Identity, site: Site) -> Sleep {
        let lock = self.0;
        drop(self);
        on.waiting(site);
        Sleep { lock, on, site }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.report(Kind::Released(self.0.access));
        lockdep::released(&self.0.identity.0);
    }
}

impl Sleep {
    /// It is awake and has its lock again.
    pub(crate) fn over(self) -> Hold {
        self.on.woken(self.site);
        self.lock.acquired()
    }
}

impl Origin {
    pub(crate) fn notified(self) {
        if let Some((identity, site)) = self.0 {
            identity.notified(site);
        }
    }

    /// The line that wakes; where nobody has named it, the caller's.
    #[track_caller]
    pub(crate) fn site(self) -> Site {
        self.0.map_or_else(Site::here, |(_, site)| site)
    }
}

impl Step {
    fn acquired(self) -> Hold {
        self.report(Kind::Acquired(self.access));
        lockdep::acquired(&self.identity.0, self.access, self.site.0);
        Hold(self)
    }

    fn report(&self, kind: Kind) {
        self.identity.report(kind, self.site);
    }
}

/// An atomic of the standard library, of which no checker knows: it orders nothing.
#[expect(clippy::disallowed_types, reason = "it numbers locks, and no kernel sees it")]
fn next_serial() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
