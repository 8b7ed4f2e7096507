//! The log is compacted while others use the node: nothing is lost, nothing is applied twice, and nobody waits for it.

use concurrency_models::mailbox::{Receiver, Sender};
use concurrency_models::raft_loop::{Compaction, Event, MemoryStore, Outcome, Persist};
use concurrency_models::sync::Mutex;
use loom_tests::check;
use loom_tests::run::block_on;
use raft::Storage;
use raft::eraftpb::ConfChangeType::AddLearnerNode;
use raft::eraftpb::Snapshot;

use crate::end::end;
use crate::group::{MAILBOX, Member, deep, member_of, member_with, start, stop};
use crate::messages::{append_entries, arrives, change, entry, snapshot};
use crate::world::{World, serve_one, serve_until};

/// Node 1 of a group with these voters, whose log is compacted after this many entries, of which it keeps one.
fn compacting(voters: &[u64], after_entries: u64) -> Member {
    let compaction = Compaction { after_entries, after_bytes: u64::MAX, keep_entries: 1 };
    member_of(MemoryStore::new(voters), voters == [1], MAILBOX, compaction)
}

/// The WAL thread: makes everything durable up to the snapshot of its own that comes next, and says so.
fn serve_compaction(
    requests: &mut Receiver<Persist>,
    events: &Sender<Event>,
    world: &Mutex<World>,
) -> Snapshot {
    loop {
        let request = block_on(requests.recv()).expect("the loop asks");
        world.lock().persist(&request);
        if let Some(snapshot) = request.snapshot {
            assert!(block_on(events.send(Event::Persisted(Ok(request.number)))).is_ok());
            return snapshot;
        }
    }
}

#[test]
fn a_compacted_log_restarts_with_the_same_state_membership_and_hard_state() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = compacting(&[1], 3);
            let changed = node.propose_conf_change(change([(AddLearnerNode, 2)])).expect("it leads");
            let proposed = node.propose(vec![7]).expect("it leads");
            let running = start(raft_loop, &world);
            serve_until(3, &mut requests, &events, &world);
            let snapshot = serve_compaction(&mut requests, &events, &world);
            assert_eq!(snapshot.get_metadata().index, 3);
            stop(&events, running);
            let (membership, term) = (node.membership(), node.status().leadership.term);
            drop((requests, changed, proposed, node));
            let disk = world.lock().disk.clone();

            let Member { node, events, shown, world, mut requests, raft_loop, image, .. } =
                member_with(disk, false);
            let before = node.status();
            assert_eq!((before.first_index, before.committed, before.applied), (4, 3, 3));
            assert_eq!((node.membership(), before.leadership.term), (membership, term));
            let running = start(raft_loop, &world);
            serve_until(4, &mut requests, &events, &world);
            let mut waiting = node.propose(vec![8]).expect("it leads");
            serve_until(5, &mut requests, &events, &world);
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Applied { index: 5, value: Some(1) }));
            assert_eq!(*image.load(), [[7], [8]]);
            stop(&events, running);
            drop(node);
            end(world, shown)
        })
    });
}

/// However long the disk takes for it.
#[test]
fn nothing_is_forgotten_before_the_snapshot_is_durable() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = compacting(&[1], 2);
            let proposed = node.propose(vec![7]).expect("it leads");
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            let request = block_on(requests.recv()).expect("the loop asks");
            assert!(request.snapshot.is_some());
            let first_index = node.status().first_index;
            assert_eq!(first_index, 1, "forgotten before the snapshot is durable");
            world.lock().persist(&request);
            assert!(block_on(events.send(Event::Persisted(Ok(request.number)))).is_ok());
            let mut waiting = node.propose(vec![8]).expect("it leads");
            serve_until(3, &mut requests, &events, &world);
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Applied { index: 3, value: Some(1) }));
            assert_eq!(node.status().first_index, 2, "the last one stays");
            stop(&events, running);
            drop((proposed, node));
            end(world, shown)
        })
    });
}

#[test]
fn a_proposal_that_races_a_compaction_is_applied_once_and_survives_it() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, image, world, mut requests, raft_loop, .. } =
                compacting(&[1], 2);
            let first = node.propose(vec![7]).expect("it leads");
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            let mut second = node.propose(vec![8]).expect("it leads");
            serve_until(3, &mut requests, &events, &world); // the snapshot may be among it, and may have this one in it or behind it
            assert_eq!(block_on(second.outcome()), Ok(Outcome::Applied { index: 3, value: Some(1) }));
            assert_eq!(*image.load(), [[7], [8]]);
            stop(&events, running);
            drop((first, node, requests));
            end(world, shown)
        })
    });
}

#[test]
fn a_read_that_races_a_compaction_is_answered() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = compacting(&[1], 2);
            let mut proposed = node.propose(vec![7]).expect("it leads");
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            assert!(matches!(block_on(proposed.outcome()), Ok(Outcome::Applied { index: 2, .. })));
            let mut read = node.read_index().expect("it leads"); // while the snapshot is made
            assert_eq!(block_on(read.outcome()), Ok(Outcome::Readable(2)));
            stop(&events, running);
            drop((node, requests));
            end(world, shown)
        })
    });
}

/// In the membership of the snapshot, or in the log behind it: never in neither, never in both.
#[test]
fn a_change_of_membership_that_races_a_compaction_is_on_the_disk_once() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = compacting(&[1], 2);
            let first = node.propose(vec![7]).expect("it leads");
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            let mut changed = node.propose_conf_change(change([(AddLearnerNode, 2)])).expect("it leads");
            serve_until(3, &mut requests, &events, &world);
            assert_eq!(block_on(changed.outcome()), Ok(Outcome::Applied { index: 3, value: None }));
            stop(&events, running);
            while let Some(request) = requests.try_recv() {
                world.lock().persist(&request);
            }
            let compacted = {
                let disk = &world.lock().disk;
                let metadata = disk.last_snapshot().get_metadata();
                assert_eq!(metadata.get_conf_state().learners.contains(&2), metadata.index >= 3);
                assert_eq!(disk.last_index(), Ok(3));
                metadata.index
            };
            drop((first, node));
            (compacted, end(world, shown))
        })
    });
}

/// Who looks at the state while it is serialised asks the node; with the node lock in hand, the loop would wait for him, and he for it.
#[test]
fn a_snapshot_is_made_without_the_node_lock() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = compacting(&[1], 2);
            let proposed = node.propose(vec![7]).expect("it leads");
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            let seen = {
                let _nobody_changes_it = shown.lock();
                node.status().applied
            };
            serve_compaction(&mut requests, &events, &world);
            stop(&events, running);
            drop((proposed, node));
            (seen, end(world, shown))
        })
    });
}

/// A follower has fallen behind while its disk was busy with a snapshot of its own: the leader's comes, and only then that one is durable.
#[test]
fn a_snapshot_of_the_leader_overtakes_a_compaction() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, image, world, mut requests, raft_loop, .. } =
                compacting(&[1, 2], 1);
            let log = vec![entry(1, vec![1])];
            assert!(events.try_send(arrives(append_entries(log, 1))).is_ok());
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            let own = block_on(requests.recv()).expect("the loop asks");
            assert_eq!(own.snapshot.as_ref().map(|snapshot| snapshot.get_metadata().index), Some(1));
            assert!(events.try_send(arrives(snapshot(5, &[1, 2]))).is_ok());
            world.lock().persist(&own);
            assert!(events.try_send(Event::Persisted(Ok(own.number))).is_ok());
            serve_one(&mut requests, &events, &world);
            stop(&events, running);
            assert_eq!(node.status().first_index, 6);
            assert_eq!(world.lock().disk.first_index(), Ok(6));
            assert_eq!(*image.load(), [[9]]);
            drop(node);
            end(world, shown)
        })
    });
}
