//! Kernel `gate`: nobody enters after the close, and drained means that nobody is inside.

use concurrency_models::gate::Gate;
use loom_tests::check;
use loom_tests::run::{Running, block_on, join_all, spawn};

/// Enters and leaves on a thread of its own. Returns whether it got in.
fn visit(gate: &Gate) -> Running<bool> {
    let gate = gate.clone();
    spawn(move || gate.enter().is_some())
}

#[test]
fn nobody_is_inside_once_it_is_drained() {
    check(|| {
        let gate = Gate::new();
        let visitors = [visit(&gate), visit(&gate)];
        gate.close();
        block_on(gate.drained());
        assert_eq!(gate.inside(), 0, "somebody is inside");
        assert!(gate.enter().is_none());
        join_all(visitors)
    });
}

#[test]
fn who_is_inside_can_finish() {
    check(|| {
        let gate = Gate::new();
        let pass = gate.enter().expect("open");
        let closer = spawn({
            let gate = gate.clone();
            move || {
                gate.close();
                block_on(gate.drained());
                gate.inside()
            }
        });
        assert!(gate.inside() >= 1, "drained while somebody was inside");
        drop(pass);
        let inside = closer.join();
        assert_eq!(inside, 0);
        inside
    });
}

#[test]
fn who_waits_for_the_end_waits_for_the_close_too() {
    check(|| {
        let gate = Gate::new();
        let waiter = spawn({
            let gate = gate.clone();
            move || {
                block_on(gate.drained());
                gate.enter().is_none()
            }
        });
        drop(gate.enter());
        gate.close();
        let refused = waiter.join();
        assert!(refused, "open, and called drained");
        refused
    });
}

#[test]
fn everyone_who_waits_for_the_end_learns_it() {
    check(|| {
        let gate = Gate::new();
        let pass = gate.enter();
        let waiters = [gate.clone(), gate.clone()].map(|gate| spawn(move || block_on(gate.drained())));
        gate.close();
        drop(pass);
        join_all(waiters);
    });
}

#[cfg(not(loom))]
#[test]
fn a_wait_that_is_given_up_can_be_taken_up_again() {
    use loom_tests::run::give_up_after;
    check(|| {
        let gate = Gate::new();
        let visitor = visit(&gate);
        gate.close();
        if give_up_after(1, gate.drained()).is_none() {
            block_on(gate.drained());
        }
        assert_eq!(gate.inside(), 0);
        visitor.join();
    });
}
