//! Reads that see everything that was committed when they began (ReadIndex).

use concurrency_models::raft_loop::{Outcome, ProposeError};
use loom_tests::check;
use loom_tests::run::{block_on, spawn_deep};

use crate::group::{Member, deep, member, start, stop};
use crate::messages::{append, arrives};
use crate::world::serve_until;

#[test]
fn a_read_sees_what_was_acknowledged_before_it_began() {
    check(|| {
        deep(|| {
            let Member { node, events, image, world, mut requests, raft_loop } = member(&[1]);
            let running = start(raft_loop, &world);
            let client = spawn_deep({
                let node = node.clone();
                move || {
                    let mut waiting = node.propose(vec![7]).expect("it leads");
                    let acknowledged = block_on(waiting.outcome());
                    assert!(matches!(acknowledged, Ok(Outcome::Applied { index: 2, .. })));
                    let mut read = node.read_index().expect("it leads");
                    assert!(matches!(block_on(read.outcome()), Ok(Outcome::Readable(to)) if to >= 2));
                    assert_eq!(*image.load(), [vec![7]]);
                }
            });
            serve_until(2, &mut requests, &events, &world);
            client.join();
            stop(&events, running);
        });
    });
}

/// A new leader does not know yet what is committed. raft drops such a read without a word.
#[test]
fn a_read_before_the_first_commit_of_a_term_is_answered() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let running = start(raft_loop, &world);
            let reading = spawn_deep({
                let node = node.clone();
                move || node.read_index().map(|mut read| block_on(read.outcome()))
            });
            serve_until(1, &mut requests, &events, &world);
            match reading.join() {
                Ok(outcome) => assert!(matches!(outcome, Ok(Outcome::Readable(1..)))),
                Err(error) => assert_eq!(error, ProposeError::Dropped),
            }
            stop(&events, running);
        });
    });
}

#[test]
fn a_read_that_races_a_change_of_leader_is_answered() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let running = start(raft_loop, &world);
            serve_until(1, &mut requests, &events, &world);
            let mut newer = append(1);
            newer.term = 9;
            assert!(block_on(events.send(arrives(newer))).is_ok());
            match node.read_index() {
                Ok(mut read) => {
                    let outcome = block_on(read.outcome()).expect("answered");
                    assert!(matches!(outcome, Outcome::Readable(1) | Outcome::LeaderChanged), "{outcome:?}");
                }
                Err(ProposeError::NotLeader { leader_id }) => assert_eq!(leader_id, 2),
                Err(error) => assert_eq!(error, ProposeError::Dropped),
            }
            stop(&events, running);
        });
    });
}
