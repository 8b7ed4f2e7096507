//! Kernel `watermark`: it never goes back, and who waits for a position learns when it is there or never will be.

use std::sync::Arc;

use concurrency_models::watermark::{Closed, Watermark};
use loom_tests::run::{Running, block_on, join_all, spawn};
use loom_tests::{check, check_sequence};

fn shared(position: i64) -> Arc<Watermark> {
    Arc::new(Watermark::new(position))
}

fn advance(watermark: &Arc<Watermark>, position: i64) -> Running<bool> {
    let watermark = watermark.clone();
    spawn(move || watermark.advance(position))
}

#[test]
fn it_never_goes_back() {
    check(|| {
        let watermark = shared(0);
        let writers = [advance(&watermark, 2), advance(&watermark, 1)];
        let (earlier, later) = (watermark.get(), watermark.get());
        assert!(earlier <= later, "went back from {earlier} to {later}");
        let [to_two, to_one] = join_all(writers);
        assert!(to_two);
        assert_eq!(watermark.get(), 2, "went back from 2 to 1");
        (earlier, later, to_one)
    });
}

#[test]
fn who_waits_is_woken_by_whoever_gets_there() {
    check(|| {
        let watermark = shared(0);
        let writers = [advance(&watermark, 1), advance(&watermark, 2)];
        let seen = block_on(watermark.reached(1)).expect("not closed");
        assert!(seen >= 1, "woken at {seen}");
        join_all(writers);
        seen
    });
}

#[test]
fn what_is_reached_already_needs_no_wait() {
    check_sequence(|| {
        let watermark = shared(5);
        assert_eq!(block_on(watermark.reached(5)), Ok(5));
        assert_eq!(block_on(watermark.reached(3)), Ok(5));
    });
}

#[test]
fn who_waits_for_more_is_not_served_with_less() {
    check(|| {
        let watermark = shared(0);
        let waiter = spawn({
            let watermark = watermark.clone();
            move || block_on(watermark.reached(2))
        });
        watermark.advance(1);
        watermark.advance(2);
        assert_eq!(waiter.join(), Ok(2));
    });
}

#[test]
fn a_close_reaches_everyone_who_waits() {
    check(|| {
        let watermark = shared(0);
        let waiter = spawn({
            let watermark = watermark.clone();
            move || block_on(watermark.reached(1))
        });
        watermark.close();
        assert_eq!(waiter.join(), Err(Closed));
        assert!(!watermark.advance(1), "a closed watermark has moved");
    });
}

#[test]
fn an_advance_and_a_close_at_once_leave_nobody_waiting() {
    check(|| {
        let watermark = shared(0);
        let writer = advance(&watermark, 1);
        let waiter = spawn({
            let watermark = watermark.clone();
            move || block_on(watermark.reached(1))
        });
        watermark.close();
        let moved = writer.join();
        assert_eq!(waiter.join().is_ok(), moved, "the waiter's answer and the position differ");
        moved
    });
}

#[cfg(not(loom))]
#[test]
fn a_wait_that_is_given_up_keeps_nobody_else_waiting() {
    use loom_tests::run::give_up_after;
    check(|| {
        let watermark = shared(0);
        let gives_up = spawn({
            let watermark = watermark.clone();
            move || give_up_after(1, watermark.reached(1))
        });
        let stays = spawn({
            let watermark = watermark.clone();
            move || block_on(watermark.reached(2))
        });
        watermark.advance(1);
        watermark.advance(2);
        gives_up.join();
        assert_eq!(stays.join(), Ok(2));
    });
}
