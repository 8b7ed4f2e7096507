//! The disk is slow, stuck or broken: nothing that depends on it leaves before it, and nobody else waits for it.

use concurrency_models::raft_loop::{Event, MemoryStore, Outcome, PersistFailed, RaftLoopError};
use loom_tests::run::block_on;
use loom_tests::{check, check_sequence};
use raft::RaftState;
use raft::eraftpb::{HardState, MessageType, Snapshot};
use raft::prelude::ConfState;

use crate::end::end;
use crate::group::{Member, deep, member, member_with, start, stop};
use crate::messages::{append, append_entries, arrives, entry, message, snapshot};
use crate::world::{serve_one, serve_until};

#[test]
fn nothing_that_depends_on_the_disk_leaves_before_it() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1, 2]);
            for last in 1..=2 {
                assert!(events.try_send(arrives(append(last))).is_ok());
            }
            let running = start(raft_loop, &world);
            // What is acknowledged is checked by the network, as it leaves.
            serve_until(2, &mut requests, &events, &world);
            stop(&events, running);
            let sent = world.lock().sent.clone();
            let acknowledged = sent.iter().map(|message| message.index).max();
            assert_eq!(acknowledged, Some(2), "acknowledged in the end");
            drop(node);
            end(world, shown)
        })
    });
}

#[test]
fn a_vote_is_given_only_when_it_is_durable() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1, 2]);
            let running = start(raft_loop, &world);
            assert!(block_on(events.send(arrives(message(MessageType::MsgRequestVote)))).is_ok());
            assert!(block_on(events.send(Event::Tick)).is_ok()); // rounds in between, also while the disk works
            serve_one(&mut requests, &events, &world);
            stop(&events, running);
            let granted = |message: &raft::eraftpb::Message| {
                message.get_msg_type() == MessageType::MsgRequestVoteResponse && !message.reject
            };
            assert_eq!(world.lock().sent.iter().filter(|message| granted(message)).count(), 1);
            drop(node);
            end(world, shown)
        })
    });
}

/// Two learners' leader, alone with its vote: raft lets it send at once what nobody but itself has voted for.
#[test]
fn a_single_voter_shows_its_term_only_when_it_is_durable() {
    check(|| {
        deep(|| {
            let conf_state = ConfState { voters: vec![1], learners: vec![2], ..ConfState::default() };
            let state = RaftState { conf_state, ..RaftState::default() };
            let disk = MemoryStore::recovered(state, Snapshot::default(), Vec::new());
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member_with(disk, true);
            let running = start(raft_loop, &world);
            assert!(block_on(events.send(Event::Tick)).is_ok()); // a heartbeat, of that term too
            serve_one(&mut requests, &events, &world);
            stop(&events, running);
            assert!(world.lock().sent.iter().any(|message| message.to == 2), "the learner hears of it");
            drop(node);
            end(world, shown)
        })
    });
}

#[test]
fn a_disk_that_fails_ends_the_loop_and_nothing_leaves() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1, 2]);
            assert!(events.try_send(arrives(append(1))).is_ok());
            assert!(events.try_send(arrives(message(MessageType::MsgRequestVote))).is_ok());
            let running = start(raft_loop, &world);
            let request = block_on(requests.recv()).expect("the loop asks");
            assert!(request.must_sync);
            let failed = PersistFailed("no such device".to_owned());
            assert!(block_on(events.send(Event::Persisted(Err(failed.clone())))).is_ok());
            let ended = running.join();
            assert_eq!(ended, Err(RaftLoopError::Persist(failed)));
            assert_eq!(world.lock().sent, [], "nobody must believe that it is durable");
            drop(node);
            (ended, end(world, shown))
        })
    });
}

#[test]
fn a_stuck_disk_holds_up_neither_readers_nor_ticks() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            let running = start(raft_loop, &world);
            let stuck = block_on(requests.recv()).expect("the loop asks"); // and gets no answer for now
            assert_eq!(node.status().applied, 0);
            assert!(block_on(events.send(Event::Tick)).is_ok());
            let seen = node.status();
            assert!(seen.leadership.is_leader);
            world.lock().persist(&stuck);
            assert!(block_on(events.send(Event::Persisted(Ok(stuck.number)))).is_ok());
            let outcome = block_on(waiting.outcome());
            assert!(matches!(outcome, Ok(Outcome::Applied { index: 2, .. })));
            stop(&events, running);
            (seen, outcome, end(world, shown))
        })
    });
}

/// The state comes in one piece, with entries right behind it.
#[test]
fn a_snapshot_is_durable_before_what_follows_it() {
    check(|| {
        deep(|| {
            let Member { node, events, image, shown, world, mut requests, raft_loop, .. } = member(&[1, 2]);
            assert!(events.try_send(arrives(snapshot(5, &[1, 2]))).is_ok());
            let running = start(raft_loop, &world);
            let state = block_on(requests.recv()).expect("the loop asks");
            assert!(state.snapshot.is_some());
            assert!(events.try_send(arrives(append_entries(vec![entry(6, vec![6])], 6))).is_ok());
            world.lock().persist(&state);
            assert!(events.try_send(Event::Persisted(Ok(state.number))).is_ok());
            serve_one(&mut requests, &events, &world); // the disk refuses a gap
            stop(&events, running);
            let seen = image.load();
            assert!(seen[..] == [vec![9]] || seen[..] == [vec![9], vec![6]], "{seen:?}");
            drop(node);
            (seen, end(world, shown))
        })
    });
}

#[test]
fn what_the_disk_was_not_asked_for_counts_for_nothing() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1, 2]);
            assert!(events.try_send(arrives(append(1))).is_ok());
            let running = start(raft_loop, &world);
            let request = block_on(requests.recv()).expect("the loop asks");
            assert!(block_on(events.send(Event::Persisted(Ok(request.number + 1)))).is_ok());
            let ended = running.join();
            assert!(matches!(ended, Err(RaftLoopError::Persist(_))));
            assert_eq!(world.lock().sent, []);
            drop(node);
            (ended, end(world, shown))
        })
    });
}

#[test]
fn a_wal_thread_that_is_gone_ends_the_loop() {
    check_sequence(|| {
        deep(|| {
            let Member { node, events, shown, world, requests, raft_loop, .. } = member(&[1]);
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            drop((requests, events));
            let running = start(raft_loop, &world);
            let ended = running.join();
            assert!(matches!(ended, Err(RaftLoopError::Persist(_))));
            let outcome = block_on(waiting.outcome());
            assert_eq!(outcome, Ok(Outcome::Stopped));
            (ended, outcome, end(world, shown))
        })
    });
}

/// A restart in the middle of a term has the vote that was given in it.
#[test]
fn a_restart_votes_once_in_a_term() {
    check(|| {
        deep(|| {
            let hard_state = HardState { term: 2, vote: 3, ..HardState::default() };
            let conf_state = ConfState { voters: vec![1, 2, 3], ..ConfState::default() };
            let state = RaftState { hard_state, conf_state };
            let disk = MemoryStore::recovered(state, Snapshot::default(), Vec::new());
            let Member { node, events, shown, world, requests, raft_loop, .. } = member_with(disk, false);
            let running = start(raft_loop, &world);
            assert!(block_on(events.send(arrives(message(MessageType::MsgRequestVote)))).is_ok());
            stop(&events, running);
            assert!(world.lock().sent.iter().all(|message| message.reject), "a second vote in one term");
            drop((node, requests));
            end(world, shown)
        })
    });
}
