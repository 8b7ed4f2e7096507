//! What the monitor of tasks promises when a future is dropped: by a timeout, by a `select!`, by a connection that ends.
//!
//! The future is polled once, so that it waits, and then its end races with the wake-up that is meant for it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use concurrency_models::monitor::task::{Monitor, Waiter};
use concurrency_models::seat::Seat;
use concurrency_models::wait_queue::WaitQueue;
use loom_tests::run::{block_on_waker, poll_once, spawn};
use loom_tests::{check, check_sequence};

#[derive(Default)]
struct Permits {
    free: usize,
    waiting: WaitQueue<Waiter>,
}

type Semaphore = Arc<Monitor<Permits>>;

async fn take(semaphore: Semaphore) {
    let taken = semaphore.wait(
        |state| &mut state.waiting,
        (),
        |state, _| {
            let free = state.free > 0;
            free.then(|| state.free -= 1)
        },
    );
    taken.await;
}

fn release_one(semaphore: &Semaphore) {
    semaphore.update(|state, wakes| {
        state.free += 1;
        wakes.one(&mut state.waiting);
    });
}

/// Polls the future once and drops it; gives a permit back if that took one. Returns whether it did.
fn try_for_a_moment(semaphore: &Semaphore) -> bool {
    let taken = poll_once(pin!(take(semaphore.clone())).as_mut());
    if taken.is_ready() {
        release_one(semaphore);
    }
    taken.is_ready()
}

#[test]
fn the_permit_of_a_dropped_waiter_goes_to_the_next() {
    check(|| {
        let semaphore = Semaphore::default();
        let gives_up = spawn({
            let semaphore = semaphore.clone();
            move || try_for_a_moment(&semaphore)
        });
        let stays = spawn({
            let semaphore = semaphore.clone();
            move || block_on_waker(take(semaphore))
        });
        release_one(&semaphore);
        let had_it = gives_up.join();
        stays.join(); // there is one permit, and only this waiter left to take it
        had_it
    });
}

#[test]
fn a_dropped_waiter_leaves_neither_place_nor_permit_behind() {
    check(|| {
        let semaphore = Semaphore::default();
        let releases = spawn({
            let semaphore = semaphore.clone();
            move || release_one(&semaphore)
        });
        let had_it = try_for_a_moment(&semaphore);
        semaphore.with(|state| assert!(state.waiting.is_empty(), "the dropped waiter is still in the queue"));
        releases.join();
        semaphore.with(|state| assert_eq!(state.free, 1, "the permit has gone with the waiter"));
        assert_eq!(Arc::strong_count(&semaphore), 1);
        had_it
    });
}

#[test]
fn a_future_that_moves_to_another_task_is_woken_there() {
    check(|| {
        let semaphore = Semaphore::default();
        let mut waits = Box::pin(take(semaphore.clone()));
        assert_eq!(poll_once(waits.as_mut()), Poll::Pending); // registers this task
        let other_task = spawn(move || block_on_waker(waits)); // which is not the one that waits in the end
        release_one(&semaphore);
        other_task.join();
    });
}

#[test]
fn a_poll_without_a_wake_up_changes_nothing() {
    check(|| {
        let semaphore = Semaphore::default();
        let waiter = spawn({
            let semaphore = semaphore.clone();
            move || {
                let mut waits = Box::pin(take(semaphore));
                let early = (0..2).any(|_| poll_once(waits.as_mut()).is_ready());
                if !early {
                    block_on_waker(waits);
                }
                early
            }
        });
        release_one(&semaphore);
        let early = waiter.join();
        semaphore.with(|state| assert!(state.free == 0 && state.waiting.is_empty()));
        early
    });
}

#[test]
fn a_future_never_polled_was_never_there() {
    check_sequence(|| {
        let semaphore = Semaphore::default();
        let never: Box<dyn Future<Output = ()>> = Box::new(take(semaphore.clone()));
        drop(never);
        release_one(&semaphore);
        semaphore.with(|state| {
            assert_eq!(state.free, 1);
            state.free
        })
    });
}

/// What the only waiter waits for.
#[derive(Default)]
struct Open {
    open: bool,
    waiting: Seat<Waiter>,
}

type Door = Arc<Monitor<Open>>;

async fn opened(door: Door) {
    door.wait(|state| &mut state.waiting, (), |state, _| state.open.then_some(())).await;
}

fn open(door: &Door) {
    door.update(|state, wakes| {
        state.open = true;
        wakes.one(&mut state.waiting);
    });
}

#[test]
fn the_only_waiter_that_moves_to_another_task_is_woken_there() {
    check(|| {
        let door = Door::default();
        let mut waits = Box::pin(opened(door.clone()));
        assert_eq!(poll_once(waits.as_mut()), Poll::Pending);
        let other_task = spawn(move || block_on_waker(waits));
        open(&door);
        other_task.join();
    });
}

#[test]
fn the_place_of_a_dropped_waiter_is_free_for_the_next() {
    check(|| {
        let door = Door::default();
        let opens = spawn({
            let door = door.clone();
            move || open(&door)
        });
        let early = poll_once(pin!(opened(door.clone())).as_mut()).is_ready();
        block_on_waker(opened(door));
        opens.join();
        early
    });
}
