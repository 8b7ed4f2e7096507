//! Changes of membership: applied with the node lock in hand, while others use the node.

use concurrency_models::raft_loop::{MemoryStore, Outcome, ProposeError, Status};
use loom_tests::check;
use loom_tests::run::block_on;
use raft::RaftState;
use raft::eraftpb::ConfChangeType::{AddLearnerNode, AddNode, RemoveNode};
use raft::eraftpb::{ConfChangeV2, Snapshot};
use raft::prelude::ConfState;

use crate::end::{End, end};
use crate::group::{Member, deep, member, member_with, start, stop};
use crate::messages::{change, joint};
use crate::world::{serve_one, serve_until};

/// Node 1 votes alone, and leads: no other is needed for a change to be committed.
fn alone_with(learners: &[u64]) -> ConfState {
    ConfState { voters: vec![1], learners: learners.to_vec(), ..ConfState::default() }
}

/// From this membership, this change is committed at index 2 while others look. Returns what they saw, and the end.
fn commits(from: ConfState, change: ConfChangeV2) -> (Status, End) {
    let state = RaftState { conf_state: from, ..RaftState::default() };
    let disk = MemoryStore::recovered(state, Snapshot::default(), Vec::new());
    let Member { node, events, shown, world, mut requests, raft_loop, .. } = member_with(disk, true);
    let mut changed = node.propose_conf_change(change).expect("it is possible");
    let running = start(raft_loop, &world);
    serve_one(&mut requests, &events, &world);
    let seen = node.status();
    assert!(seen.leadership.is_leader, "while it is applied, or before, or after");
    assert_eq!(block_on(changed.outcome()), Ok(Outcome::Applied { index: 2, value: None }));
    stop(&events, running);
    (seen, end(world, shown))
}

#[test]
fn a_learner_is_added_while_others_look_and_the_loop_goes_on() {
    check(|| deep(|| commits(alone_with(&[]), change([(AddLearnerNode, 2)]))));
}

#[test]
fn a_learner_is_promoted_while_others_look_and_the_loop_goes_on() {
    check(|| deep(|| commits(alone_with(&[2]), change([(AddNode, 2)]))));
}

#[test]
fn a_node_is_removed_while_others_look_and_the_loop_goes_on() {
    check(|| deep(|| commits(alone_with(&[2]), change([(RemoveNode, 2)]))));
}

#[test]
fn a_joint_change_is_entered_and_left_by_itself() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let both = change([(AddLearnerNode, 2), (AddLearnerNode, 3)]);
            let mut entered = node.propose_conf_change(both).expect("it is possible");
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            serve_until(3, &mut requests, &events, &world); // the entry that leaves it
            assert_eq!(block_on(entered.outcome()), Ok(Outcome::Applied { index: 2, value: None }));
            stop(&events, running);
            end(world, shown)
        })
    });
}

#[test]
fn a_joint_change_is_entered_and_stays_while_others_look() {
    check(|| deep(|| commits(alone_with(&[]), joint([(AddLearnerNode, 2), (AddLearnerNode, 3)]))));
}

#[test]
fn a_joint_change_is_left_while_others_look() {
    check(|| {
        deep(|| {
            let joint = ConfState { voters_outgoing: vec![1], ..alone_with(&[2]) };
            commits(joint, ConfChangeV2::default())
        })
    });
}

#[test]
fn a_conf_change_commits_while_a_client_proposes() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let mut changed = node.propose_conf_change(change([(AddLearnerNode, 2)])).expect("it leads");
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            let mut waiting = node.propose(vec![7]).expect("it leads");
            assert_eq!(block_on(changed.outcome()), Ok(Outcome::Applied { index: 2, value: None }));
            stop(&events, running);
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Stopped), "the disk did not come to it");
            (waiting.key(), end(world, shown))
        })
    });
}

#[test]
fn a_conf_change_commits_while_a_client_reads() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let mut changed = node.propose_conf_change(change([(AddLearnerNode, 2)])).expect("it leads");
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            let learned = node.read_index().map(|mut read| block_on(read.outcome()));
            match &learned {
                Ok(outcome) => assert!(matches!(outcome, Ok(Outcome::Readable(2..)))),
                Err(error) => assert_eq!(*error, ProposeError::Dropped, "nothing was committed yet"),
            }
            assert_eq!(block_on(changed.outcome()), Ok(Outcome::Applied { index: 2, value: None }));
            stop(&events, running);
            (learned, end(world, shown))
        })
    });
}

/// raft puts an empty entry in place of a change that it does not take, and says nothing.
#[test]
fn a_second_change_while_one_is_under_way_is_refused() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let mut first = node.propose_conf_change(change([(AddLearnerNode, 2)])).expect("the first");
            let second = node.propose_conf_change(change([(AddLearnerNode, 3)]));
            assert_eq!(second.err(), Some(ProposeError::Dropped), "one change after the other");
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            let outcome = block_on(first.outcome());
            assert!(matches!(outcome, Ok(Outcome::Applied { index: 2, .. })));
            stop(&events, running);
            (outcome, end(world, shown))
        })
    });
}

/// Once in the log it could not be applied, by anybody, at any time: the group would be lost.
#[test]
fn a_change_that_cannot_be_applied_is_not_proposed() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            for impossible in [change([(RemoveNode, 1)]), ConfChangeV2::default(), joint([])] {
                let refused = node.propose_conf_change(impossible).err();
                assert!(matches!(refused, Some(ProposeError::Impossible(_))), "once in the log: {refused:?}");
            }
            let mut after = node.propose(vec![7]).expect("it leads");
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            assert_eq!(block_on(after.outcome()), Ok(Outcome::Applied { index: 2, value: Some(0) }));
            stop(&events, running);
            end(world, shown)
        })
    });
}
