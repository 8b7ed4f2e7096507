//! Changes of membership: applied with the node lock in hand, while others use the node.

use concurrency_models::raft_loop::{Event, Outcome, ProposeError};
use loom_tests::check;
use loom_tests::run::{block_on, spawn_deep};
use raft::eraftpb::ConfChangeType::{AddLearnerNode, AddNode, RemoveNode};
use raft::eraftpb::{ConfChangeV2, MessageType};

use crate::group::{ELECTION_TIMEOUT, Member, deep, member, start, stop};
use crate::messages::{append_entries, arrives, change, change_entry, entry, joint, message};
use crate::world::{serve_one, serve_until};

#[test]
fn a_conf_change_commits_while_others_look_and_the_loop_goes_on() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let changed = node.propose_conf_change(change([(AddLearnerNode, 2)]));
            let running = start(raft_loop, &world);
            assert_eq!(node.status().committed, 0, "the disk has nothing yet");
            serve_until(2, &mut requests, &events, &world);
            assert!(node.status().leadership.is_leader);
            let outcome = block_on(changed.expect("a leader takes it").outcome());
            assert_eq!(outcome, Ok(Outcome::Applied { index: 2, value: None }));
            stop(&events, running);
        });
    });
}

#[test]
fn a_conf_change_commits_while_a_client_proposes_and_reads() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let changed = node.propose_conf_change(change([(AddLearnerNode, 2)]));
            let running = start(raft_loop, &world);
            let client = spawn_deep({
                let node = node.clone();
                move || {
                    let mut waiting = node.propose(vec![7]).expect("it leads");
                    let applied = block_on(waiting.outcome());
                    let read = node.read_index().map(|mut read| block_on(read.outcome()));
                    (applied, read)
                }
            });
            serve_until(3, &mut requests, &events, &world);
            let (applied, read) = client.join();
            assert_eq!(applied, Ok(Outcome::Applied { index: 3, value: Some(0) }));
            assert!(matches!(read, Ok(Ok(Outcome::Readable(to))) if to >= 3), "{read:?}");
            let outcome = block_on(changed.expect("a leader takes it").outcome());
            assert_eq!(outcome, Ok(Outcome::Applied { index: 2, value: None }));
            stop(&events, running);
        });
    });
}

/// A learner, then a voter, then gone: of a group of one, whose new voter answers.
#[test]
fn a_learner_is_promoted_and_removed_and_the_loop_goes_on() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let running = start(raft_loop, &world);
            let steps = [(AddLearnerNode, 2), (AddNode, 2), (RemoveNode, 2)];
            for (step, index) in steps.into_iter().zip(2..) {
                let mut changed = node.propose_conf_change(change([step])).expect("none is under way");
                if let (RemoveNode, _) = step {
                    assert!(block_on(events.send(arrives(acknowledges(1, index)))).is_ok());
                }
                serve_until(index, &mut requests, &events, &world);
                let outcome = block_on(changed.outcome());
                assert_eq!(outcome, Ok(Outcome::Applied { index, value: None }), "{step:?}");
            }
            let told = world.lock().sent.iter().filter(|message| message.to == 2).count();
            assert!(told > 0, "the new one is told of the log");
            stop(&events, running);
        });
    });
}

/// From node 2 as a follower in this term: it has everything up to `index`.
fn acknowledges(term: u64, index: u64) -> raft::eraftpb::Message {
    let mut response = message(MessageType::MsgAppendResponse);
    (response.term, response.index) = (term, index);
    response
}

#[test]
fn a_joint_change_is_entered_and_left_by_itself_while_others_look() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let both = change([(AddLearnerNode, 2), (AddLearnerNode, 3)]);
            let mut entered = node.propose_conf_change(both).expect("none is under way");
            let running = start(raft_loop, &world);
            let looking = spawn_deep({
                let node = node.clone();
                move || node.status().leadership.is_leader
            });
            serve_until(3, &mut requests, &events, &world); // the third leaves it
            assert_eq!(block_on(entered.outcome()), Ok(Outcome::Applied { index: 2, value: None }));
            assert!(looking.join());
            let mut after = node.propose(vec![7]).expect("it leads");
            serve_until(4, &mut requests, &events, &world);
            assert_eq!(block_on(after.outcome()), Ok(Outcome::Applied { index: 4, value: Some(0) }));
            stop(&events, running);
        });
    });
}

#[test]
fn a_joint_change_lasts_until_it_is_left_explicitly() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let both = joint([(AddLearnerNode, 2), (AddLearnerNode, 3)]);
            let mut entered = node.propose_conf_change(both).expect("none is under way");
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            assert!(matches!(block_on(entered.outcome()), Ok(Outcome::Applied { index: 2, .. })));
            let third = node.propose_conf_change(change([(AddLearnerNode, 4)]));
            assert!(third.is_err(), "the joint one comes to its end first");
            let mut left = node.propose_conf_change(ConfChangeV2::default()).expect("it is joint");
            serve_until(3, &mut requests, &events, &world);
            assert!(matches!(block_on(left.outcome()), Ok(Outcome::Applied { index: 3, .. })));
            stop(&events, running);
        });
    });
}

/// raft puts an empty entry in place of a change that it does not take, and says nothing.
#[test]
fn a_second_change_while_one_is_under_way_is_refused() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let mut first = node.propose_conf_change(change([(AddLearnerNode, 2)])).expect("the first");
            let second = node.propose_conf_change(change([(AddLearnerNode, 3)]));
            assert_eq!(second.err(), Some(ProposeError::Dropped));
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            assert!(matches!(block_on(first.outcome()), Ok(Outcome::Applied { index: 2, .. })));
            stop(&events, running);
        });
    });
}

/// Once in the log it could not be applied, by anybody, at any time: the group would be lost.
#[test]
fn a_change_that_cannot_be_applied_is_not_proposed() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            for impossible in [change([(RemoveNode, 1)]), ConfChangeV2::default(), joint([])] {
                assert!(node.propose_conf_change(impossible).is_err());
            }
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            let mut after = node.propose(vec![7]).expect("it leads");
            serve_until(2, &mut requests, &events, &world);
            assert_eq!(block_on(after.outcome()), Ok(Outcome::Applied { index: 2, value: Some(0) }));
            stop(&events, running);
        });
    });
}

/// A leader that has removed itself, with entries behind the removal that become durable after it.
#[test]
fn a_leader_that_is_removed_steps_down() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            let mut added = node.propose_conf_change(change([(AddNode, 2)])).expect("none is under way");
            serve_until(2, &mut requests, &events, &world);
            assert!(matches!(block_on(added.outcome()), Ok(Outcome::Applied { index: 2, .. })));
            let mut removed = node.propose_conf_change(change([(RemoveNode, 1)])).expect("as is this one");
            serve_until(3, &mut requests, &events, &world);
            let mut behind = node.propose(vec![7]).expect("it leads");
            assert!(block_on(events.send(arrives(acknowledges(1, 3)))).is_ok());
            assert!(matches!(block_on(removed.outcome()), Ok(Outcome::Applied { index: 3, .. })));
            assert_eq!(block_on(behind.outcome()), Ok(Outcome::LeaderChanged));
            assert!(!node.status().leadership.is_leader);
            serve_until(4, &mut requests, &events, &world);
            stop(&events, running);
        });
    });
}

/// The other voter has removed itself, and this one's disk is behind: it must not win an election all by itself before the disk has caught up.
#[test]
fn the_last_voter_leads_only_what_its_disk_has() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1, 2]);
            let running = start(raft_loop, &world);
            let removal = change_entry(1, &change([(RemoveNode, 2)]));
            assert!(block_on(events.send(arrives(append_entries(vec![removal.clone()], 0)))).is_ok());
            serve_until(1, &mut requests, &events, &world);
            let log = vec![removal, entry(2, vec![7])];
            assert!(block_on(events.send(arrives(append_entries(log, 1)))).is_ok());
            for _ in 0..ELECTION_TIMEOUT {
                assert!(block_on(events.send(Event::Tick)).is_ok());
            }
            serve_until(2, &mut requests, &events, &world);
            for _ in 0..ELECTION_TIMEOUT {
                assert!(block_on(events.send(Event::Tick)).is_ok());
            }
            serve_until(3, &mut requests, &events, &world); // its own first entry
            assert!(node.status().leadership.is_leader, "in the end it leads");
            stop(&events, running);
        });
    });
}
