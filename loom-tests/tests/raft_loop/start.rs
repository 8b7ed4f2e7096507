//! How a member begins: with what its disk has.

use concurrency_models::raft_loop::{MemoryStore, Outcome, Role};
use loom_tests::check;
use loom_tests::run::block_on;
use raft::RaftState;
use raft::eraftpb::ConfChangeType::AddLearnerNode;
use raft::eraftpb::{HardState, Snapshot};
use raft::prelude::ConfState;

use crate::end::end;
use crate::group::{Member, deep, member_with, start, stop};
use crate::messages::{change, change_entry, entry};
use crate::world::serve_until;

/// No tick comes: it waits for no election timeout. Its learner hears of its term only when that is durable, as the network checks.
#[test]
fn a_sole_voter_that_starts_leads_at_once() {
    check(|| {
        deep(|| {
            let hard_state = HardState { term: 2, vote: 1, commit: 2, ..HardState::default() };
            let conf_state = ConfState { voters: vec![1], ..ConfState::default() };
            let log = vec![change_entry(1, &change([(AddLearnerNode, 2)])), entry(2, vec![5])];
            let disk = MemoryStore::recovered(RaftState { hard_state, conf_state }, Snapshot::default(), log);
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member_with(disk, false);
            let running = start(raft_loop, &world);
            serve_until(3, &mut requests, &events, &world); // the first entry of its term
            let seen = node.status();
            assert_eq!((seen.role, seen.leadership.term), (Role::Leader, 3));
            let mut waiting = node.propose(vec![7]).expect("it leads");
            serve_until(4, &mut requests, &events, &world);
            assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Applied { index: 4, value: Some(1) }));
            stop(&events, running);
            assert_eq!(node.membership().learners, [2]);
            drop(node);
            (seen, end(world, shown))
        })
    });
}
