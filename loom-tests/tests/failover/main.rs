//! Fixes #2 and #3 of the seed together: heartbeat map, timeout monitor and election worker, and the Raft loop around the real `raft::RawNode` that
//! the worker proposes to.

mod call;
mod cluster;
#[path = "../raft_loop/end.rs"]
#[allow(dead_code, reason = "of the end there, the disk is used")]
mod end;
#[path = "../raft_loop/group.rs"]
#[allow(dead_code, reason = "the member there has another state machine; its network and its disk are used")]
mod group;
mod partition;
#[path = "../raft_loop/world.rs"]
#[allow(dead_code, reason = "another WAL thread serves it")]
mod world;

use cluster::{Cluster, NEXT, NOW_MS, ORDERS};
use concurrency_models::heartbeat_map::Heartbeat;
use concurrency_models::raft_loop::{Event, Outcome};
use group::deep;
use loom_tests::check;
use loom_tests::run::block_on;

/// The leader's own entry, and one more.
const TWO: u64 = 2;
const ELECTED: Heartbeat = Heartbeat { leader_epoch: 2, at_ms: NOW_MS };
const SILENT: Heartbeat = Heartbeat { leader_epoch: 1, at_ms: 0 };

#[test]
fn a_dead_leader_is_replaced() {
    check(|| {
        deep(|| {
            let (parts, running) = Cluster::new().start();
            block_on(parts.monitor().run());
            let worker = parts.start_worker();
            parts.disk.serve_until(TWO);
            worker.join();
            assert_eq!(parts.heartbeats.watched(&ORDERS), Some(ELECTED), "nobody replaces the dead leader");
            parts.stop();
            running.join();
            parts.end()
        })
    });
}

#[test]
fn a_dead_leader_is_replaced_while_clients_propose() {
    check(|| {
        deep(|| {
            let cluster = Cluster::new();
            let mut client = cluster.node.propose(vec![7]).expect("a single voter leads");
            let (parts, running) = cluster.start();
            block_on(parts.monitor().run());
            parts.work(TWO + 1);
            let outcome = block_on(client.outcome());
            assert!(matches!(outcome, Ok(Outcome::Applied { .. })));
            assert_eq!(parts.heartbeats.watched(&ORDERS), Some(ELECTED), "nobody replaces the dead leader");
            parts.stop();
            running.join();
            (outcome, parts.end())
        })
    });
}

#[test]
fn the_loop_tells_of_a_new_leader_while_the_monitor_sweeps() {
    check(|| {
        deep(|| {
            let (parts, running) = Cluster::whose_loop_tells().start();
            let mut elected = parts.propose_election();
            parts.disk.serve_until(TWO);
            block_on(parts.monitor().run());
            let outcome = block_on(elected.outcome());
            assert_eq!(outcome, Ok(Outcome::Applied { index: TWO, value: Some((NEXT, 2)) }));
            assert_eq!(parts.heartbeats.watched(&ORDERS), Some(ELECTED));
            assert_eq!(parts.heartbeats.queued_elections(), 0, "an election of an older epoch");
            parts.stop();
            running.join();
            (outcome, parts.end())
        })
    });
}

#[test]
fn a_stuck_disk_does_not_hold_up_the_monitor() {
    check(|| {
        deep(|| {
            let cluster = Cluster::new();
            let mut client = cluster.node.propose(vec![7]).expect("a single voter leads");
            let (parts, running) = cluster.start();
            let stuck = parts.disk.next(); // and gets no answer for now
            block_on(parts.monitor().run());
            assert!(parts.heartbeats.has_election(&ORDERS), "the monitor has done its work");
            parts.disk.make_durable(&stuck);
            let outcome = block_on(client.outcome());
            assert!(matches!(outcome, Ok(Outcome::Applied { .. })));
            parts.stop();
            running.join();
            (outcome, parts.end())
        })
    });
}

#[test]
fn a_shutdown_at_any_point_of_an_election_ends_all_of_them() {
    check(|| {
        deep(|| {
            let (parts, running) = Cluster::new().start();
            block_on(parts.monitor().run());
            let worker = parts.start_worker();
            parts.stop();
            running.join();
            worker.join();
            assert_eq!(parts.heartbeats.watched(&ORDERS), Some(SILENT), "nobody was elected");
            parts.end()
        })
    });
}

#[test]
fn monitor_and_worker_end_when_the_loop_has_ended_first() {
    check(|| {
        deep(|| {
            let cluster = Cluster::new();
            assert!(cluster.events.try_send(Event::Stop).is_ok());
            let (parts, running) = cluster.start();
            let worker = parts.start_worker();
            block_on(parts.monitor().run());
            running.join();
            worker.join();
            assert_eq!(parts.heartbeats.watched(&ORDERS), Some(SILENT), "nobody was elected");
            parts.end()
        })
    });
}

/// All of them on threads of their own: more than loom can go through.
#[cfg(not(loom))]
#[test]
fn a_dead_leader_is_replaced_whoever_else_is_at_work() {
    check(|| {
        let (parts, running) = Cluster::whose_loop_tells().start();
        let worker = parts.start_worker();
        let monitor = parts.start_monitor();
        let mut client = parts.node.propose(vec![7]).expect("a single voter leads");
        parts.disk.serve_until(TWO + 1);
        monitor.join();
        worker.join();
        assert!(matches!(block_on(client.outcome()), Ok(Outcome::Applied { .. })));
        assert_eq!(parts.heartbeats.watched(&ORDERS), Some(ELECTED), "nobody replaces the dead leader");
        parts.stop();
        running.join();
    });
}
