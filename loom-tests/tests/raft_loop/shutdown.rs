//! The loop ends: everything that waits for it learns it, and nothing leaves any more.

use concurrency_models::raft_loop::{Event, Outcome, ProposeError};
use loom_tests::check;
use loom_tests::run::{block_on, spawn_deep};

use crate::end::end;
use crate::group::{Member, deep, member, start};
use crate::messages::{append, arrives};

#[test]
fn a_shutdown_at_any_point_leaves_nobody_waiting() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, requests, raft_loop, .. } = member(&[1]);
            let running = start(raft_loop, &world);
            let proposing = spawn_deep(move || {
                node.propose(vec![7]).map(|mut waiting| block_on(waiting.outcome()).expect("answered"))
            });
            assert!(block_on(events.send(Event::Stop)).is_ok());
            assert_eq!(running.join(), Ok(()));
            let learned = proposing.join();
            match &learned {
                Ok(outcome) => assert_eq!(*outcome, Outcome::Stopped, "the disk never answered"),
                Err(error) => assert_eq!(*error, ProposeError::Stopped),
            }
            drop(requests);
            (learned, end(world, shown))
        })
    });
}

/// The WAL thread has a request, and its answer races the end.
#[test]
fn a_shutdown_while_the_disk_works_ends_the_wal_thread_too() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1, 2]);
            assert!(events.try_send(arrives(append(1))).is_ok());
            let running = start(raft_loop, &world);
            let request = block_on(requests.recv()).expect("the loop asks");
            assert!(events.try_send(Event::Stop).is_ok());
            world.lock().persist(&request);
            let said = block_on(events.send(Event::Persisted(Ok(request.number)))).is_ok();
            assert_eq!(block_on(requests.recv()), None);
            assert_eq!(running.join(), Ok(()));
            assert!(block_on(events.send(Event::Tick)).is_err(), "nothing enters any more");
            assert!(block_on(node.leadership().at_least(9)).is_err(), "nobody waits for a leader");
            (said, end(world, shown))
        })
    });
}
