//! Reads that see everything that was committed when they began (ReadIndex).

use concurrency_models::raft_loop::{Outcome, ProposeError};
use loom_tests::check;
use loom_tests::run::block_on;

use crate::end::end;
use crate::group::{Member, deep, member, start, stop};
use crate::messages::{append, arrives};
use crate::world::serve_one;

#[test]
fn a_read_sees_what_was_acknowledged_before_it_began() {
    check(|| {
        deep(|| {
            let Member { node, events, image, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let mut waiting = node.propose(vec![7]).expect("it leads");
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            assert!(matches!(block_on(waiting.outcome()), Ok(Outcome::Applied { index: 2, .. })));
            let mut read = node.read_index().expect("it leads");
            let outcome = block_on(read.outcome());
            assert!(matches!(outcome, Ok(Outcome::Readable(2..))));
            assert_eq!(*image.load(), [vec![7]]);
            stop(&events, running);
            (outcome, end(world, shown))
        })
    });
}

/// A new leader does not know yet what is committed. raft drops such a read without a word.
#[test]
fn a_read_before_the_first_commit_of_a_term_is_answered() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            let learned = node.read_index().map(|mut read| block_on(read.outcome()));
            match &learned {
                Ok(outcome) => assert!(matches!(outcome, Ok(Outcome::Readable(1..)))),
                Err(error) => assert_eq!(*error, ProposeError::Dropped),
            }
            stop(&events, running);
            (learned, end(world, shown))
        })
    });
}

#[test]
fn a_read_that_races_a_change_of_leader_is_answered() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            let mut newer = append(1);
            newer.term = 9;
            assert!(events.try_send(arrives(newer)).is_ok());
            let learned = node.read_index().map(|mut read| block_on(read.outcome()).expect("answered"));
            match &learned {
                Ok(outcome) => {
                    assert!(matches!(outcome, Outcome::Readable(1) | Outcome::LeaderChanged), "{outcome:?}");
                }
                Err(ProposeError::NotLeader { leader_id }) => assert_eq!(*leader_id, 2),
                Err(error) => assert_eq!(*error, ProposeError::Dropped),
            }
            stop(&events, running);
            (learned, end(world, shown))
        })
    });
}
