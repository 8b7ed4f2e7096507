//! The map in shards: `dashmap` in a plain build, `Shards` under loom, `shuttle-dashmap` under shuttle. Called below the facade, where lockdep would
//! name a call inside of a call before it can be measured.

use std::sync::Arc;

use concurrency_models::sync::sharded_map::Backing;
use loom_tests::run::spawn;

use super::super::matrix::{Blocks, Row};
use super::super::trial::Case;
use super::Signal;
use super::lock::SECOND_READ;

use Blocks::{Always, Differs};
use Case::{Alone, Among};

#[cfg(not(loom))]
pub(crate) type Map = concurrency_models::sync::sharded_map::dash::Dash<u32, u32>;
#[cfg(loom)]
pub(crate) type Map = concurrency_models::sync::sharded_map::stand_in::Shards<u32, u32>;

const STRICTER: &str =
    "shuttle-dashmap is one lock, and blocks wherever two entries of the real map may share a shard";
pub(crate) fn rows() -> Vec<Row> {
    let map = |call, during, blocks, case| Row { object: "map", call, during, blocks, case };
    let stricter = Differs { real: false, loom: false, shuttle: true, because: STRICTER };
    let refused = Differs { real: false, loom: true, shuttle: true, because: SECOND_READ };
    vec![
        map("remove_if", "for_each shows that entry", Always, Alone(remove_in_for_each)),
        map(
            "remove_if",
            "for_each shows an entry of that shard",
            Always,
            Alone(remove_of_neighbours_in_for_each),
        ),
        map(
            "remove_if",
            "for_each shows an entry of another shard",
            stricter,
            Alone(remove_elsewhere_in_for_each),
        ),
        map("upsert", "for_each shows that entry", Always, Alone(upsert_in_for_each)),
        map("update", "for_each shows that entry", Always, Alone(update_in_for_each)),
        map("view", "for_each shows that entry", refused, Alone(view_in_for_each)),
        map("for_each", "for_each shows an entry", refused, Alone(for_each_in_for_each)),
        map("len", "for_each shows an entry", refused, Alone(len_in_for_each)),
        map("view", "view shows that entry", refused, Alone(view_in_view)),
        map("update", "view shows that entry", Always, Alone(update_in_view)),
        map("view", "update changes that entry", Always, Alone(view_in_update)),
        map("view", "update changes an entry of another shard", stricter, Alone(view_elsewhere_in_update)),
        map("for_each", "update changes an entry", Always, Alone(for_each_in_update)),
        map("len", "update changes an entry", Always, Alone(len_in_update)),
        map("remove_if", "remove_if looks at that entry", Always, Alone(remove_in_remove)),
        map(
            "view",
            "view shows that entry and a writer waits",
            refused,
            Among(view_in_view_while_a_writer_waits),
        ),
        map(
            "view",
            "for_each shows that entry and a writer waits",
            refused,
            Among(view_in_for_each_while_a_writer_waits),
        ),
    ]
}

/// The entry that there is.
pub(crate) const HERE: u32 = 0;
/// A key of another shard.
const ELSEWHERE: u32 = 1;

/// A map with the entry [`HERE`]. Under loom, [`ELSEWHERE`] is in another shard; in a plain build the hashes of the two have it so.
fn map() -> Map {
    #[cfg(loom)]
    let map = of_shards("01");
    #[cfg(not(loom))]
    let map = Map::default();
    map.upsert(HERE, 1, |_, _| ());
    map
}

/// As [`map`], and with keys, absent as yet, some of which share the shard of [`HERE`]: under loom it is the only shard, in a plain build there are
/// more of them than shards.
fn map_and_neighbours() -> (Map, std::ops::RangeInclusive<u32>) {
    #[cfg(loom)]
    let (map, neighbours) = (of_shards("00"), 1..=1);
    #[cfg(not(loom))]
    let (map, neighbours) = (Map::default(), 1..=1000);
    map.upsert(HERE, 1, |_, _| ());
    (map, neighbours)
}

#[cfg(loom)]
fn of_shards(placement: &str) -> Map {
    use concurrency_models::sync::sharded_map::stand_in::Placement;
    let mut all = Placement::all(2).into_iter();
    Map::new(all.find(|one| one.to_string() == placement).expect("a way to place two keys"))
}

fn remove_in_for_each() {
    let map = map();
    remove_while_iterating(&map, HERE);
}

/// What fix #3 is about; also tried on maps that are wrong.
pub(crate) fn remove_while_iterating(map: &impl Backing<u32, u32>, key: u32) {
    map.for_each(|_, _| {
        map.remove_if(&key, |_| true);
    });
}

fn remove_of_neighbours_in_for_each() {
    let (map, neighbours) = map_and_neighbours();
    neighbours.for_each(|key| remove_while_iterating(&map, key));
}

fn remove_elsewhere_in_for_each() {
    let map = map();
    remove_while_iterating(&map, ELSEWHERE);
}

fn upsert_in_for_each() {
    let map = map();
    map.for_each(|key, value| map.upsert(*key, *value, |_, _| ()));
}

fn update_in_for_each() {
    let map = map();
    map.for_each(|key, _| {
        map.update(key, |value| *value += 1);
    });
}

fn view_in_for_each() {
    let map = map();
    map.for_each(|key, value| assert_eq!(map.view(key, |value| *value), Some(*value)));
}

fn for_each_in_for_each() {
    let map = map();
    map.for_each(|_, value| map.for_each(|_, again| assert_eq!(value, again)));
}

fn len_in_for_each() {
    let map = map();
    map.for_each(|_, _| assert_eq!(map.count(), 1));
}

fn view_in_view() {
    let map = map();
    map.view(&HERE, |value| assert_eq!(map.view(&HERE, |value| *value), Some(*value)));
}

fn update_in_view() {
    let map = map();
    map.view(&HERE, |_| map.update(&HERE, |value| *value += 1));
}

fn view_in_update() {
    let map = map();
    map.update(&HERE, |_| map.view(&HERE, |value| *value));
}

fn view_elsewhere_in_update() {
    let map = map();
    map.update(&HERE, |_| map.view(&ELSEWHERE, |value| *value));
}

fn for_each_in_update() {
    let map = map();
    map.update(&HERE, |_| map.for_each(|_, _| ()));
}

fn len_in_update() {
    let map = map();
    map.update(&HERE, |_| map.count());
}

fn remove_in_remove() {
    let map = map();
    map.remove_if(&HERE, |_| map.remove_if(&HERE, |_| true).is_some());
}

fn view_in_view_while_a_writer_waits() {
    let map = Arc::new(map());
    while_a_writer_waits(&map, |writes| {
        map.view(&HERE, |_| {
            let writer = writes();
            map.view(&HERE, |_| ());
            writer
        })
    });
}

fn view_in_for_each_while_a_writer_waits() {
    let map = Arc::new(map());
    while_a_writer_waits(&map, |writes| {
        let mut writer = None;
        map.for_each(|key, _| {
            writer = Some(writes());
            map.view(key, |_| ());
        });
        writer
    });
}

type Writer = loom_tests::run::Running<Option<()>>;

/// `read` is given what starts a writer of the entry, and returns when that writer waits; and hands it back.
fn while_a_writer_waits(map: &Arc<Map>, read: impl FnOnce(&dyn Fn() -> Writer) -> Option<Writer>) {
    let writer = read(&|| {
        let (map, writes) = (map.clone(), Signal::default());
        let about_to_write = writes.clone();
        let writer = spawn(move || {
            about_to_write.give();
            map.update(&HERE, |value| *value += 1)
        });
        writes.wait();
        writer
    });
    assert_eq!(writer.expect("the entry is there").join(), Some(()));
}
