//! Newtypes over the locks of the chosen runtime.
#![cfg_attr(
    not(any(loom, shuttle)),
    expect(clippy::disallowed_types, reason = "these are the types that everybody else has to use")
)]

use std::ops::{Deref, DerefMut};

use super::raw;

/// Mutual exclusion. A guard is held for a few lines: never across an await, a wake-up or a callback.
#[derive(Debug, Default)]
pub struct Mutex<T>(raw::Mutex<T>);

/// Access to the value of a [`Mutex`]; unlocks when dropped.
#[derive(Debug)]
pub struct MutexGuard<'a, T>(raw::MutexGuard<'a, T>);

impl<T> Mutex<T> {
    /// A new, unlocked mutex.
    pub fn new(value: T) -> Self {
        Self(raw::Mutex::new(value))
    }

    /// Blocks until the lock is free, then takes it. Taking it again on the same thread deadlocks.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(raw::entered(self.0.lock()))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Many readers or one writer.
#[derive(Debug, Default)]
pub struct RwLock<T>(raw::RwLock<T>);

/// Shared access to the value of a [`RwLock`].
#[derive(Debug)]
pub struct RwLockReadGuard<'a, T>(raw::RwLockReadGuard<'a, T>);

/// Exclusive access to the value of a [`RwLock`].
#[derive(Debug)]
pub struct RwLockWriteGuard<'a, T>(raw::RwLockWriteGuard<'a, T>);

impl<T> RwLock<T> {
    /// A new, unlocked lock.
    pub fn new(value: T) -> Self {
        Self(raw::RwLock::new(value))
    }

    /// Blocks while a writer holds the lock. Reading again while a writer waits may deadlock.
    #[inline]
    #[track_caller]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard(raw::entered(self.0.read()))
    }

    /// Blocks while anyone else holds the lock.
    #[inline]
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard(raw::entered(self.0.write()))
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Blocks a thread until another wakes it. Only [`crate::monitor::blocking`] uses it: tasks wait on a monitor.
#[derive(Debug, Default)]
pub struct Condvar(raw::Condvar);

impl Condvar {
    /// A condition variable that nobody waits for.
    pub fn new() -> Self {
        Self(raw::Condvar::new())
    }

    /// Gives the lock back, sleeps until notified, takes the lock again. May wake without a cause.
    #[inline]
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        MutexGuard(raw::wait(&self.0, guard.0))
    }

    /// Wakes one thread that waits.
    #[inline]
    #[track_caller]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }
}
