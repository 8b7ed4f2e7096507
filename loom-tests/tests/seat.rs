//! `seat`: the place of the only waiter. It is plain data, so each scenario has one thread.

use std::panic::catch_unwind;

use concurrency_models::seat::Seat;
use concurrency_models::wait_queue::Queue;
use loom_tests::check_sequence;

#[test]
fn who_waits_is_woken_once() {
    check_sequence(|| {
        let mut seat = Seat::new();
        assert_eq!(seat.pop_front(), None, "nobody has come yet");
        let ticket = seat.join((), "waits");
        assert_eq!(seat.pop_front(), Some("waits"));
        assert_eq!(seat.pop_front(), None);
        assert_eq!(seat.leave(ticket), None, "woken: the permit is in its hand");
    });
}

#[test]
fn who_was_woken_in_vain_takes_its_place_again() {
    check_sequence(|| {
        let mut seat = Seat::new();
        let ticket = seat.join((), "first");
        assert_eq!(seat.pop_front(), Some("first"));
        assert_eq!(seat.waker_mut(&ticket), None);
        seat.rejoin(&ticket, "again");
        assert_eq!(seat.pop_front(), Some("again"));
    });
}

#[test]
fn who_leaves_makes_room_for_the_next() {
    check_sequence(|| {
        let mut seat = Seat::new();
        let first = seat.join((), "first");
        assert_eq!(seat.leave(first), Some("first"), "not woken: its waker comes back");
        let _second = seat.join((), "second");
        assert_eq!(seat.pop_front(), Some("second"));
    });
}

#[test]
fn a_waker_can_be_renewed_while_its_owner_waits() {
    check_sequence(|| {
        let mut seat = Seat::new();
        let ticket = seat.join((), "old");
        *seat.waker_mut(&ticket).expect("not woken yet") = "new";
        assert_eq!(seat.pop_front(), Some("new"));
    });
}

#[test]
fn there_is_no_place_for_two() {
    check_sequence(|| {
        let refused = catch_unwind(|| {
            let mut seat = Seat::new();
            let _first = seat.join((), "first");
            let _second = seat.join((), "second");
        });
        let refused = refused.expect_err("the second has taken the place of the first");
        let says = refused.downcast_ref::<&str>().expect("it says why");
        assert!(says.starts_with("a second waiter in a place for one"), "{says}");
    });
}
