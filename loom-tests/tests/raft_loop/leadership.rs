//! Who leads: whoever waits for a leader that is gone learns it.

use concurrency_models::raft_loop::{Outcome, ProposeError};
use loom_tests::check;
use loom_tests::run::block_on;

use crate::end::end;
use crate::group::{Member, deep, member, start, stop};
use crate::messages::{append, arrives};

#[test]
fn whoever_waits_for_a_leader_that_is_gone_learns_it() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, requests, raft_loop, .. } = member(&[1]);
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            let mut newer = append(1);
            newer.term = 9;
            assert!(events.try_send(arrives(newer)).is_ok());
            let running = start(raft_loop, &world);
            let outcome = block_on(waiting.outcome());
            assert_eq!(outcome, Ok(Outcome::LeaderChanged));
            let leadership = node.leadership().load();
            assert_eq!((leadership.term, leadership.leader_id, leadership.is_leader), (9, 2, false));
            assert_eq!(node.propose(vec![8]).err(), Some(ProposeError::NotLeader { leader_id: 2 }));
            stop(&events, running);
            drop(requests);
            (outcome, leadership, end(world, shown))
        })
    });
}

#[test]
fn a_proposal_that_races_a_change_of_leader_is_answered() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, requests, raft_loop, .. } = member(&[1]);
            let mut newer = append(1);
            newer.term = 9;
            assert!(events.try_send(arrives(newer)).is_ok());
            let running = start(raft_loop, &world);
            let learned = node.propose(vec![7]).map(|mut waiting| block_on(waiting.outcome()));
            match &learned {
                Ok(outcome) => assert_eq!(*outcome, Ok(Outcome::LeaderChanged)),
                Err(error) => assert_eq!(*error, ProposeError::NotLeader { leader_id: 2 }),
            }
            stop(&events, running);
            drop(requests);
            (learned, end(world, shown))
        })
    });
}

#[test]
fn a_proposal_for_a_term_that_is_over_is_not_made() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, requests, raft_loop, .. } = member(&[1]);
            let term = node.leadership().load().term;
            let running = start(raft_loop, &world);
            for other in [term - 1, term + 1] {
                assert!(matches!(node.propose_in(other, vec![7]), Err(ProposeError::NotLeader { .. })));
            }
            let made = node.propose_in(term, vec![8]).map(|waiting| waiting.key().term);
            assert_eq!(made, Ok(term));
            stop(&events, running);
            drop(requests);
            (made, end(world, shown))
        })
    });
}
