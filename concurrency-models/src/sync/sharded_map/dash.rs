//! The real `dashmap`; under shuttle its wrapper, which is one lock and so blocks wherever the real one may.

use std::fmt;
use std::hash::Hash;

use super::Backing;

#[cfg(not(shuttle))]
#[expect(
    clippy::disallowed_types,
    reason = "the one place that uses it: behind closures, so that no guard of it is seen"
)]
mod runtime {
    use std::hash::{BuildHasherDefault, DefaultHasher, Hash};

    pub(super) use dashmap::Entry;

    /// Its hasher is not seeded, so that a simulation sees the same order in every run.
    pub(super) type Map<K, V> = dashmap::DashMap<K, V, BuildHasherDefault<DefaultHasher>>;

    /// Shards of a map. By itself `dashmap` takes as many as suit the machine, and with them the order changes.
    const SHARDS: usize = 64;

    pub(super) fn new<K: Eq + Hash, V>() -> Map<K, V> {
        Map::with_hasher_and_shard_amount(BuildHasherDefault::default(), SHARDS)
    }
}

#[cfg(shuttle)]
mod runtime {
    pub(super) use shuttle_dashmap::{DashMap as Map, Entry};

    pub(super) fn new<K: Eq + std::hash::Hash, V>() -> Map<K, V> {
        Map::new()
    }
}

/// What [`ShardedMap`](super::ShardedMap) stands on in production and under shuttle.
pub struct Dash<K, V>(runtime::Map<K, V>);

impl<K: Eq + Hash, V> Default for Dash<K, V> {
    fn default() -> Self {
        Self(runtime::new())
    }
}

impl<K: Eq + Hash + Clone, V> Backing<K, V> for Dash<K, V> {
    #[inline]
    fn view<R>(&self, key: &K, look: impl FnOnce(&V) -> R) -> Option<R> {
        self.0.view(key, |_, value| look(value))
    }

    #[inline]
    fn update<R>(&self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        self.0.get_mut(key).map(|mut entry| change(entry.value_mut()))
    }

    #[inline]
    fn upsert(&self, key: K, value: V, merge: impl FnOnce(&mut V, V)) {
        match self.0.entry(key) {
            runtime::Entry::Occupied(mut entry) => merge(entry.get_mut(), value),
            runtime::Entry::Vacant(entry) => drop(entry.insert(value)),
        }
    }

    #[inline]
    fn remove_if(&self, key: &K, condition: impl FnOnce(&V) -> bool) -> Option<V> {
        self.0.remove_if(key, |_, value| condition(value)).map(|(_, value)| value)
    }

    #[inline]
    fn for_each(&self, mut look: impl FnMut(&K, &V)) {
        self.0.iter().for_each(|entry| look(entry.key(), entry.value()));
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

impl<K, V> fmt::Debug for Dash<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dash").finish_non_exhaustive()
    }
}
