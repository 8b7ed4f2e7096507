//! A map in shards, each behind a lock of its own: `dashmap` in production, the whole of it one lock under shuttle, [`Shards`] under loom.
//!
//! No guard leaves it: whatever is done to an entry is done in a closure, in one critical section of the entry's shard. While such a closure
//! runs nothing of the same map may be called, or the thread may wait for itself: which entries share a shard depends on their hashes. So
//! the map is *one* lock for those who watch, and lockdep names a call inside of a call also when the two entries happen to be in different shards.

#[cfg(not(loom))]
pub mod dash;
pub mod stand_in;

use std::fmt;
use std::hash::Hash;

#[cfg(not(loom))]
use dash::Dash as Chosen;
#[cfg(loom)]
use stand_in::Shards as Chosen;

use super::event::Access;
use super::hook::{Hold, Registered, Request, Site};

#[cfg(doc)]
use stand_in::Shards;

/// What a sharded map stands on. Closures run in the critical section of a shard.
pub trait Backing<K, V> {
    /// Lets `look` see the value of `key`, if there is one.
    fn view<R>(&self, key: &K, look: impl FnOnce(&V) -> R) -> Option<R>;
    /// Lets `change` change the value of `key`, if there is one.
    fn update<R>(&self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R>;
    /// Puts `value` there; if there is one already, `merge` says what becomes of it.
    fn upsert(&self, key: K, value: V, merge: impl FnOnce(&mut V, V));
    /// Removes the value of `key` if `condition` holds of it.
    fn remove_if(&self, key: &K, condition: impl FnOnce(&V) -> bool) -> Option<V>;
    /// Shows every entry, one shard after the other.
    fn for_each(&self, look: impl FnMut(&K, &V));
    /// How many entries there are.
    fn count(&self) -> usize;
}

/// A map in shards.
pub struct ShardedMap<K, V, B = Chosen<K, V>> {
    backing: B,
    registered: Registered,
    entries: std::marker::PhantomData<fn(K, V)>,
}

impl<K: Ord + Hash + Clone, V> ShardedMap<K, V> {
    /// An empty map.
    #[track_caller]
    pub fn new() -> Self {
        Self::over(Chosen::default())
    }
}

impl<K: Ord + Hash + Clone, V> Default for ShardedMap<K, V> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V, B: Backing<K, V>> ShardedMap<K, V, B> {
    /// A map over `backing`.
    #[track_caller]
    pub fn over(backing: B) -> Self {
        Self { backing, registered: Registered::new::<(K, V)>(), entries: std::marker::PhantomData }
    }

    /// The value of `key`.
    #[inline]
    #[track_caller]
    pub fn get(&self, key: &K) -> Option<V>
    where
        V: Copy,
    {
        let mut section = self.section(Access::Read);
        self.backing.view(key, |value| section.run(|| *value))
    }

    /// Changes the value of `key`, if there is one, and returns what `change` does.
    #[inline]
    #[track_caller]
    pub fn update<R>(&self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let mut section = self.section(Access::Write);
        self.backing.update(key, |value| section.run(|| change(value)))
    }

    /// Puts `value` there; if there is one already, `merge` is given that one and `value`, and changes the former.
    #[inline]
    #[track_caller]
    pub fn upsert(&self, key: K, value: V, merge: impl FnOnce(&mut V, V)) {
        let mut section = self.section(Access::Write);
        self.backing.upsert(key, value, |present, value| section.run(|| merge(present, value)));
    }

    /// Removes the value of `key` if `condition` holds of it *now*, and returns it: the check and the removal are one critical section.
    #[inline]
    #[track_caller]
    pub fn remove_if(&self, key: &K, condition: impl FnOnce(&V) -> bool) -> Option<V> {
        let mut section = self.section(Access::Write);
        self.backing.remove_if(key, |value| section.run(|| condition(value)))
    }

    /// Shows every entry that is there for the whole of the call, and some of the others. `look` only reads: it must not call the map.
    #[inline]
    #[track_caller]
    pub fn for_each(&self, look: impl FnMut(&K, &V)) {
        let mut section = self.section(Access::Read);
        section.run(|| self.backing.for_each(look));
    }

    /// How many entries there are: a sum over shards that change meanwhile.
    #[inline]
    #[track_caller]
    pub fn len(&self) -> usize {
        let mut section = self.section(Access::Read);
        section.run(|| self.backing.count())
    }

    /// Whether there is none.
    #[inline]
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    #[track_caller]
    fn section(&self, access: Access) -> Section {
        Section(Some(self.registered.identity().request(access, Site::here())))
    }
}

/// One operation, for those who watch: asked for, and granted when its closure runs; if there is nothing to run it for, at its end.
struct Section(Option<Request>);

impl Section {
    #[inline]
    fn run<R>(&mut self, closure: impl FnOnce() -> R) -> R {
        let _hold: Option<Hold> = self.0.take().map(Request::granted);
        closure()
    }
}

impl Drop for Section {
    #[inline]
    fn drop(&mut self) {
        self.run(|| ());
    }
}

impl<K, V, B: Backing<K, V>> fmt::Debug for ShardedMap<K, V, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardedMap").finish_non_exhaustive()
    }
}
