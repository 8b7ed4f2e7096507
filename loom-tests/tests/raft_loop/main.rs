//! Kernel `raft_loop`, around the real `raft::RawNode`: fix #1 of the seed, and what a Raft loop must never do.

mod group;

use concurrency_models::raft_loop::{Event, Outcome, PersistFailed, ProposeError, RaftLoopError};
use group::{Member, deep, member, persist, serve_until, start};
use loom_tests::check;
use loom_tests::run::{block_on, spawn_deep};
use raft::eraftpb::{ConfChangeSingle, ConfChangeType, ConfChangeV2, Entry, Message, MessageType};

fn add_learner(node_id: u64) -> ConfChangeV2 {
    let mut single = ConfChangeSingle::default();
    single.set_change_type(ConfChangeType::AddLearnerNode);
    single.node_id = node_id;
    let mut change = ConfChangeV2::default();
    change.set_changes(vec![single].into());
    change
}

/// From leader 2: entries `1..=last` in term 2.
fn append(last: u64) -> Message {
    let mut message = Message::default();
    message.set_msg_type(MessageType::MsgAppend);
    (message.from, message.to, message.term) = (2, 1, 2);
    let entry = |index| Entry { index, term: 2, data: vec![1].into(), ..Entry::default() };
    message.set_entries((1..=last).map(entry).collect::<Vec<_>>().into());
    message
}

#[test]
fn a_proposal_is_applied_once_and_whoever_learns_of_it_can_read_it() {
    check(|| {
        deep(|| {
            let Member { node, events, image, world, mut requests, raft_loop } = member(&[1]);
            let proposed = node.propose(vec![7]);
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            let mut waiting = proposed.expect("a single voter leads");
            let outcome = block_on(waiting.outcome()).expect("answered");
            assert_eq!(outcome, Outcome::Applied { index: 2, value: Some(0) });
            assert_eq!(*image.load(), [vec![7]], "answered before it can be read");
            assert!(block_on(events.send(Event::Stop)).is_ok());
            assert_eq!(running.join(), Ok(()));
        });
    });
}

#[test]
fn a_conf_change_commits_while_others_look_and_the_loop_goes_on() {
    check(|| {
        deep(|| {
            let Member { node, events, image: _, world, mut requests, raft_loop } = member(&[1]);
            let changed = node.propose_conf_change(add_learner(2));
            let running = start(raft_loop, &world);
            assert_eq!(node.status().committed, 0, "the disk has nothing yet");
            serve_until(2, &mut requests, &events, &world);
            assert!(node.status().leadership.is_leader);
            let outcome = block_on(changed.expect("a leader takes it").outcome());
            assert_eq!(outcome, Ok(Outcome::Applied { index: 2, value: None }));
            assert!(node.status().applied >= 2);
            assert!(block_on(events.send(Event::Stop)).is_ok());
            assert_eq!(running.join(), Ok(()));
        });
    });
}

#[test]
fn nothing_that_depends_on_the_disk_leaves_before_it() {
    check(|| {
        deep(|| {
            let Member { node, events, image: _, world, requests, raft_loop } = member(&[1, 2]);
            for last in 1..=2 {
                assert!(events.try_send(Event::Message(Box::new(append(last)))).is_ok());
            }
            let running = start(raft_loop, &world);
            let mut requests = requests;
            // What is acknowledged is checked by the network, as it leaves.
            while world.lock().durable < 2 {
                let request = block_on(requests.recv()).expect("the loop asks");
                persist(&request, &world);
                assert!(block_on(events.send(Event::Persisted(Ok(request.number)))).is_ok());
            }
            assert!(block_on(events.send(Event::Stop)).is_ok());
            assert_eq!(running.join(), Ok(()));
            let sent = world.lock().sent.clone();
            let acknowledged = sent.iter().map(|message| message.index).max();
            assert_eq!(acknowledged, Some(2), "acknowledged in the end");
            drop(node);
        });
    });
}

#[test]
fn a_disk_that_fails_ends_the_loop_and_nothing_leaves() {
    check(|| {
        deep(|| {
            let Member { node, events, image: _, world, mut requests, raft_loop } = member(&[1, 2]);
            assert!(events.try_send(Event::Message(Box::new(append(1)))).is_ok());
            let running = start(raft_loop, &world);
            let request = block_on(requests.recv()).expect("the loop asks");
            assert_eq!(request.entries.len(), 1);
            let failed = PersistFailed("no such device".to_owned());
            assert!(block_on(events.send(Event::Persisted(Err(failed.clone())))).is_ok());
            assert_eq!(running.join(), Err(RaftLoopError::Persist(failed)));
            assert_eq!(world.lock().sent, [], "the leader must not believe that it is durable");
            drop(node);
        });
    });
}

#[test]
fn a_stuck_disk_holds_up_neither_readers_nor_ticks() {
    check(|| {
        deep(|| {
            let Member { node, events, image: _, world, mut requests, raft_loop } = member(&[1]);
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            let running = start(raft_loop, &world);
            let stuck = block_on(requests.recv()).expect("the loop asks"); // and gets no answer for now
            assert_eq!(node.status().applied, 0);
            assert!(block_on(events.send(Event::Tick)).is_ok());
            assert!(node.status().leadership.is_leader);
            persist(&stuck, &world);
            assert!(block_on(events.send(Event::Persisted(Ok(stuck.number)))).is_ok());
            assert!(matches!(block_on(waiting.outcome()), Ok(Outcome::Applied { index: 2, .. })));
            assert!(block_on(events.send(Event::Stop)).is_ok());
            assert_eq!(running.join(), Ok(()));
        });
    });
}

#[test]
fn whoever_waits_for_a_leader_that_is_gone_learns_it() {
    check(|| {
        deep(|| {
            let Member { node, events, image: _, world, requests, raft_loop } = member(&[1]);
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            let mut newer = append(1);
            newer.term = 9;
            assert!(events.try_send(Event::Message(Box::new(newer))).is_ok());
            let running = start(raft_loop, &world);
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::LeaderChanged));
            let leadership = node.leadership().load();
            assert_eq!((leadership.term, leadership.leader_id, leadership.is_leader), (9, 2, false));
            assert_eq!(node.propose(vec![8]).err(), Some(ProposeError::NotLeader { leader_id: 2 }));
            assert!(block_on(events.send(Event::Stop)).is_ok());
            assert_eq!(running.join(), Ok(()));
            drop(requests);
        });
    });
}

#[test]
fn a_proposal_that_races_a_change_of_leader_is_answered() {
    check(|| {
        deep(|| {
            let Member { node, events, image: _, world, requests, raft_loop } = member(&[1]);
            let mut newer = append(1);
            newer.term = 9;
            assert!(events.try_send(Event::Message(Box::new(newer))).is_ok());
            let running = start(raft_loop, &world);
            match node.propose(vec![7]) {
                Ok(mut waiting) => assert_eq!(block_on(waiting.outcome()), Ok(Outcome::LeaderChanged)),
                Err(error) => assert_eq!(error, ProposeError::NotLeader { leader_id: 2 }),
            }
            assert!(block_on(events.send(Event::Stop)).is_ok());
            assert_eq!(running.join(), Ok(()));
            drop(requests);
        });
    });
}

#[test]
fn a_shutdown_at_any_point_leaves_nobody_waiting() {
    check(|| {
        deep(|| {
            let Member { node, events, image: _, world, requests, raft_loop } = member(&[1]);
            let running = start(raft_loop, &world);
            let proposing = spawn_deep(move || match node.propose(vec![7]) {
                Ok(mut waiting) => block_on(waiting.outcome()).expect("answered"),
                Err(error) => {
                    assert_eq!(error, ProposeError::Stopped);
                    Outcome::Stopped
                }
            });
            assert!(block_on(events.send(Event::Stop)).is_ok());
            assert_eq!(running.join(), Ok(()));
            assert_eq!(proposing.join(), Outcome::Stopped, "the disk never answered");
            drop(requests);
        });
    });
}
