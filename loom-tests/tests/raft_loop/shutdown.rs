//! The loop ends: everything that waits for it learns it, and nothing leaves any more.

use concurrency_models::raft_loop::{Event, Outcome, ProposeError, RaftLoopError};
use loom_tests::check;
use loom_tests::run::{block_on, spawn_deep};

use crate::end::end;
use crate::group::{Member, NONSENSE, deep, member, start};
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

/// Another version may have written it: this one must not go on in another state than the other members.
#[test]
fn an_entry_that_makes_no_sense_ends_the_loop_and_nobody_sees_what_came_of_it() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let mut waiting = node.propose(vec![NONSENSE]).expect("it leads");
            let running = start(raft_loop, &world);
            while let Some(request) = block_on(requests.recv()) {
                world.lock().persist(&request);
                let _ended = block_on(events.send(Event::Persisted(Ok(request.number))));
            }
            let ended = running.join();
            assert!(matches!(ended, Err(RaftLoopError::Corrupt { index: 2, .. })), "{ended:?}");
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Stopped));
            let end = end(world, shown);
            assert_eq!(end.shown, 0, "readers saw what came of it");
            end
        })
    });
}
