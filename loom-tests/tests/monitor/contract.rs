//! What either monitor promises.

use std::sync::Arc;

use concurrency_models::seat::Seat;
use concurrency_models::wait_queue;
use loom_tests::check;
use loom_tests::run::{Running, join_all, spawn};

use super::{Monitor, Waiter, block_on};

type WaitQueue<K = ()> = wait_queue::WaitQueue<Waiter, K>;

/// A semaphore, the simplest thing that one can wait for.
#[derive(Default)]
struct Permits {
    free: usize,
    closed: bool,
    waiting: WaitQueue,
}

type Semaphore = Arc<Monitor<Permits>>;

/// Takes a permit on a thread of its own; false if the semaphore is closed and empty.
fn take(semaphore: &Semaphore) -> Running<bool> {
    let semaphore = semaphore.clone();
    spawn(move || {
        block_on(semaphore.wait(
            |state| &mut state.waiting,
            (),
            |state, _| {
                if state.free > 0 {
                    state.free -= 1;
                    return Some(true);
                }
                state.closed.then_some(false)
            },
        ))
    })
}

fn release(semaphore: &Semaphore, permits: usize) {
    semaphore.update(|state, wakes| {
        for _ in 0..permits {
            state.free += 1;
            wakes.one(&mut state.waiting);
        }
    });
}

#[test]
fn a_fresh_waiter_is_never_lost() {
    check(|| {
        let semaphore = Semaphore::default();
        let waiter = take(&semaphore);
        release(&semaphore, 1);
        let served = waiter.join();
        assert!(served);
        served
    });
}

#[test]
fn each_permit_serves_one_waiter() {
    check(|| {
        let semaphore = Semaphore::default();
        let waiters = [take(&semaphore), take(&semaphore)];
        release(&semaphore, 2);
        let served = join_all(waiters);
        assert!(served.into_iter().all(|served| served));
        semaphore.with(|state| assert!(state.free == 0 && state.waiting.is_empty()));
        served
    });
}

#[test]
fn a_close_reaches_everyone_and_a_permit_only_one() {
    check(|| {
        let semaphore = Semaphore::default();
        let waiters = [take(&semaphore), take(&semaphore)];
        semaphore.update(|state, wakes| {
            state.free = 1;
            state.closed = true;
            wakes.all(&mut state.waiting);
        });
        let served = join_all(waiters);
        assert!(served[0] != served[1], "one permit, and both or neither were served");
        semaphore.with(|state| assert!(state.waiting.is_empty(), "a waiter was left in the queue"));
        served
    });
}

#[test]
fn a_newcomer_that_takes_the_permit_does_not_strand_the_woken() {
    check(|| {
        let semaphore = Semaphore::default();
        let waiter = take(&semaphore);
        release(&semaphore, 1);
        let overtaken = semaphore.with(|state| {
            state.free > 0 && {
                state.free -= 1; // between the wake-up and the one who was woken
                true
            }
        });
        if overtaken {
            release(&semaphore, 1);
        }
        assert!(waiter.join());
        overtaken
    });
}

/// A position with waiters, keyed by the position that they wait for.
#[derive(Default)]
struct Position {
    now: u32,
    waiting: WaitQueue<u32>,
}

fn reach(position: &Arc<Monitor<Position>>, target: u32) -> Running<u32> {
    let position = position.clone();
    spawn(move || {
        block_on(position.wait(
            |state| &mut state.waiting,
            target,
            move |state, _| (state.now >= target).then_some(state.now),
        ))
    })
}

fn move_to(position: &Monitor<Position>, step: u32) {
    position.update(|state, wakes| {
        state.now = step;
        wakes.up_to(&mut state.waiting, step);
    });
}

#[test]
fn everyone_up_to_a_key_is_woken() {
    check(|| {
        let position = Arc::<Monitor<Position>>::default();
        let waiters = [reach(&position, 2), reach(&position, 1)];
        move_to(&position, 2);
        let reached = join_all(waiters);
        assert_eq!(reached, [2, 2]);
        reached
    });
}

#[test]
fn who_waits_for_more_is_woken_by_the_later_step() {
    check(|| {
        let position = Arc::<Monitor<Position>>::default();
        let waiter = reach(&position, 2);
        move_to(&position, 1);
        move_to(&position, 2);
        let reached = waiter.join();
        assert_eq!(reached, 2);
        reached
    });
}

/// A position that only one waits for.
#[derive(Default)]
struct Goal {
    now: u32,
    waiting: Seat<Waiter>,
}

fn reach_alone(goal: &Arc<Monitor<Goal>>, target: u32) -> Running<u32> {
    let goal = goal.clone();
    spawn(move || {
        block_on(goal.wait(
            |state| &mut state.waiting,
            (),
            move |state, _| (state.now >= target).then_some(state.now),
        ))
    })
}

fn step_forward(goal: &Monitor<Goal>) {
    goal.update(|state, wakes| {
        state.now += 1;
        wakes.one(&mut state.waiting);
    });
}

#[test]
fn the_only_waiter_is_never_lost() {
    check(|| {
        let goal = Arc::<Monitor<Goal>>::default();
        let waiter = reach_alone(&goal, 1);
        step_forward(&goal);
        assert_eq!(waiter.join(), 1);
    });
}

#[test]
fn the_only_waiter_takes_its_place_again_when_it_is_woken_in_vain() {
    check(|| {
        let goal = Arc::<Monitor<Goal>>::default();
        let waiter = reach_alone(&goal, 2);
        step_forward(&goal);
        step_forward(&goal);
        assert_eq!(waiter.join(), 2);
    });
}
