//! Mutex, RwLock and Condvar, through the facade: `parking_lot` in a plain build.

use std::sync::Arc;

use concurrency_models::sync::{Condvar, Mutex, RwLock};
use loom_tests::run::spawn;

use super::super::matrix::{Blocks, Row};
use super::super::trial::Case;
use super::{Signal, as_another_task};

use Blocks::{Always, Differs, Never};
use Case::{Alone, Among};

/// With a writer in between it is a deadlock, in another row.
pub(crate) const SECOND_READ: &str =
    "both checkers refuse a second read by one thread: loom panics, shuttle calls it a deadlock; stricter";

/// The one thing that no checker sees ([`UNSEEN`](super::UNSEEN)).
const UNFAIR: &str = "the RwLocks of loom and shuttle have no fairness, and a reader passes the writer: laxer; lockdep sees the order of locks by which kernels, \
     which join no threads, could come to it";

pub(crate) fn rows() -> Vec<Row> {
    let mutex = |call, during, blocks, case| Row { object: "Mutex", call, during, blocks, case };
    let rwlock = |call, during, blocks, case| Row { object: "RwLock", call, during, blocks, case };
    let condvar = |call, during, blocks, case| Row { object: "Condvar", call, during, blocks, case };
    let unfair = Differs { real: true, loom: false, shuttle: false, because: UNFAIR };
    let refused = Differs { real: false, loom: true, shuttle: true, because: SECOND_READ };
    vec![
        mutex("lock", "it is free", Never, Alone(lock_when_free)),
        mutex("lock", "this thread holds it", Always, Alone(lock_in_lock)),
        mutex("lock", "this thread holds another", Never, Alone(lock_in_another)),
        mutex(
            "lock",
            "another thread holds it and waits for this one",
            Always,
            Among(lock_of_a_waiting_thread),
        ),
        rwlock("read", "this thread reads", refused, Alone(read_in_read)),
        rwlock("write", "this thread reads", Always, Alone(write_in_read)),
        rwlock("read", "this thread writes", Always, Alone(read_in_write)),
        rwlock("write", "this thread writes", Always, Alone(write_in_write)),
        rwlock("write", "this thread writes another", Never, Alone(write_in_write_of_another)),
        rwlock("read", "another thread reads", Never, Among(read_beside_read)),
        rwlock(
            "read",
            "this thread reads and a writer waits",
            Always,
            Among(read_in_read_while_a_writer_waits),
        ),
        rwlock(
            "read",
            "one who reads waits for this one and a writer waits",
            unfair,
            Among(read_behind_a_writer),
        ),
        condvar("wait", "nobody notifies", Always, Alone(wait_for_nobody)),
        condvar("wait", "it was notified before", Always, Alone(wait_after_notify)),
        condvar("wait", "another thread changes the state and notifies", Never, Among(wait_for_another)),
    ]
}

fn lock_when_free() {
    *Mutex::new(0).lock() += 1;
}

fn lock_in_lock() {
    let lock = Mutex::new(0);
    let _held = as_another_task(|| lock.lock());
    *lock.lock() += 1;
}

fn lock_in_another() {
    let (one, another) = (Mutex::new(0), Mutex::new(0));
    let _held = as_another_task(|| one.lock());
    *another.lock() += 1;
}

fn lock_of_a_waiting_thread() {
    let (first, second) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
    let has_first = Signal::default();
    let held = as_another_task(|| second.lock());
    let other = spawn({
        let (first, second, has_first) = (first.clone(), second.clone(), has_first.clone());
        move || {
            let _held = as_another_task(|| first.lock());
            has_first.give();
            *second.lock() += 1;
        }
    });
    has_first.wait();
    *first.lock() += 1;
    drop(held);
    other.join();
}

fn read_in_read() {
    let lock = RwLock::new(0);
    let held = as_another_task(|| lock.read());
    assert_eq!(*held, *lock.read());
}

fn write_in_read() {
    let lock = RwLock::new(0);
    let _held = as_another_task(|| lock.read());
    *lock.write() += 1;
}

fn read_in_write() {
    let lock = RwLock::new(0);
    let held = as_another_task(|| lock.write());
    assert_eq!(*held, *lock.read());
}

fn write_in_write() {
    let lock = RwLock::new(0);
    let _held = as_another_task(|| lock.write());
    *lock.write() += 1;
}

fn write_in_write_of_another() {
    let (one, another) = (RwLock::new(0), RwLock::new(0));
    let _held = as_another_task(|| one.write());
    *another.write() += 1;
}

fn read_beside_read() {
    let lock = Arc::new(RwLock::new(0));
    let other = spawn({
        let lock = lock.clone();
        move || *lock.read()
    });
    let held = lock.read();
    assert_eq!(*held, other.join());
}

fn read_in_read_while_a_writer_waits() {
    let lock = Arc::new(RwLock::new(0));
    let writes = Signal::default();
    let held = as_another_task(|| lock.read());
    let writer = spawn({
        let (lock, writes) = (lock.clone(), writes.clone());
        move || {
            writes.give();
            *lock.write() += 1;
        }
    });
    writes.wait();
    assert_eq!(*held, *lock.read());
    drop(held);
    writer.join();
}

fn read_behind_a_writer() {
    let lock = Arc::new(RwLock::new(0));
    let writes = Signal::default();
    let held = lock.read();
    let writer = spawn({
        let (lock, writes) = (lock.clone(), writes.clone());
        move || {
            writes.give();
            *lock.write() += 1;
        }
    });
    writes.wait();
    let reader = spawn({
        let lock = lock.clone();
        move || *lock.read()
    });
    reader.join();
    drop(held);
    writer.join();
}

fn wait_for_nobody() {
    let (lock, condvar) = (Mutex::new(0), Condvar::new());
    let mut guard = lock.lock();
    while *guard == 0 {
        guard = condvar.wait(guard);
    }
}

fn wait_after_notify() {
    let (lock, condvar) = (Mutex::new(0), Condvar::new());
    condvar.notify_one();
    let mut guard = lock.lock();
    while *guard == 0 {
        guard = condvar.wait(guard);
    }
}

fn wait_for_another() {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let other = spawn({
        let shared = shared.clone();
        move || {
            *shared.0.lock() += 1;
            shared.1.notify_one();
        }
    });
    let mut guard = shared.0.lock();
    while *guard == 0 {
        guard = shared.1.wait(guard);
    }
    drop(guard);
    other.join();
}
