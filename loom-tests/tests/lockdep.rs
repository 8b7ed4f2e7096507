//! Lockdep names a deadlock before it happens: in each of these the alarm comes in a run that would have hung, or could have.
#![cfg(all(any(lockdep, debug_assertions), not(loom)))]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use concurrency_models::sync::lockdep::scope;
use concurrency_models::sync::{Mutex, RwLock, RwLockReadGuard, ShardedMap};
use loom_tests::run::{block_on, poll_once, spawn};
use loom_tests::{check, check_sequence};

#[test]
#[should_panic(
    expected = "holds u32.lock (loom-tests/tests/lockdep.rs:21), wants u32.lock (loom-tests/tests/lockdep.rs:22)"
)]
fn a_lock_taken_twice() {
    check_sequence(|| {
        let lock = Mutex::new(0u32);
        let _held = lock.lock();
        let _again = lock.lock();
    });
}

#[test]
#[should_panic(
    expected = "holds u32.read (loom-tests/tests/lockdep.rs:33), wants u32.write (loom-tests/tests/lockdep.rs:34)"
)]
fn a_write_by_a_reader() {
    check_sequence(|| {
        let lock = RwLock::new(0u32);
        let _held = lock.read();
        let _again = lock.write();
    });
}

/// A writer may come between the two reads: then the second waits for the writer, and the writer for the first.
#[test]
#[should_panic(
    expected = "holds u32.read (loom-tests/tests/lockdep.rs:50), wants u32.read (loom-tests/tests/lockdep.rs:51)"
)]
fn a_second_read_while_a_writer_waits() {
    check(|| {
        let lock = Arc::new(RwLock::new(0u32));
        let writer = spawn({
            let lock = lock.clone();
            move || *lock.write() += 1
        });
        let held = lock.read();
        let again: RwLockReadGuard<'_, u32> = lock.read();
        drop((held, again));
        writer.join();
    });
}

/// The two threads never meet: the first has ended when the second begins.
#[test]
#[should_panic(
    expected = "but the other way round: u32.lock (loom-tests/tests/lockdep.rs:68) was held when u64.lock (loom-tests/tests/lockdep.rs:69)"
)]
fn two_orders_one_after_the_other() {
    check_sequence(|| {
        let locks = Arc::new((Mutex::new(0u32), Mutex::new(0u64)));
        let first = spawn({
            let locks = locks.clone();
            move || {
                let _held = locks.0.lock();
                *locks.1.lock() += 1;
            }
        });
        first.join();
        let _held = locks.1.lock();
        *locks.0.lock() += 1;
    });
}

#[test]
#[should_panic(expected = "deadlock ahead")]
fn three_locks_in_a_circle() {
    check_sequence(|| {
        let locks = [Mutex::new(0), Mutex::new(1), Mutex::new(2)];
        for (first, second) in [(0, 1), (1, 2), (2, 0)] {
            let _held = locks[first].lock();
            let _both = locks[second].lock();
        }
    });
}

/// Not ready when it is first polled.
async fn yields() {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// The guard belongs to the task: this thread may take another lock of the other order in between, and the task is still known to hold its own.
#[test]
#[should_panic(
    expected = "the task holds u32.lock (loom-tests/tests/lockdep.rs:106), wants u32.lock (loom-tests/tests/lockdep.rs:108)"
)]
fn a_guard_held_across_an_await() {
    check_sequence(|| {
        let lock = Mutex::new(0u32);
        #[expect(clippy::await_holding_invalid_type, reason = "that is the bug")]
        let task = async {
            let _held = lock.lock();
            yields().await;
            let _again = lock.lock();
        };
        let mut task = pin!(scope("the task", task));
        assert!(poll_once(task.as_mut()).is_pending());
        block_on(task);
    });
}

#[test]
fn what_a_task_holds_is_not_held_by_the_thread() {
    check_sequence(|| {
        let (first, second) = (Mutex::new(0u32), Mutex::new(0u64));
        #[expect(clippy::await_holding_invalid_type, reason = "what is done about it is the test")]
        let mut task = Box::pin(scope("the task", async {
            let _held = first.lock();
            yields().await;
        }));
        assert!(poll_once(task.as_mut()).is_pending());
        *second.lock() += 1; // the thread holds nothing
        drop(task); // gives it back
        let _held = second.lock();
        *first.lock() += 1; // so there is no other order
    });
}

/// Both of one kind, made at one line, and one inside the other: that is an order, not a cycle.
#[test]
fn locks_of_one_kind_may_be_nested_in_one_order() {
    check(|| {
        let locks: Arc<Vec<Mutex<u32>>> = Arc::new((0..2).map(Mutex::new).collect());
        let nest = |locks: Arc<Vec<Mutex<u32>>>| {
            let _outer = locks[0].lock();
            *locks[1].lock() += 1;
        };
        let other = spawn({
            let locks = locks.clone();
            move || nest(locks)
        });
        nest(locks);
        other.join();
    });
}

/// Fix #3 undone: an entry is removed inside the iteration over its map, whichever shard it is in.
#[test]
#[should_panic(expected = "wants (u32, u32).write (loom-tests/tests/lockdep.rs:159)")]
fn a_removal_inside_an_iteration() {
    check_sequence(|| {
        let map = ShardedMap::new();
        map.upsert(0u32, 0u32, |_, _| ());
        map.for_each(|key, _| {
            map.remove_if(key, |_| true);
        });
    });
}

/// Fix #2 undone: the monitor locks the Raft node inside its iteration, and the loop, with the node in hand, uses the map. They never meet here.
#[test]
#[should_panic(
    expected = "but the other way round: (u32, u32).read (loom-tests/tests/lockdep.rs:173) was held when"
)]
fn a_node_locked_inside_an_iteration() {
    check_sequence(|| {
        let (map, node) = (ShardedMap::new(), RwLock::new(0u64));
        map.upsert(0u32, 0u32, |_, _| ());
        map.for_each(|_, _| *node.write() += 1);
        let mut held = node.write();
        *held += 1;
        map.update(&0, |last| *last = 1);
    });
}
