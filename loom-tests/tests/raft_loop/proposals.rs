//! A proposal is applied once, in order, and whoever made it learns what has become of it.

use concurrency_models::raft_loop::Outcome;
use loom_tests::check;
use loom_tests::run::{block_on, spawn_deep};

use crate::group::{Member, deep, member, member_with, start, stop};
use crate::messages::{append_entries, arrives, entry};
use crate::world::{serve_one, serve_until};

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
            stop(&events, running);
        });
    });
}

#[test]
fn two_proposals_at_once_are_both_applied_each_answered_with_its_own() {
    check(|| {
        deep(|| {
            let Member { node, events, image, world, mut requests, raft_loop } = member(&[1]);
            let running = start(raft_loop, &world);
            let other = spawn_deep({
                let node = node.clone();
                move || {
                    let mut waiting = node.propose(vec![8]).expect("a single voter leads");
                    block_on(waiting.outcome()).expect("answered")
                }
            });
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            serve_until(3, &mut requests, &events, &world);
            let applied = [(7, block_on(waiting.outcome()).expect("answered")), (8, other.join())];
            let seen = image.load();
            for (data, outcome) in applied {
                let Outcome::Applied { index, value: Some(before) } = outcome else { panic!("{outcome:?}") };
                assert_eq!((index, &seen[before]), (before as u64 + 2, &vec![data]));
            }
            stop(&events, running);
        });
    });
}

/// A leader's entry that was durable when it died, and is committed only in its next life: whoever proposes then has no part in it.
#[test]
fn a_proposal_of_a_former_life_is_nobodys_answer() {
    check(|| {
        deep(|| {
            let Member { node, world, mut requests, raft_loop, .. } = member(&[1]);
            let lost = node.propose(vec![6]);
            let running = start(raft_loop, &world);
            let first = block_on(requests.recv()).expect("the loop asks");
            world.lock().persist(&first);
            drop((requests, lost, node)); // the power fails
            drop(running);
            let disk = world.lock().disk.clone();

            let Member { node, events, image, world, mut requests, raft_loop } = member_with(disk, true);
            let mut waiting = node.propose(vec![7]).expect("a single voter leads");
            let running = start(raft_loop, &world);
            serve_until(4, &mut requests, &events, &world);
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Applied { index: 4, value: Some(1) }));
            assert_eq!(*image.load(), [vec![6], vec![7]], "answered with the other's");
            stop(&events, running);
        });
    });
}

#[test]
fn what_a_restart_finds_committed_is_applied_at_once() {
    check(|| {
        deep(|| {
            let Member { node, events, world, mut requests, raft_loop, .. } = member(&[1, 2]);
            assert!(events.try_send(arrives(append_entries(vec![entry(1, vec![5])], 1))).is_ok());
            let running = start(raft_loop, &world);
            serve_until(1, &mut requests, &events, &world);
            stop(&events, running);
            let disk = world.lock().disk.clone();
            drop((node, requests));

            let Member { node, events, image, world, requests, raft_loop } = member_with(disk, false);
            let running = start(raft_loop, &world); // nothing happens to it
            assert_eq!(*block_on(image.at_least(1)).expect("applied"), [vec![5]]);
            stop(&events, running);
            drop((node, requests));
        });
    });
}

#[test]
fn entries_of_a_leader_are_applied_in_order_and_once() {
    check(|| {
        deep(|| {
            let Member { node, events, image, world, mut requests, raft_loop } = member(&[1, 2]);
            let running = start(raft_loop, &world);
            let all = || (1..=2).map(|index| entry(index, vec![index as u8])).collect::<Vec<_>>();
            let serving = spawn_deep({
                let (events, world) = (events.clone(), world.clone());
                move || {
                    serve_one(&mut requests, &events, &world);
                    serve_until(2, &mut requests, &events, &world);
                    requests
                }
            });
            for (last, commit) in [(1, 0), (2, 1), (2, 2)] {
                let entries = all().into_iter().take(last).collect();
                assert!(block_on(events.send(arrives(append_entries(entries, commit)))).is_ok());
            }
            let seen = block_on(image.at_least(1)).expect("applied");
            assert!(*seen == [vec![1]] || *seen == [vec![1], vec![2]], "{seen:?}");
            drop(serving.join());
            drop(node);
            drop(events);
            assert_eq!(running.join(), Ok(()), "the loop ends when nobody can send it anything");
        });
    });
}
