//! Newtypes over the locks of the chosen runtime.
#![cfg_attr(
    not(any(loom, shuttle)),
    expect(clippy::disallowed_types, reason = "these are the types that everybody else has to use")
)]

use std::ops::{Deref, DerefMut};

use super::event::Access;
use super::hook::{Hold, Identity, Registered, Site};
use super::raw;

/// Mutual exclusion. A guard is held for a few lines: never across an await, a wake-up or a callback.
#[derive(Debug)]
pub struct Mutex<T> {
    raw: raw::Mutex<T>,
    registered: Registered,
}

/// Access to the value of a [`Mutex`]; unlocks when dropped.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    hold: Hold, // declared first: reported before the lock is free, or another thread's step might be reported first
    raw: raw::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    /// A new, unlocked mutex.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self { raw: raw::Mutex::new(value), registered: Registered::new::<T>() }
    }

    /// Blocks until the lock is free, then takes it. Taking it again on the same thread deadlocks.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.lock_at(Site::here())
    }

    /// As [`lock`](Self::lock), on behalf of `site`.
    #[inline]
    pub(crate) fn lock_at(&self, site: Site) -> MutexGuard<'_, T> {
        let request = self.registered.identity().request(Access::Lock, site);
        let raw = raw::entered(self.raw.lock());
        MutexGuard { hold: request.granted(), raw }
    }

    /// The value, which nobody else can reach any more: there is nothing to lock.
    #[inline]
    pub fn into_inner(self) -> T {
        raw::entered(self.raw.into_inner())
    }

    /// Which lock this is.
    #[inline]
    pub(crate) fn identity(&self) -> Identity {
        self.registered.identity()
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.raw
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.raw
    }
}

/// Many readers or one writer.
#[derive(Debug)]
pub struct RwLock<T> {
    raw: raw::RwLock<T>,
    registered: Registered,
}

/// Shared access to the value of a [`RwLock`].
#[derive(Debug)]
pub struct RwLockReadGuard<'a, T> {
    #[expect(dead_code, reason = "it is there to be dropped")]
    hold: Hold,
    raw: raw::RwLockReadGuard<'a, T>,
}

/// Exclusive access to the value of a [`RwLock`].
#[derive(Debug)]
pub struct RwLockWriteGuard<'a, T> {
    #[expect(dead_code, reason = "it is there to be dropped")]
    hold: Hold,
    raw: raw::RwLockWriteGuard<'a, T>,
}

impl<T> RwLock<T> {
    /// A new, unlocked lock.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self { raw: raw::RwLock::new(value), registered: Registered::new::<T>() }
    }

    /// Blocks while a writer holds the lock. Reading again while a writer waits may deadlock.
    #[inline]
    #[track_caller]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        let request = self.registered.identity().request(Access::Read, Site::here());
        let raw = raw::entered(self.raw.read());
        RwLockReadGuard { hold: request.granted(), raw }
    }

    /// Blocks while anyone else holds the lock.
    #[inline]
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        let request = self.registered.identity().request(Access::Write, Site::here());
        let raw = raw::entered(self.raw.write());
        RwLockWriteGuard { hold: request.granted(), raw }
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.raw
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.raw
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.raw
    }
}

/// Blocks a thread until another wakes it. Only [`crate::monitor::blocking`] uses it: tasks wait on a monitor.
#[derive(Debug)]
pub struct Condvar {
    raw: raw::Condvar,
    registered: Registered,
}

impl Condvar {
    /// A condition variable that nobody waits for.
    #[track_caller]
    pub fn new() -> Self {
        Self { raw: raw::Condvar::new(), registered: Registered::new::<()>() }
    }

    /// Gives the lock back, sleeps until notified, takes the lock again. May wake without a cause.
    #[inline]
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.wait_at(guard, Site::here())
    }

    /// As [`wait`](Self::wait), on behalf of `site`.
    #[inline]
    pub(crate) fn wait_at<'a, T>(&self, guard: MutexGuard<'a, T>, site: Site) -> MutexGuard<'a, T> {
        let MutexGuard { hold, raw } = guard;
        let sleep = hold.sleep(self.registered.identity(), site);
        let raw = raw::wait(&self.raw, raw);
        MutexGuard { hold: sleep.over(), raw }
    }

    /// Wakes one thread that waits.
    #[inline]
    #[track_caller]
    pub fn notify_one(&self) {
        self.notify_one_at(Site::here());
    }

    /// As [`notify_one`](Self::notify_one), on behalf of `site`.
    #[inline]
    pub(crate) fn notify_one_at(&self, site: Site) {
        self.registered.identity().notified(site);
        self.raw.notify_one();
    }
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}
