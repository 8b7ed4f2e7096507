//! `wait_queue`: who is woken, and in which order. It is plain data, so each scenario has one thread.

use std::cell::RefCell;
use std::rc::Rc;

use concurrency_models::wait_queue::{Queue, WaitQueue, Wake, Wakes};
use loom_tests::check_sequence;

/// Who has been woken, in order.
type Woken = Rc<RefCell<Vec<&'static str>>>;

/// A waiter that notes its name when it is woken.
struct Named(&'static str, Woken);

impl Wake for Named {
    fn wake(self) {
        self.1.borrow_mut().push(self.0);
    }
}

/// Wakes with `change` and returns who was woken by it.
fn woken_by(woken: &Woken, change: impl FnOnce(&mut Wakes<Named>)) -> Vec<&'static str> {
    let mut wakes = Wakes::default();
    change(&mut wakes);
    assert!(woken.borrow().is_empty(), "nobody is woken before the wakes are dropped");
    drop(wakes);
    woken.take()
}

#[test]
fn first_come_is_first_woken() {
    check_sequence(|| {
        let woken = Woken::default();
        let mut queue = WaitQueue::new();
        let tickets = ["a", "b", "c"].map(|name| queue.join((), Named(name, woken.clone())));
        let first = woken_by(&woken, |wakes| wakes.one(&mut queue));
        assert_eq!(first, ["a"]);
        let rest = woken_by(&woken, |wakes| wakes.all(&mut queue));
        assert_eq!(rest, ["b", "c"]);
        assert!(queue.is_empty());
        drop(tickets);
        (first, rest)
    });
}

#[test]
fn those_up_to_a_key_are_woken_and_nobody_beyond() {
    check_sequence(|| {
        let woken = Woken::default();
        let mut queue = WaitQueue::new();
        let waiters = [(30, "thirty"), (10, "ten"), (20, "twenty"), (10, "ten again")];
        let tickets = waiters.map(|(key, name)| queue.join(key, Named(name, woken.clone())));
        assert!(woken_by(&woken, |wakes| wakes.up_to(&mut queue, 9)).is_empty());
        let reached = woken_by(&woken, |wakes| wakes.up_to(&mut queue, 20));
        assert_eq!(reached, ["ten", "ten again", "twenty"]);
        assert_eq!(queue.len(), 1);
        drop(tickets);
        reached
    });
}

#[test]
fn who_was_woken_in_vain_keeps_its_place() {
    check_sequence(|| {
        let woken = Woken::default();
        let mut queue = WaitQueue::new();
        let first = queue.join((), Named("first", woken.clone()));
        let second = queue.join((), Named("second", woken.clone()));
        assert_eq!(woken_by(&woken, |wakes| wakes.one(&mut queue)), ["first"]);
        queue.rejoin(&first, Named("first again", woken.clone()));
        let in_order = woken_by(&woken, |wakes| wakes.all(&mut queue));
        assert_eq!(in_order, ["first again", "second"]);
        drop((first, second));
        in_order
    });
}

#[test]
fn who_leaves_learns_whether_it_holds_a_permit() {
    check_sequence(|| {
        let woken = Woken::default();
        let mut queue = WaitQueue::new();
        let first = queue.join((), Named("first", woken.clone()));
        let second = queue.join((), Named("second", woken.clone()));
        assert_eq!(woken_by(&woken, |wakes| wakes.one(&mut queue)), ["first"]);
        let left = [first, second].map(|ticket| queue.leave(ticket).map(|waker| waker.0));
        assert!(left[0].is_none(), "woken: the permit is in its hand");
        assert!(left[1].is_some(), "not woken: its waker comes back");
        assert!(queue.is_empty());
        assert!(woken_by(&woken, |wakes| wakes.one(&mut queue)).is_empty());
        left
    });
}

#[test]
fn a_waker_can_be_renewed_while_its_owner_waits() {
    check_sequence(|| {
        let woken = Woken::default();
        let mut queue = WaitQueue::new();
        let ticket = queue.join((), Named("old", woken.clone()));
        *queue.waker_mut(&ticket).expect("not woken yet") = Named("new", woken.clone());
        let renewed = woken_by(&woken, |wakes| wakes.one(&mut queue));
        assert_eq!(renewed, ["new"]);
        assert!(queue.waker_mut(&ticket).is_none());
        renewed
    });
}
