//! A proposal is applied once, in order, and whoever made it learns what has become of it.

use concurrency_models::raft_loop::{Event, MemoryStore, Outcome};
use loom_tests::check;
use loom_tests::run::{block_on, spawn_deep};
use raft::RaftState;
use raft::eraftpb::{ConfState, HardState, Snapshot};

use crate::end::end;
use crate::group::{Member, NEVER, deep, member, member_of, member_with, start, stop};
use crate::messages::{append_entries, arrives, entry};
use crate::world::{serve_one, serve_until};

#[test]
fn a_proposal_is_applied_once_and_whoever_learns_of_it_can_read_it() {
    check(|| {
        deep(|| {
            let Member { node, events, image, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let proposed = node.propose(vec![7]);
            let running = start(raft_loop, &world);
            serve_until(2, &mut requests, &events, &world);
            let mut waiting = proposed.expect("a single voter leads");
            let outcome = block_on(waiting.outcome()).expect("answered");
            assert_eq!(outcome, Outcome::Applied { index: 2, value: Some(0) });
            assert_eq!(*image.load(), [vec![7]], "answered before it can be read");
            stop(&events, running);
            (outcome, end(world, shown))
        })
    });
}

/// It may find that the loop knows already of something else, and must not rely on a round that is over.
#[test]
fn a_proposal_while_the_loop_runs_is_applied_too() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let mut first = node.propose(vec![7]).expect("a single voter leads");
            let running = start(raft_loop, &world);
            let mut second = node.propose(vec![8]).expect("a single voter leads");
            serve_until(3, &mut requests, &events, &world);
            assert_eq!(block_on(first.outcome()), Ok(Outcome::Applied { index: 2, value: Some(0) }));
            assert_eq!(block_on(second.outcome()), Ok(Outcome::Applied { index: 3, value: Some(1) }));
            stop(&events, running);
            end(world, shown)
        })
    });
}

/// The loop has taken an event and is about to take the node lock, and the mailbox is full again.
#[test]
fn a_full_mailbox_holds_up_no_proposal() {
    check(|| {
        deep(|| {
            let disk = MemoryStore::new([1]);
            let Member { node, events, shown, world, mut requests, raft_loop, .. } =
                member_of(disk, true, 1, NEVER);
            let running = start(raft_loop, &world);
            let request = block_on(requests.recv()).expect("the loop asks");
            world.lock().persist(&request);
            assert!(events.try_send(Event::Persisted(Ok(request.number))).is_ok());
            let ticked = events.try_send(Event::Tick).is_ok();
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            drop((node, events));
            assert_eq!(running.join(), Ok(()));
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Stopped), "the disk did not come to it");
            (ticked, end(world, shown))
        })
    });
}

#[test]
fn two_who_propose_at_once_are_both_heard() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let other = spawn_deep({
                let node = node.clone();
                move || node.propose(vec![8]).expect("a single voter leads")
            });
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            let mut others = other.join();
            let running = start(raft_loop, &world);
            serve_until(3, &mut requests, &events, &world);
            let outcomes = [block_on(waiting.outcome()), block_on(others.outcome())];
            let applied = |outcome| match outcome {
                Ok(Outcome::Applied { index, .. }) => index,
                other => panic!("{other:?}"),
            };
            let indexes = outcomes.map(applied);
            assert_eq!(indexes.iter().sum::<u64>(), 2 + 3);
            stop(&events, running);
            (indexes, end(world, shown))
        })
    });
}

/// A leader's entry that was durable when it died, and is committed only in its next life: whoever proposes then has no part in it.
#[test]
fn a_proposal_of_a_former_life_is_nobodys_answer() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1]);
            let lost = node.propose(vec![6]);
            stop(&events, start(raft_loop, &world));
            let last = block_on(requests.recv()).expect("the loop has asked");
            world.lock().persist(&last); // before the power fails
            drop((requests, lost, node));
            let disk = world.lock().disk.clone();

            let Member { node, events, image, shown, world, mut requests, raft_loop, .. } =
                member_with(disk, true);
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            let running = start(raft_loop, &world);
            serve_until(4, &mut requests, &events, &world);
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Applied { index: 4, value: Some(1) }));
            assert_eq!(*image.load(), [vec![6], vec![7]], "answered with the other's");
            stop(&events, running);
            end(world, shown)
        })
    });
}

#[test]
fn what_a_restart_finds_committed_is_applied_at_once() {
    check(|| {
        deep(|| {
            let hard_state = HardState { term: 2, commit: 1, ..HardState::default() };
            let conf_state = ConfState { voters: vec![1, 2], ..ConfState::default() };
            let state = RaftState { hard_state, conf_state };
            let disk = MemoryStore::recovered(state, Snapshot::default(), vec![entry(1, vec![5])]);
            let Member { node, events, image, shown, world, requests, raft_loop, .. } =
                member_with(disk, false);
            let running = start(raft_loop, &world); // nothing happens to it
            assert_eq!(*block_on(image.at_least(1)).expect("applied"), [vec![5]]);
            stop(&events, running);
            drop((node, requests));
            end(world, shown)
        })
    });
}

#[test]
fn entries_of_a_leader_are_applied_in_order_and_once() {
    check(|| {
        deep(|| {
            let Member { node, events, image, shown, world, mut requests, raft_loop, .. } = member(&[1, 2]);
            let log = |last: u8| (1..=last).map(|index| entry(index.into(), vec![index])).collect();
            assert!(events.try_send(arrives(append_entries(log(1), 0))).is_ok());
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            assert!(events.try_send(arrives(append_entries(log(2), 2))).is_ok());
            serve_one(&mut requests, &events, &world);
            drop((node, events));
            assert_eq!(running.join(), Ok(()), "the loop ends when nobody can send it anything");
            assert_eq!(*image.load(), [vec![1], vec![2]]);
            end(world, shown)
        })
    });
}
