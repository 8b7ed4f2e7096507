//! Things found by key: created once, leased while in use, removed only when idle, never used after.
//!
//! The map is locked only to clone an `Arc`; whether a thing may still be used is decided at its own [`Gate`]. So a removal
//! waits for those who use the thing without keeping anybody from the others.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::gate::{Gate, Pass};
use crate::sync::RwLock;

struct Entry<V> {
    value: V,
    /// Closed when the entry is being removed; a lease is a pass.
    gate: Gate,
}

/// A map of shared things.
pub struct Registry<K, V> {
    /// Held to look up, insert or remove one entry; never while a gate is waited for.
    entries: RwLock<BTreeMap<K, Arc<Entry<V>>>>,
}

/// The right to use one thing; it is not removed before this is dropped.
pub struct Lease<V> {
    entry: Arc<Entry<V>>,
    _pass: Pass,
}

/// The thing is being removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retiring;

impl<K: Ord + Clone, V> Registry<K, V> {
    /// An empty registry.
    pub fn new() -> Self {
        Self { entries: RwLock::new(BTreeMap::new()) }
    }

    /// The thing of this key, if it is there and not being removed.
    pub fn lease(&self, key: &K) -> Option<Lease<V>> {
        let entry = self.entries.read().get(key).cloned()?;
        Lease::take(entry).ok()
    }

    /// The thing of this key; `value` becomes it if there is none. Of two calls at once, one value is kept and both get it.
    ///
    /// # Errors
    /// The thing of this key is being removed; try again when it is gone.
    pub fn get_or_insert(&self, key: &K, value: V) -> Result<Lease<V>, Retiring> {
        let mut unused = Some(Arc::new(Entry { value, gate: Gate::new() })); // dropped after the lock if not needed
        let entry = {
            let mut entries = self.entries.write();
            match entries.get(key) {
                Some(entry) => entry.clone(),
                None => {
                    let entry = unused.take().expect("made above");
                    entries.insert(key.clone(), entry.clone());
                    entry
                }
            }
        };
        Lease::take(entry)
    }

    /// Removes the thing of this key once nobody uses it; from the call on nobody new does. Returns whether this call removed
    /// it.
    ///
    /// *Cancel-safety*: dropped before it is ready, the thing stays closed to new users; call again to finish.
    pub async fn retire(&self, key: &K) -> bool {
        let Some(entry) = self.entries.read().get(key).cloned() else { return false };
        entry.gate.close();
        entry.gate.drained().await;
        let removed = {
            let mut entries = self.entries.write();
            let same = entries.get(key).is_some_and(|current| Arc::ptr_eq(current, &entry));
            same.then(|| entries.remove(key))
        };
        removed.is_some()
    }

    /// A lease on everything that is not being removed, in order of key.
    pub fn lease_all(&self) -> Vec<(K, Lease<V>)> {
        let entries: Vec<_> =
            self.entries.read().iter().map(|(key, entry)| (key.clone(), entry.clone())).collect();
        entries.into_iter().filter_map(|(key, entry)| Some((key, Lease::take(entry).ok()?))).collect()
    }

    /// How many there are, those being removed included.
    pub fn len(&self) -> usize {
        self.entries.read().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<V> Lease<V> {
    fn take(entry: Arc<Entry<V>>) -> Result<Self, Retiring> {
        let pass = entry.gate.enter().ok_or(Retiring)?;
        Ok(Self { entry, _pass: pass })
    }
}

impl<V> Deref for Lease<V> {
    type Target = V;
    fn deref(&self) -> &V {
        &self.entry.value
    }
}

impl<K: Ord + Clone, V> Default for Registry<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Clone, V> fmt::Debug for Registry<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("len", &self.len()).finish()
    }
}

impl<V: fmt::Debug> fmt::Debug for Lease<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.entry.value).finish()
    }
}
