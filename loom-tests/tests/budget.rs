//! Kernel `budget`: never more out than there is, all of it back in the end, first come first served.

use concurrency_models::budget::{Budget, Refused, Reservation};
use loom_tests::run::{Running, block_on, join_all, spawn};
use loom_tests::{check, check_sequence};

/// Reserves on a thread of its own and gives back at once.
fn reserve(budget: &Budget, bytes: usize) -> Running<Result<(), Refused>> {
    let budget = budget.clone();
    spawn(move || block_on(budget.reserve(bytes)).map(drop))
}

#[test]
fn everything_comes_back_and_serves_the_next() {
    check(|| {
        let budget = Budget::new(10);
        let requests = [reserve(&budget, 7), reserve(&budget, 6)];
        assert!(join_all(requests).into_iter().all(|served| served.is_ok()));
        assert_eq!(budget.available(), 10);
    });
}

#[test]
fn never_more_is_out_than_there_is() {
    check(|| {
        let budget = Budget::new(10);
        let other = spawn({
            let budget = budget.clone();
            move || block_on(budget.reserve(6)).map(|mine| (mine.bytes(), budget.available()))
        });
        let mine = block_on(budget.reserve(6)).expect("open");
        let free = budget.available();
        assert_eq!(free, 4, "6 of 10 are out, and no second 6 can be");
        drop(mine);
        assert_eq!(other.join(), Ok((6, 4)));
    });
}

#[test]
fn a_large_request_is_not_overtaken() {
    check(|| {
        let budget = Budget::new(10);
        let held = budget.try_reserve(5).expect("all is free");
        let large = reserve(&budget, 10);
        let waits = budget.waiting() > 0;
        let overtaken = waits && budget.try_reserve(5).is_some();
        assert!(!overtaken, "5 bytes were free, but the large request was there first");
        drop(held);
        assert_eq!(large.join(), Ok(()));
        assert_eq!(budget.available(), 10);
        waits
    });
}

#[test]
fn what_is_given_back_early_serves_who_waits() {
    check(|| {
        let budget = Budget::new(10);
        let mut held: Reservation = budget.try_reserve(10).expect("all is free");
        let waits = reserve(&budget, 4);
        held.shrink_to(6);
        assert_eq!(waits.join(), Ok(()), "4 are free, and 4 were asked for");
        assert_eq!(budget.available(), 4);
        drop(held);
        assert_eq!(budget.available(), 10);
    });
}

/// Both hold some and both ask for the same rest: only one of them gets it.
#[test]
fn two_that_grow_do_not_share_a_byte() {
    check(|| {
        let budget = Budget::new(10);
        let held = [budget.try_reserve(3), budget.try_reserve(3)].map(|held| held.expect("all is free"));
        let grows = |mut held: Reservation| move || (held.try_grow(4), held);
        let held = join_all(held.map(|held| spawn(grows(held))));
        assert_ne!(held[0].0, held[1].0, "4 bytes were free, and each asked for 4");
        let out: usize = held.iter().map(|(_, held)| held.bytes()).sum();
        assert_eq!(out, budget.total());
        assert_eq!(budget.available(), 0);
        let first_grew = held[0].0;
        drop(held);
        assert_eq!(budget.available(), budget.total());
        first_grew
    });
}

#[test]
fn the_line_moves_on_when_the_first_is_served() {
    check(|| {
        let budget = Budget::new(10);
        let held = budget.try_reserve(10);
        let waits = [budget.clone(), budget.clone()].map(|budget| spawn(move || block_on(budget.reserve(5))));
        drop(held); // enough for both, and the one wake-up goes to the first
        let served = join_all(waits); // who is served keeps it, so the second is not helped by the first giving back
        assert!(served.iter().all(Result::is_ok));
        assert_eq!(budget.available(), 0);
    });
}

#[test]
fn a_close_reaches_everyone_who_waits() {
    check(|| {
        let budget = Budget::new(10);
        let held = budget.try_reserve(10);
        let waits = reserve(&budget, 5);
        budget.close();
        assert_eq!(waits.join(), Err(Refused::Closed));
        drop(held);
        assert!(budget.try_reserve(1).is_none());
        assert_eq!(budget.available(), 10);
    });
}

#[test]
fn more_than_there_is_at_all_is_refused_at_once() {
    check_sequence(|| {
        let budget = Budget::new(10);
        let refused = block_on(budget.reserve(11)).map(drop);
        assert_eq!(refused, Err(Refused::TooLarge { asked: 11, total: 10 }));
    });
}

#[cfg(not(loom))]
#[test]
fn who_gives_up_gives_its_place_away() {
    use loom_tests::run::give_up_after;
    check(|| {
        let budget = Budget::new(10);
        let held = budget.try_reserve(8);
        let gives_up = spawn({
            let budget = budget.clone();
            move || drop(give_up_after(2, budget.reserve(10)))
        });
        let small = reserve(&budget, 2); // may stand behind the large one, which goes away
        gives_up.join();
        assert_eq!(small.join(), Ok(()));
        drop(held);
        assert_eq!(budget.available(), 10);
    });
}
