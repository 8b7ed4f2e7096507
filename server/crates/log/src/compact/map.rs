//! Where the last record of each key is: a table of fixed size, by a 128-bit hash of the key, as Kafka's `SkimpyOffsetMap`.

use std::hash::{DefaultHasher, Hasher as _};

use crate::limits;

/// Bytes of an entry: hash (16), offset (8).
pub(crate) const ENTRY_BYTES: usize = size_of::<Slot>();

/// Hash, then the offset plus one: a free slot is all zeros, so that the table is not touched before it is used.
type Slot = [u64; 3];

/// Offsets by key. A key is known by its hash: of 2^64 keys, two may share one.
#[derive(Debug)]
pub(crate) struct OffsetMap {
    slots: Vec<Slot>,
    used: usize,
    /// Keys that it takes.
    capacity: usize,
    /// Keeps others from looking for keys that share a hash.
    seed: u128,
}

impl OffsetMap {
    /// A table of at most `bytes`, smaller if there are no more than `keys`.
    pub(crate) fn new(bytes: usize, keys: u64, seed: u128) -> Self {
        let most = bytes / ENTRY_BYTES;
        let wanted = keys.saturating_mul(100) / limits::DEDUPE_LOAD_PERCENT as u64 + 2;
        let slots = usize::try_from(wanted).unwrap_or(usize::MAX).min(most).max(2);
        let capacity = (slots as u64 * limits::DEDUPE_LOAD_PERCENT as u64 / 100).max(1);
        let capacity = usize::try_from(capacity).unwrap_or(slots);
        Self { slots: vec![[0; 3]; slots], used: 0, capacity, seed }
    }

    /// Keys in it.
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    /// New keys that it still takes.
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.used
    }

    /// Notes a record. Those of a key come in ascending order of offset.
    ///
    /// # Panics
    /// If the key is new and there is no [`room`](Self::room).
    pub(crate) fn put(&mut self, key: &[u8], offset: i64) {
        let hash = self.hash(key);
        let at = self.find(hash);
        if self.slots[at][2] == 0 {
            assert!(self.room() > 0, "the offset map is full");
            self.used += 1;
        }
        self.slots[at] = [hash[0], hash[1], offset.cast_unsigned() + 1];
    }

    /// Offset of the last record of the key, if there was one.
    pub(crate) fn get(&self, key: &[u8]) -> Option<i64> {
        let found = self.slots[self.find(self.hash(key))][2];
        found.checked_sub(1).map(u64::cast_signed)
    }

    /// The slot of this hash, or the free one where it belongs. There is always a free one.
    fn find(&self, [first, second]: [u64; 2]) -> usize {
        let len = self.slots.len();
        let scaled = (u128::from(first) * len as u128) >> 64;
        let mut at = usize::try_from(scaled).unwrap_or(0);
        loop {
            let slot = &self.slots[at];
            if slot[2] == 0 || (slot[0], slot[1]) == (first, second) {
                return at;
            }
            at = if at + 1 == len { 0 } else { at + 1 };
        }
    }

    fn hash(&self, key: &[u8]) -> [u64; 2] {
        [0, 1].map(|half| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u128(self.seed);
            hasher.write_u8(half);
            hasher.write(key);
            hasher.finish()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_is_a_map_up_to_its_capacity() {
        for bytes in [100, 1000, 100_000] {
            let mut map = OffsetMap::new(bytes, u64::MAX, 7);
            let mut model = BTreeMap::new();
            for offset in 0i64.. {
                if map.room() == 0 {
                    break;
                }
                let key = (offset * 7919 % 5000).to_string();
                map.put(key.as_bytes(), offset);
                model.insert(key, offset);
            }
            assert_eq!(map.len(), model.len());
            assert!(map.slots.len() * ENTRY_BYTES <= bytes);
            for key in (0..5000).map(|key| key.to_string()) {
                assert_eq!(map.get(key.as_bytes()), model.get(&key).copied(), "{key}");
            }
        }
    }

    #[test]
    fn it_is_no_larger_than_needed() {
        let map = OffsetMap::new(1 << 30, 1000, 7);
        assert!(map.slots.len() < 2000 && map.room() >= 1000);
        assert!(OffsetMap::new(0, 0, 7).room() >= 1);
    }
}
