//! How a member begins: with what its disk has.

use concurrency_models::raft_loop::{MemoryStore, Role};
use loom_tests::check;
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
            stop(&events, running);
            let seen = node.status();
            assert_eq!((seen.role, seen.leadership.term), (Role::Leader, 3));
            assert_eq!(node.membership().learners, [2]);
            drop(node);
            (seen, end(world, shown))
        })
    });
}
