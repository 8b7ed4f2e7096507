//! The log is compacted while others use the node: nothing is lost, nothing is applied twice, and nobody waits for it.
//!
//! Each begins with a restart that finds two committed entries, after which a snapshot is due: the first round makes one.

use concurrency_models::raft_loop::{Compaction, Event, MemoryStore, Outcome, Persist};
use loom_tests::check;
use loom_tests::run::block_on;
use raft::eraftpb::ConfChangeType::AddLearnerNode;
use raft::eraftpb::{Entry, HardState, MessageType, Snapshot};
use raft::prelude::ConfState;
use raft::{RaftState, Storage};

use crate::end::{alone, end};
use crate::group::{MAILBOX, Member, deep, member_of, member_with, start, stop};
use crate::messages::{arrives, change, change_entry, entry, message, snapshot};
use crate::world::{serve_one, serve_until};

/// Node 1 of a group with these voters, with a log of which two entries are committed.
fn compacting(voters: &[u64], log: Vec<Entry>) -> Member {
    let hard_state = HardState { term: 2, vote: 2, commit: 2, ..HardState::default() };
    let conf_state = ConfState { voters: voters.to_vec(), ..ConfState::default() };
    let disk = MemoryStore::recovered(RaftState { hard_state, conf_state }, Snapshot::default(), log);
    let compaction = Compaction { after_entries: 2, after_bytes: u64::MAX, keep_entries: 1 };
    member_of(disk, voters == [1], MAILBOX, compaction)
}

fn two_entries() -> Vec<Entry> {
    vec![entry(1, vec![6]), entry(2, vec![7])]
}

/// Index of the snapshot that is all there is.
fn snapshot_in(request: &Persist) -> Option<u64> {
    request.snapshot.as_ref().map(|snapshot| snapshot.get_metadata().index)
}

/// With an entry behind the snapshot that is not committed yet.
#[test]
fn a_compacted_log_restarts_with_the_same_state_membership_and_hard_state() {
    check(|| {
        deep(|| {
            let added = change_entry(1, &change([(AddLearnerNode, 3)]));
            let log = vec![added, entry(2, vec![7]), entry(3, vec![8])];
            let Member { node, events, world, mut requests, raft_loop, shown, .. } = compacting(&[1, 2], log);
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            stop(&events, running);
            let (membership, before) = (node.membership(), node.status());
            drop((requests, node, shown));
            let disk = alone(world).disk;

            let Member { node, events, shown, world, requests, raft_loop, image, .. } =
                member_with(disk, false);
            let after = node.status();
            assert_eq!((after.first_index, after.last_index, after.applied), (3, 3, 2));
            assert_eq!((after.leadership.term, after.committed), (before.leadership.term, before.committed));
            assert_eq!(node.membership(), membership);
            let mut committed = message(MessageType::MsgAppend);
            (committed.index, committed.log_term, committed.commit) = (3, 2, 3);
            assert!(events.try_send(arrives(committed)).is_ok());
            let running = start(raft_loop, &world);
            assert_eq!(*block_on(image.at_least(1)).expect("applied"), [[7], [8]]);
            stop(&events, running);
            drop((requests, node));
            end(world, shown)
        })
    });
}

/// However long the disk takes for it.
#[test]
fn nothing_is_forgotten_before_the_snapshot_is_durable() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } =
                compacting(&[1, 2], two_entries());
            let running = start(raft_loop, &world);
            let request = block_on(requests.recv()).expect("the loop asks");
            assert_eq!(snapshot_in(&request), Some(2));
            assert!(block_on(events.send(Event::Tick)).is_ok()); // a round in between
            assert_eq!(node.status().first_index, 1, "forgotten before the snapshot is durable");
            world.lock().persist(&request);
            assert!(block_on(events.send(Event::Persisted(Ok(request.number)))).is_ok());
            stop(&events, running);
            let first_index = node.status().first_index; // the end may have come before
            drop(node);
            (first_index, end(world, shown))
        })
    });
}

#[test]
fn a_proposal_that_races_a_compaction_is_applied_once_and_survives_it() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, image, world, mut requests, raft_loop, .. } =
                compacting(&[1], two_entries());
            let running = start(raft_loop, &world);
            let mut waiting = node.propose(vec![8]).expect("it leads");
            serve_until(4, &mut requests, &events, &world); // with the snapshot, or after it
            drop((node, events));
            assert_eq!(running.join(), Ok(()), "the loop ends when nobody can send it anything");
            drop(requests);
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Applied { index: 4, value: Some(2) }));
            assert_eq!(*image.load(), [[6], [7], [8]]);
            assert_eq!(world.lock().disk.last_index(), Ok(4));
            end(world, shown)
        })
    });
}

#[test]
fn a_read_that_races_a_compaction_is_answered() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } =
                compacting(&[1], two_entries());
            let running = start(raft_loop, &world);
            serve_until(3, &mut requests, &events, &world); // the snapshot, and the first entry of its term behind it
            let learned = node.read_index().map(|mut read| block_on(read.outcome()));
            if let Ok(outcome) = &learned {
                assert_eq!(*outcome, Ok(Outcome::Readable(3)), "otherwise nothing was committed in its term");
            }
            stop(&events, running);
            drop((node, requests));
            (learned, end(world, shown))
        })
    });
}

/// Behind the first snapshot, and in the membership of the second: never in neither, never in both.
#[test]
fn a_change_of_membership_is_in_the_log_or_in_the_snapshot() {
    check(|| {
        deep(|| {
            let mut log = two_entries();
            log.push(change_entry(3, &change([(AddLearnerNode, 2)])));
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = compacting(&[1], log);
            let running = start(raft_loop, &world);
            serve_until(4, &mut requests, &events, &world); // with the first entry of its term
            let seen = node.membership().learners;
            let second = block_on(requests.recv()).expect("the loop asks");
            let first = world.lock().disk.last_snapshot().clone();
            let members = |snapshot: &Snapshot| {
                let metadata = snapshot.get_metadata();
                (metadata.index, metadata.get_conf_state().learners.clone())
            };
            assert_eq!(members(&first), (2, vec![]));
            assert_eq!(second.snapshot.as_ref().map(members), Some((4, vec![2])));
            stop(&events, running);
            drop(node);
            (seen, end(world, shown))
        })
    });
}

/// Who looks at the state while it is serialised asks the node; with the node lock in hand, the loop would wait for him, and he for it.
#[test]
fn a_snapshot_is_made_without_the_node_lock() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } =
                compacting(&[1, 2], two_entries());
            let running = start(raft_loop, &world);
            let seen = {
                let _nobody_changes_it = shown.lock();
                node.status().applied
            };
            serve_one(&mut requests, &events, &world);
            stop(&events, running);
            drop(node);
            (seen, end(world, shown))
        })
    });
}

/// The disk was busy with a snapshot of this follower's own when the leader's came, and says only then that the older one is durable.
#[test]
fn a_snapshot_of_the_leader_overtakes_a_compaction() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, image, world, mut requests, raft_loop, .. } =
                compacting(&[1, 2], two_entries());
            assert!(events.try_send(arrives(snapshot(5, &[1, 2]))).is_ok());
            let running = start(raft_loop, &world);
            let own = block_on(requests.recv()).expect("the loop asks");
            assert_eq!(snapshot_in(&own), Some(2));
            world.lock().persist(&own);
            assert!(events.try_send(Event::Persisted(Ok(own.number))).is_ok());
            serve_one(&mut requests, &events, &world);
            stop(&events, running);
            assert_eq!((node.status().first_index, world.lock().disk.first_index()), (6, Ok(6)));
            assert_eq!(*image.load(), [[9]]);
            drop(node);
            end(world, shown)
        })
    });
}
