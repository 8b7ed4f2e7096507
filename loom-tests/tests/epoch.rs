//! Kernel `epoch`: what rests on a leadership is done while it holds, or not at all.

use std::sync::Arc;

use concurrency_models::epoch::{Fence, Fenced, Leadership, NO_EPOCH, Refused, Role};
use loom_tests::run::{Running, block_on, join_all, spawn};
use loom_tests::{check, check_sequence};

const OTHER_NODE: i32 = 7;

fn fence<T>(inner: T) -> Arc<Fence<T>> {
    Arc::new(Fence::new(inner))
}

/// A fence over `inner`, behind which this node leads in epoch 1.
fn led<T>(inner: T) -> Arc<Fence<T>> {
    let fence = fence(inner);
    fence.become_leader(1, |_| ()).expect("the first epoch");
    fence
}

fn lead(fence: &Arc<Fence<()>>, epoch: i32) -> Running<Result<(), Refused>> {
    let fence = fence.clone();
    spawn(move || fence.become_leader(epoch, |()| ()))
}

fn follow(fence: &Arc<Fence<()>>, epoch: i32) -> Running<Result<(), Refused>> {
    let fence = fence.clone();
    spawn(move || fence.become_follower(epoch, OTHER_NODE, |()| ()))
}

/// Waits, in epoch 1 of this node, until the position is 1.
fn wait_for_one(fence: &Arc<Fence<i64>>) -> Running<Result<i64, Fenced>> {
    let fence = fence.clone();
    spawn(move || block_on(fence.until(Leadership::leader(1), 1, |at| (*at >= 1).then_some(*at))))
}

#[test]
fn epoch_and_role_are_read_as_one() {
    check(|| {
        let fence = led(());
        let change = follow(&fence, 2);
        let seen = fence.current();
        let both = [Leadership::leader(1), Leadership::follower(2, OTHER_NODE)];
        assert!(both.contains(&seen), "{seen:?} has never been");
        assert_eq!(change.join(), Ok(()));
        assert_eq!(fence.current(), both[1]);
        seen
    });
}

#[test]
fn the_epoch_never_goes_back() {
    check(|| {
        let fence = fence(());
        let changes = [lead(&fence, 1), follow(&fence, 2)];
        let (earlier, later) = (fence.current().epoch, fence.current().epoch);
        assert!(earlier <= later, "went back from {earlier} to {later}");
        let [to_one, to_two] = join_all(changes);
        assert_eq!(to_two, Ok(()));
        assert_eq!(fence.current().epoch, 2, "went back from 2");
        (earlier, later, to_one.is_ok())
    });
}

#[test]
fn an_epoch_has_one_leader() {
    check(|| {
        let fence = fence(());
        let changes = [lead(&fence, 1), follow(&fence, 1)];
        let done = join_all(changes).map(|change| change.is_ok());
        assert!(done[0] != done[1], "one epoch and two leaders");
        assert_eq!(fence.current().role == Role::Leader, done[0]);
        done
    });
}

#[test]
fn nothing_of_an_epoch_is_done_after_it() {
    check(|| {
        let fence = led(Vec::new());
        let act = spawn({
            let fence = fence.clone();
            move || fence.guarded(Leadership::leader(1), |log| log.push(1))
        });
        let change = fence.become_follower(2, OTHER_NODE, |log| log.push(2));
        assert_eq!(change, Ok(()));
        let acted = act.join().is_ok();
        fence.read(|_, log| {
            assert_eq!(*log, if acted { vec![1, 2] } else { vec![2] }, "epoch 1 acts in epoch 2");
        });
        acted
    });
}

#[test]
fn the_state_is_always_that_of_its_epoch() {
    check(|| {
        let fence = fence(NO_EPOCH);
        let change = spawn({
            let fence = fence.clone();
            move || fence.become_leader(3, |state| *state = 3)
        });
        let seen = fence.read(|leadership, state| (leadership.epoch, *state));
        assert_eq!(seen.0, seen.1, "the state of another epoch");
        assert_eq!(change.join(), Ok(()));
        seen
    });
}

#[test]
fn a_position_reached_in_a_later_epoch_serves_nobody_of_an_earlier() {
    check(|| {
        let fence = led(0);
        let waiter = wait_for_one(&fence);
        fence.become_leader(2, |at| *at = 0).expect("newer");
        let reached = fence.guarded(Leadership::leader(2), |at| {
            **at = 1;
            at.reached(1);
        });
        assert_eq!(reached, Ok(()));
        let fenced = Fenced { current: Leadership::leader(2) };
        assert_eq!(waiter.join(), Err(fenced), "served by what happened in epoch 2");
    });
}

#[test]
fn who_waits_is_woken_when_the_position_is_reached() {
    check(|| {
        let fence = led(0);
        let waiter = wait_for_one(&fence);
        let reached = fence.guarded(Leadership::leader(1), |at| {
            **at = 1;
            at.reached(1);
        });
        assert_eq!(reached, Ok(()));
        assert_eq!(waiter.join(), Ok(1));
    });
}

#[test]
fn who_waits_learns_that_the_leadership_has_ended() {
    check(|| {
        let fence = led(0);
        let waiter = wait_for_one(&fence);
        fence.become_follower(2, OTHER_NODE, |_| ()).expect("newer");
        assert_eq!(waiter.join(), Err(Fenced { current: Leadership::follower(2, OTHER_NODE) }));
    });
}

#[test]
fn who_waits_for_a_change_sees_the_last() {
    check(|| {
        let fence = led(());
        let waiter = spawn({
            let fence = fence.clone();
            move || block_on(fence.changed(Leadership::leader(1)))
        });
        let changes = [follow(&fence, 2), lead(&fence, 3)];
        let seen = waiter.join();
        assert!(seen.epoch > 1, "woken for {seen:?}");
        let [_to_two, to_three] = join_all(changes);
        assert_eq!(to_three, Ok(()));
        assert_eq!(fence.current(), Leadership::leader(3));
        seen
    });
}

#[test]
fn nothing_begins_after_the_close_and_nobody_waits() {
    check(|| {
        let fence = led(0);
        let waiter = wait_for_one(&fence);
        let watcher = spawn({
            let fence = fence.clone();
            move || block_on(fence.changed(Leadership::leader(1)))
        });
        fence.close();
        let offline = Leadership { epoch: 1, role: Role::Offline };
        assert_eq!(fence.become_leader(2, |_| ()), Err(Refused::Closed), "leads after the close");
        assert_eq!(waiter.join(), Err(Fenced { current: offline }));
        assert_eq!(watcher.join(), offline);
    });
}

#[test]
fn what_is_not_newer_is_refused_and_says_what_holds() {
    check_sequence(|| {
        let fence = led(());
        let refused = Err(Refused::NotNewer(Leadership::leader(1)));
        assert_eq!(fence.become_leader(1, |()| panic!("entered")), refused);
        assert_eq!(fence.become_follower(0, OTHER_NODE, |()| panic!("entered")), refused);
        let fenced = Fenced { current: Leadership::leader(1) };
        for other in [Leadership::leader(0), Leadership::leader(2), Leadership::follower(1, OTHER_NODE)] {
            assert_eq!(fence.guarded(other, |_| panic!("acted")), Err::<(), _>(fenced));
        }
    });
}

#[cfg(not(loom))]
#[test]
fn a_wait_that_is_given_up_leaves_nobody_behind() {
    use loom_tests::run::give_up_after;
    check(|| {
        let fence = led(0);
        let gives_up = spawn({
            let fence = fence.clone();
            move || {
                let leadership = Leadership::leader(1);
                give_up_after(1, fence.until(leadership, 1, |at| (*at >= 1).then_some(())))
            }
        });
        let stays = wait_for_one(&fence);
        let reached = fence.guarded(Leadership::leader(1), |at| {
            **at = 1;
            at.reached(1);
        });
        assert_eq!(reached, Ok(()));
        gives_up.join();
        assert_eq!(stays.join(), Ok(1));
        assert_eq!(fence.waiting(), 0, "a waiter that has gone is still in the queue");
    });
}
