//! A value that few write and many read: a reader holds a lock only to clone an `Arc`, and then owns a picture that no longer
//! changes.
//!
//! Writers are serialised over the whole of read, change and publish, so no update is lost. The version is advanced after the picture
//! is out: who waits for a version and is woken sees at least that one.

use std::fmt;
use std::sync::Arc;

use crate::sync::{Mutex, RwLock};
use crate::watermark::{Closed, Watermark};

/// A published value.
pub struct Image<T> {
    /// Serialises writers; guards the version of the picture that is out. Taken before `current`.
    version: Mutex<i64>,
    /// Held to clone or to replace the `Arc`, no longer.
    current: RwLock<Arc<T>>,
    /// The version that every reader sees at least.
    published: Watermark,
}

impl<T> Image<T> {
    /// An image that shows `value`, as version 0.
    pub fn new(value: impl Into<Arc<T>>) -> Self {
        Self { version: Mutex::new(0), current: RwLock::new(value.into()), published: Watermark::new(0) }
    }

    /// The picture now.
    pub fn load(&self) -> Arc<T> {
        self.current.read().clone()
    }

    /// Publishes what `change` makes of the present picture, and returns its version. `change` must be a plain function of the value: it runs
    /// while other writers, not readers, wait.
    pub fn update<V: Into<Arc<T>>>(&self, change: impl FnOnce(&T) -> V) -> i64 {
        let (version, _previous) = self.publish(change);
        self.published.advance(version); // after the locks: it wakes
        version
    }

    /// Puts the next picture out; returns its version, and the picture before it.
    fn publish<V: Into<Arc<T>>>(&self, change: impl FnOnce(&T) -> V) -> (i64, Arc<T>) {
        let mut version = self.version.lock();
        let next = change(&self.load()).into();
        let previous = std::mem::replace(&mut *self.current.write(), next);
        *version += 1;
        (*version, previous)
    }

    /// Publishes `value` and returns its version.
    pub fn replace(&self, value: impl Into<Arc<T>>) -> i64 {
        self.update(|_| value)
    }

    /// Waits until `version` or a later one is published, and returns the picture.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    ///
    /// # Errors
    /// Closed before `version`.
    pub async fn at_least(&self, version: i64) -> Result<Arc<T>, Closed> {
        self.published.reached(version).await?;
        Ok(self.load())
    }

    /// The version that every reader sees at least.
    pub fn version(&self) -> i64 {
        self.published.get()
    }

    /// Ends the waiting for later versions.
    pub fn close(&self) {
        self.published.close();
    }
}

impl<T: fmt::Debug> fmt::Debug for Image<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Image").field(&self.load()).finish()
    }
}
