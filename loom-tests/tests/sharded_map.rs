//! `ShardedMap`: an operation on an entry is one critical section, wherever the entry is.

use std::sync::Arc;

use concurrency_models::sync::ShardedMap;
use loom_tests::check_sharded;
use loom_tests::run::{join_all, spawn};

type Map = Arc<ShardedMap<u32, u32>>;

#[test]
fn no_change_of_an_entry_is_lost() {
    check_sharded(2, || {
        let map = Map::default();
        let threads = [map.clone(), map.clone()].map(|map| {
            spawn(move || {
                map.upsert(0, 1, |sum, one| *sum += one);
                map.upsert(1, 1, |sum, one| *sum += one);
            })
        });
        join_all(threads);
        let left = (map.get(&0), map.get(&1), map.len());
        assert_eq!(left, (Some(2), Some(2), 2));
        left
    });
}

#[test]
fn what_is_changed_first_is_not_removed() {
    check_sharded(2, || {
        let map = Map::default();
        map.upsert(0, 1, |_, _| ());
        map.upsert(1, 1, |_, _| ());
        let changer = spawn({
            let map = map.clone();
            move || map.update(&0, |value| *value = 2)
        });
        let removed = map.remove_if(&0, |value| *value == 1);
        let changed = changer.join();
        assert!(removed.is_some() != changed.is_some(), "removed after it was changed, or neither");
        let left = (map.get(&0), map.get(&1));
        assert_eq!(left, (changed.map(|()| 2), Some(1)));
        (removed, left)
    });
}

#[test]
fn an_iteration_sees_every_entry_that_stays() {
    check_sharded(3, || {
        let map = Map::default();
        map.upsert(0, 1, |_, _| ());
        map.upsert(1, 1, |_, _| ());
        let other = spawn({
            let map = map.clone();
            move || {
                map.remove_if(&0, |_| true);
                map.upsert(2, 1, |_, _| ());
            }
        });
        let mut seen = Vec::new();
        map.for_each(|key, _| seen.push(*key));
        seen.sort_unstable();
        assert!(seen.contains(&1), "entry 1 was there all the time, seen were {seen:?}");
        other.join();
        seen
    });
}
