//! What a sharded map stands on under loom, which cannot see into `dashmap`: shards behind locks of the runtime.
//!
//! In `dashmap` the hashes of the keys and the number of processors decide which keys share a shard, and so whether a call inside of a call
//! deadlocks. Here a [`Placement`] decides, and a scenario is explored with every one that there is for its keys ([`Placement::all`]).
//! It is always compiled, so that it passes the same contract suite as the real one.
#![cfg_attr(
    not(any(loom, shuttle)),
    expect(clippy::disallowed_types, reason = "its shards are locks of the runtime, as the facade's are")
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::Backing;
use crate::sync::raw::{self, RwLock, entered};

/// The shards of one map.
pub struct Shards<K, V> {
    shards: Vec<RwLock<BTreeMap<K, V>>>,
    placement: Placement,
}

/// Which keys share a shard. A key that hashes as the integer `n` is in shard `self.0[n % self.0.len()]`: scenarios use keys 0, 1, 2...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement(Vec<usize>);

thread_local! {
    /// For maps made on this thread. Under loom and shuttle all threads of a scenario run on this one.
    static PLACEMENT: RefCell<Placement> = const { RefCell::new(Placement(Vec::new())) };
}

impl Placement {
    /// Every way to put `keys` keys into shards, in every order of the shards, because an iteration meets them in theirs: the ordered partitions of a
    /// set, of which there are 1, 3, 13, 75... (Fubini numbers; OEIS A000670).
    pub fn all(keys: usize) -> Vec<Self> {
        let one_more = |shorter: Vec<Self>, _| shorter.iter().flat_map(|it| it.with_one_more(keys)).collect();
        let mut all: Vec<Self> = (0..keys).fold(vec![Self(Vec::new())], one_more);
        all.retain(Self::has_no_empty_shard);
        all
    }

    fn with_one_more(&self, shards: usize) -> impl Iterator<Item = Self> + use<> {
        let shorter = self.0.clone();
        (0..shards).map(move |shard| Self([shorter.as_slice(), &[shard]].concat()))
    }

    fn has_no_empty_shard(&self) -> bool {
        (0..self.shards()).all(|shard| self.0.contains(&shard))
    }

    /// How many shards there are.
    fn shards(&self) -> usize {
        self.0.iter().max().map_or(0, |last| last + 1)
    }

    /// The maps that are made on this thread from now on are placed like this.
    pub fn of_new_maps(self) {
        PLACEMENT.set(self);
    }

    fn shard_of(&self, key: &impl Hash) -> usize {
        let mut number = Number(0);
        key.hash(&mut number);
        let keys = self.0.len() as u64;
        let key = number.finish().checked_rem(keys).and_then(|key| usize::try_from(key).ok());
        key.map_or(0, |key| self.0[key])
    }
}

/// `01`, `00`: the shard of each key.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|shard| write!(f, "{shard}"))
    }
}

/// Hashes an integer as itself.
struct Number(u64);

impl Hasher for Number {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.wrapping_mul(31).wrapping_add(number);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<K, V> Default for Shards<K, V> {
    /// Placed as [`Placement::of_new_maps`] says; all in one shard if it says nothing.
    fn default() -> Self {
        Self::new(PLACEMENT.with_borrow(Clone::clone))
    }
}

impl<K, V> Shards<K, V> {
    /// An empty map.
    pub fn new(placement: Placement) -> Self {
        let shards = (0..placement.shards().max(1)).map(|_| RwLock::new(BTreeMap::new())).collect();
        Self { shards, placement }
    }
}

impl<K: Ord + Hash, V> Shards<K, V> {
    fn read(&self, key: &K) -> raw::RwLockReadGuard<'_, BTreeMap<K, V>> {
        entered(self.shards[self.placement.shard_of(key)].read())
    }

    fn write(&self, key: &K) -> raw::RwLockWriteGuard<'_, BTreeMap<K, V>> {
        entered(self.shards[self.placement.shard_of(key)].write())
    }
}

impl<K: Ord + Hash, V> Backing<K, V> for Shards<K, V> {
    fn view<R>(&self, key: &K, look: impl FnOnce(&V) -> R) -> Option<R> {
        self.read(key).get(key).map(look)
    }

    fn update<R>(&self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        self.write(key).get_mut(key).map(change)
    }

    fn upsert(&self, key: K, value: V, merge: impl FnOnce(&mut V, V)) {
        let mut shard = self.write(&key);
        match shard.get_mut(&key) {
            Some(present) => merge(present, value),
            None => drop(shard.insert(key, value)),
        }
    }

    fn remove_if(&self, key: &K, condition: impl FnOnce(&V) -> bool) -> Option<V> {
        let mut shard = self.write(key);
        if shard.get(key).is_some_and(condition) { shard.remove(key) } else { None }
    }

    fn for_each(&self, mut look: impl FnMut(&K, &V)) {
        for shard in &self.shards {
            entered(shard.read()).iter().for_each(|(key, value)| look(key, value));
        }
    }

    fn count(&self) -> usize {
        self.shards.iter().map(|shard| entered(shard.read()).len()).sum()
    }
}

impl<K, V> fmt::Debug for Shards<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shards").field("placement", &self.placement).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn every_partition_of_the_keys_is_a_placement_in_every_order() {
        let all = |keys| Placement::all(keys).iter().map(Placement::to_string).collect::<Vec<_>>();
        assert_eq!(all(2), ["00", "01", "10"]);
        let of_three = "000 001 010 011 012 021 100 101 102 110 120 201 210";
        assert_eq!(all(3), of_three.split(' ').collect::<Vec<_>>());
        assert_eq!(Placement::all(4).len(), 75);
    }

    #[test]
    fn keys_that_are_placed_apart_are_in_different_shards() {
        let apart = Placement::all(2).pop().expect("there are three");
        assert_eq!([0u32, 1, 2].map(|key| apart.shard_of(&key)), [1, 0, 1]);
    }
}
