//! Kernel `registry`: one thing per key, created once, never used after it was removed.

use std::sync::Arc;

use concurrency_models::registry::Registry;
use concurrency_models::sync::Mutex;
use loom_tests::check;
use loom_tests::run::{block_on, join_all, spawn};

const KEY: &str = "orders-0";

/// The log of a partition, as far as these properties need one: it gives out offsets.
#[derive(Default)]
struct Log(Mutex<u32>);

impl Log {
    fn append(&self) -> u32 {
        let mut next = self.0.lock();
        *next += 1;
        *next - 1
    }
}

type Logs = Arc<Registry<&'static str, Log>>;

#[test]
fn first_producers_share_one_partition() {
    check(|| {
        let logs = Logs::default();
        let producers = [logs.clone(), logs.clone()].map(|logs| {
            spawn(move || logs.get_or_insert(&KEY, Log::default()).expect("not being removed").append())
        });
        let offsets = join_all(producers);
        assert!(offsets == [0, 1] || offsets == [1, 0], "offsets are unique and dense");
        assert_eq!(logs.len(), 1);
        offsets
    });
}

#[test]
fn what_was_appended_first_is_in_the_log_that_stays() {
    check(|| {
        let logs = Logs::default();
        let producer = spawn({
            let logs = logs.clone();
            move || logs.get_or_insert(&KEY, Log::default()).expect("not being removed").append()
        });
        let mine = logs.get_or_insert(&KEY, Log::default()).expect("not being removed").append();
        assert!(producer.join() != mine, "one offset was given twice");
        let log = logs.lease(&KEY).expect("it is there");
        assert_eq!(log.append(), 2, "two were appended before");
        mine
    });
}

#[test]
fn what_is_in_use_is_not_removed() {
    check(|| {
        let logs = Logs::default();
        let log = logs.get_or_insert(&KEY, Log::default()).expect("new");
        let remover = spawn({
            let logs = logs.clone();
            move || block_on(logs.retire(&KEY))
        });
        assert_eq!(logs.len(), 1, "removed while it is leased");
        drop(log);
        assert!(remover.join());
        assert!(logs.lease(&KEY).is_none() && logs.is_empty());
    });
}

/// A log is rolled: file 1 is sealed, file 2 is begun.
#[test]
fn no_file_is_live_beside_one_that_is_still_written() {
    check(|| {
        let files = Arc::<Registry<&'static str, u32>>::default();
        let writing = files.get_or_insert(&KEY, 1).expect("new");
        let sealer = spawn({
            let files = files.clone();
            move || block_on(files.retire(&KEY))
        });
        let next = files.get_or_insert(&KEY, 2).map(|file| *file);
        assert!(next != Ok(2), "file 2 is live while file 1 is still written");
        drop(writing);
        assert!(sealer.join());
        assert_eq!(files.get_or_insert(&KEY, 2).map(|file| *file), Ok(2));
        next
    });
}

#[test]
fn what_is_leased_is_what_the_next_one_finds() {
    check(|| {
        let files = Arc::<Registry<&'static str, u32>>::default();
        drop(files.get_or_insert(&KEY, 1));
        let remover = spawn({
            let files = files.clone();
            move || block_on(files.retire(&KEY))
        });
        let leased = files.get_or_insert(&KEY, 2).map(|file| {
            let found = files.lease(&KEY).map(|next| *next);
            assert!(found.is_none_or(|next| next == *file), "two files are live");
            *file
        });
        remover.join();
        leased
    });
}

#[test]
fn one_of_two_removers_removes() {
    check(|| {
        let logs = Logs::default();
        drop(logs.get_or_insert(&KEY, Log::default()));
        let removers = [logs.clone(), logs.clone()].map(|logs| spawn(move || block_on(logs.retire(&KEY))));
        let [first, second] = join_all(removers);
        assert!(first != second, "both say that they removed it, or neither does");
        assert!(logs.is_empty());
        assert!(logs.get_or_insert(&KEY, Log::default()).is_ok(), "the key is free again");
        first
    });
}

#[test]
fn a_lease_on_all_skips_what_is_being_removed() {
    check(|| {
        let logs = Logs::default();
        drop(logs.get_or_insert(&KEY, Log::default()));
        drop(logs.get_or_insert(&"orders-1", Log::default()));
        let remover = spawn({
            let logs = logs.clone();
            move || block_on(logs.retire(&KEY))
        });
        let leased: Vec<_> = logs.lease_all().into_iter().map(|(key, _)| key).collect();
        assert!(leased == [KEY, "orders-1"] || leased == ["orders-1"]);
        assert!(remover.join());
        leased
    });
}

#[cfg(not(loom))]
#[test]
fn a_removal_that_is_given_up_can_be_finished() {
    use loom_tests::run::give_up_after;
    check(|| {
        let logs = Logs::default();
        let log = logs.get_or_insert(&KEY, Log::default());
        let gives_up = spawn({
            let logs = logs.clone();
            move || give_up_after(1, logs.retire(&KEY))
        });
        drop(log);
        gives_up.join();
        assert!(logs.is_empty() || block_on(logs.retire(&KEY)));
        assert!(logs.is_empty());
    });
}
