//! Kernel `heartbeat_map`: fix #3 of the seed, and that a followed partition is watched or has an election, at every moment.

use std::sync::Arc;

use concurrency_models::heartbeat_map::{Heartbeat, HeartbeatMap, Suspect, Swept};
use loom_tests::run::{Running, block_on, join_all, spawn};
use loom_tests::{check, check_sequence, check_sharded, check_sharded_sequence};

type Heartbeats = Arc<HeartbeatMap<u32>>;

/// Partitions. They hash as 0 and 1, so that every placement of them is explored.
const ORDERS: u32 = 0;
const PAYMENTS: u32 = 1;
const TIMEOUT_MS: i64 = 50;
/// More than one queue entry for each partition is never needed.
const ROOM: usize = 2;

fn at(at_ms: i64) -> Heartbeat {
    Heartbeat { leader_epoch: 1, at_ms }
}

/// Follows both partitions, whose leaders are heard of at 0.
fn following_both() -> Heartbeats {
    let heartbeats = Heartbeats::new(HeartbeatMap::new(ROOM));
    heartbeats.follow(ORDERS, at(0));
    heartbeats.follow(PAYMENTS, at(0));
    heartbeats
}

fn following_orders() -> Heartbeats {
    let heartbeats = Heartbeats::new(HeartbeatMap::new(ROOM));
    heartbeats.follow(ORDERS, at(0));
    heartbeats
}

/// Does something with the map on a thread of its own.
fn on_thread<R: Send + 'static>(
    heartbeats: &Heartbeats,
    act: impl FnOnce(&HeartbeatMap<u32>) -> R + Send + 'static,
) -> Running<R> {
    let heartbeats = heartbeats.clone();
    spawn(move || act(&heartbeats))
}

#[test]
fn an_iteration_only_reads_whoever_shares_a_shard() {
    check_sharded_sequence(2, || {
        let heartbeats = following_both();
        let swept = heartbeats.sweep(100, TIMEOUT_MS);
        assert_eq!(swept, Swept { triggered: 2, deferred: 0 });
        assert_eq!((heartbeats.watched(&ORDERS), heartbeats.watched(&PAYMENTS)), (None, None));
        assert!(heartbeats.has_election(&ORDERS) && heartbeats.has_election(&PAYMENTS));
        swept
    });
}

#[test]
fn a_heartbeat_at_any_point_of_a_sweep_keeps_its_entry() {
    check_sharded(2, || {
        let heartbeats = following_both();
        let leader = on_thread(&heartbeats, |heartbeats| heartbeats.heartbeat(&ORDERS, at(100)));
        let swept = heartbeats.sweep(100, TIMEOUT_MS);
        leader.join();
        assert!(heartbeats.has_election(&PAYMENTS), "its leader is silent");
        assert!(heartbeats.is_followed(&ORDERS), "neither watched nor in an election");
        heartbeats.close();
        // Suspected before it was heard of, it is watched again once a worker has looked.
        while let Some(election) = block_on(heartbeats.next_election()) {
            let suspect = election.suspect().partition;
            assert_eq!(election.is_still_suspect(), suspect == PAYMENTS, "partition {suspect}");
        }
        let watched = [heartbeats.watched(&ORDERS), heartbeats.watched(&PAYMENTS)];
        assert_eq!(watched[0], Some(at(100)), "the heartbeat is lost");
        assert_eq!(watched[1], Some(at(0)));
        (swept, watched)
    });
}

#[test]
fn a_followed_partition_is_watched_or_has_an_election_at_every_moment() {
    check(|| {
        let heartbeats = following_orders();
        let monitor = on_thread(&heartbeats, |heartbeats| {
            [100, 200].map(|now_ms| heartbeats.sweep(now_ms, TIMEOUT_MS).triggered)
        });
        let worker = on_thread(&heartbeats, |heartbeats| drop(block_on(heartbeats.next_election())));
        assert!(heartbeats.is_followed(&ORDERS), "neither watched nor in an election");
        let triggered = monitor.join();
        worker.join();
        assert!(heartbeats.is_followed(&ORDERS), "neither watched nor in an election");
        heartbeats.close();
        // There is one if the second sweep came after the first refusal.
        let another = block_on(heartbeats.next_election()).map(|election| election.suspect());
        let watched = heartbeats.watched(&ORDERS);
        assert_eq!(watched, Some(at(0)), "refused: the next sweep tries again");
        (triggered, another, watched)
    });
}

#[test]
fn a_heartbeat_is_not_lost_while_its_partition_moves() {
    check(|| {
        let heartbeats = following_orders();
        heartbeats.sweep(100, TIMEOUT_MS);
        let threads = [
            on_thread(&heartbeats, |heartbeats| drop(block_on(heartbeats.next_election()))),
            on_thread(&heartbeats, |heartbeats| heartbeats.heartbeat(&ORDERS, at(150))),
        ];
        let swept = heartbeats.sweep(160, TIMEOUT_MS);
        join_all(threads);
        heartbeats.close();
        let mut left = Vec::new();
        while let Some(election) = block_on(heartbeats.next_election()) {
            assert!(!election.is_still_suspect(), "it was heard of");
            left.push(election.suspect());
        }
        let watched = heartbeats.watched(&ORDERS);
        assert_eq!(watched, Some(at(150)), "the heartbeat is lost");
        (swept, left, watched)
    });
}

#[test]
fn two_sweeps_at_once_suspect_a_leader_once() {
    check_sharded(2, || {
        let heartbeats = following_both();
        let other = on_thread(&heartbeats, |heartbeats| heartbeats.sweep(100, TIMEOUT_MS));
        let mine = heartbeats.sweep(100, TIMEOUT_MS);
        let others = other.join();
        let triggered = mine.triggered + others.triggered;
        assert_eq!((triggered, heartbeats.queued_elections()), (2, 2), "one trigger for each leader");
        [mine, others]
    });
}

#[test]
fn a_heartbeat_newer_than_the_sweep_is_no_timeout() {
    check_sequence(|| {
        let heartbeats = Heartbeats::new(HeartbeatMap::new(ROOM));
        heartbeats.follow(ORDERS, at(1_000));
        for sampled_before in [10, 999, i64::MIN] {
            assert_eq!(
                heartbeats.sweep(sampled_before, TIMEOUT_MS),
                Swept::default(),
                "a fresh leader is suspected"
            );
        }
        assert_eq!(heartbeats.sweep(1_049, TIMEOUT_MS).triggered, 0, "one millisecond is left");
        let swept = heartbeats.sweep(1_050, TIMEOUT_MS);
        assert_eq!(swept.triggered, 1);
        swept
    });
}

#[test]
fn what_finds_no_room_is_watched_until_the_next_sweep() {
    check_sharded(2, || {
        let heartbeats = Heartbeats::new(HeartbeatMap::new(1));
        heartbeats.follow(ORDERS, at(0));
        heartbeats.follow(PAYMENTS, at(0));
        let worker = on_thread(&heartbeats, |heartbeats| {
            let mut election = block_on(heartbeats.next_election()).expect("not closed");
            election.led(Heartbeat { leader_epoch: 2, at_ms: 100 });
            election.suspect().partition
        });
        let swept = heartbeats.sweep(100, TIMEOUT_MS);
        assert!(heartbeats.is_followed(&ORDERS) && heartbeats.is_followed(&PAYMENTS), "a trigger is lost");
        let first = worker.join();
        let swept_again = heartbeats.sweep(120, TIMEOUT_MS);
        let second = block_on(heartbeats.next_election()).expect("found again").suspect().partition;
        assert_eq!((first + second, heartbeats.queued_elections()), (ORDERS + PAYMENTS, 0));
        [swept, swept_again] // which partition was first is the map's to say
    });
}

#[test]
fn a_closed_channel_loses_no_partition() {
    check(|| {
        let heartbeats = following_orders();
        let shutdown = on_thread(&heartbeats, HeartbeatMap::close);
        let swept = heartbeats.sweep(100, TIMEOUT_MS);
        assert_eq!(swept.triggered + swept.deferred, 1);
        assert!(heartbeats.is_followed(&ORDERS), "a trigger is lost");
        shutdown.join();
        let drained = block_on(heartbeats.next_election()).is_some();
        assert_eq!(drained, swept.triggered == 1, "what got in comes out, and nothing else does");
        let watched = heartbeats.watched(&ORDERS);
        assert_eq!(watched, Some(at(0)));
        (swept, watched)
    });
}

#[test]
fn what_is_not_followed_any_more_does_not_come_back() {
    check(|| {
        let heartbeats = following_orders();
        heartbeats.sweep(100, TIMEOUT_MS);
        let leader = on_thread(&heartbeats, |heartbeats| heartbeats.heartbeat(&ORDERS, at(100)));
        let worker = on_thread(&heartbeats, |heartbeats| {
            heartbeats.close();
            block_on(heartbeats.next_election()).map(|election| election.suspect())
        });
        heartbeats.unfollow(&ORDERS);
        leader.join();
        let held = worker.join();
        let followed = heartbeats.is_followed(&ORDERS);
        assert!(!followed, "it is watched, and nobody follows it");
        (held, followed)
    });
}

#[test]
fn a_newer_leader_supersedes_the_election_of_the_older_one() {
    check(|| {
        let heartbeats = following_orders();
        let newer = Heartbeat { leader_epoch: 2, at_ms: 60 };
        let metadata = on_thread(&heartbeats, move |heartbeats| heartbeats.follow(ORDERS, newer));
        let swept = heartbeats.sweep(55, TIMEOUT_MS);
        metadata.join();
        let watched = heartbeats.watched(&ORDERS);
        assert_eq!(watched, Some(newer), "the newer leader is not watched");
        assert_eq!(heartbeats.queued_elections(), 0, "an election of an older epoch changes nothing");
        (swept, watched)
    });
}

/// A slow worker ends when its partition has an election of the next epoch already, with a worker at it.
#[test]
fn the_end_of_an_older_election_leaves_the_newer_one_alone() {
    check(|| {
        let heartbeats = following_orders();
        heartbeats.sweep(50, TIMEOUT_MS);
        let slow = block_on(heartbeats.next_election()).expect("epoch 1");
        heartbeats.follow(ORDERS, Heartbeat { leader_epoch: 2, at_ms: 60 });
        heartbeats.sweep(200, TIMEOUT_MS);
        let worker = on_thread(&heartbeats, |heartbeats| {
            let election = block_on(heartbeats.next_election()).expect("epoch 2");
            assert!(election.is_still_suspect(), "it is the one of its partition");
            assert_eq!(heartbeats.sweep(300, TIMEOUT_MS), Swept::default(), "a third election starts");
            election.suspect()
        });
        assert!(!slow.is_still_suspect(), "its epoch is over");
        drop(slow);
        let held = worker.join();
        let watched = heartbeats.watched(&ORDERS);
        assert_eq!(watched, Some(Heartbeat { leader_epoch: 2, at_ms: 60 }));
        (held, watched)
    });
}

#[test]
fn a_deposed_leader_keeps_nobody_from_suspecting_the_newer_one() {
    check_sequence(|| {
        let heartbeats = Heartbeats::new(HeartbeatMap::new(ROOM));
        let newer = Heartbeat { leader_epoch: 2, at_ms: 0 };
        heartbeats.follow(ORDERS, newer);
        heartbeats.heartbeat(&ORDERS, at(100));
        heartbeats.follow(ORDERS, at(100));
        assert_eq!(heartbeats.watched(&ORDERS), Some(newer), "a deposed leader counts as heard of");
        assert_eq!(heartbeats.sweep(100, TIMEOUT_MS).triggered, 1);
        heartbeats.heartbeat(&ORDERS, at(101));
        let election = block_on(heartbeats.next_election()).expect("suspected");
        assert_eq!(election.suspect(), Suspect { partition: ORDERS, last: newer });
        assert!(election.is_still_suspect(), "nothing was heard in its epoch");
        election.suspect()
    });
}

/// A node is heard of: it leads these partitions.
fn hear_of(heartbeats: &HeartbeatMap<u32>, led: &[u32], at_ms: i64) {
    led.iter().for_each(|partition| heartbeats.heartbeat(partition, at(at_ms)));
}

#[test]
fn a_node_that_is_heard_of_keeps_what_it_leads() {
    check_sharded_sequence(2, || {
        let heartbeats = following_both();
        hear_of(&heartbeats, &[ORDERS, PAYMENTS], 100);
        assert_eq!(heartbeats.sweep(100, TIMEOUT_MS), Swept::default(), "a healthy leader is suspected");
        hear_of(&heartbeats, &[ORDERS], 150);
        let swept = heartbeats.sweep(150, TIMEOUT_MS);
        assert_eq!(swept, Swept { triggered: 1, deferred: 0 });
        assert!(heartbeats.has_election(&PAYMENTS) && !heartbeats.has_election(&ORDERS));
        swept
    });
}

/// Connections come and go, and each hears of a leader that is alive.
#[test]
fn only_the_monitor_suspects_however_many_connections_there_are() {
    check(|| {
        let heartbeats = following_both();
        let connect = || on_thread(&heartbeats, |heartbeats| hear_of(heartbeats, &[PAYMENTS], 100));
        let connections = [connect(), connect()];
        connect().join();
        join_all(connections);
        assert_eq!(heartbeats.queued_elections(), 0, "a connection has a monitor of its own");
        let swept = heartbeats.sweep(100, TIMEOUT_MS);
        assert_eq!(swept.triggered, 1, "one trigger for a timeout");
        swept
    });
}

#[test]
fn a_partition_that_is_not_followed_is_not_watched() {
    check_sequence(|| {
        let heartbeats = following_orders();
        heartbeats.heartbeat(&PAYMENTS, at(0));
        assert_eq!(heartbeats.watched(&PAYMENTS), None);
        heartbeats.unfollow(&ORDERS);
        heartbeats.heartbeat(&ORDERS, at(10));
        assert_eq!(heartbeats.watched(&ORDERS), None);
        let swept = heartbeats.sweep(1_000, TIMEOUT_MS);
        assert_eq!(swept, Swept::default());
        swept
    });
}
