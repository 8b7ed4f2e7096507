//! The hook of a release build: nothing.

use crate::sync::event::Access;

/// Tells a lock from others. See `watched` for what each of these is elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity;

#[derive(Debug)]
pub(crate) struct Registered;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Site;

#[derive(Debug)]
pub(crate) struct Request;

#[derive(Debug)]
pub(crate) struct Hold;

#[derive(Debug)]
pub(crate) struct Sleep;

/// Where a wake-up comes from, for those who watch: nothing in this build.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin;

impl Site {
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Self
    }
}

impl Registered {
    #[inline(always)]
    pub(crate) fn new<T>() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn identity(&self) -> Identity {
        Identity
    }
}

impl Identity {
    #[inline(always)]
    pub(crate) fn request(self, _: Access, _: Site) -> Request {
        Request
    }

    #[inline(always)]
    pub(crate) fn waiting(self, _: Site) {}

    #[inline(always)]
    pub(crate) fn woken(self, _: Site) {}

    #[inline(always)]
    pub(crate) fn notified(self, _: Site) {}

    #[inline(always)]
    pub(crate) fn called(self, _: &'static str, _: Site) {}

    #[inline(always)]
    pub(crate) fn origin(self, _: Site) -> Origin {
        Origin
    }
}

impl Request {
    #[inline(always)]
    pub(crate) fn granted(self) -> Hold {
        Hold
    }
}

impl Hold {
    #[inline(always)]
    pub(crate) fn sleep(self, _: Identity, _: Site) -> Sleep {
        Sleep
    }
}

impl Sleep {
    #[inline(always)]
    pub(crate) fn over(self) -> Hold {
        Hold
    }
}

impl Origin {
    #[inline(always)]
    pub(crate) fn notified(self) {}

    #[inline(always)]
    pub(crate) fn site(self) -> Site {
        Site
    }
}
