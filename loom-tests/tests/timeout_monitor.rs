//! Kernel `timeout_monitor`: it suspects, and waits for nothing but its mailbox.

use std::sync::Arc;

use concurrency_models::heartbeat_map::{Heartbeat, HeartbeatMap};
use concurrency_models::mailbox::{self, Sender};
use concurrency_models::timeout_monitor::{Event, TimeoutMonitor};
use loom_tests::run::{Running, block_on, spawn};
use loom_tests::{check, check_sharded};

type Heartbeats = Arc<HeartbeatMap<u32>>;

const ORDERS: u32 = 0;
const PAYMENTS: u32 = 1;
const TIMEOUT_MS: i64 = 50;
const MAILBOX: usize = 2;

/// Follows two partitions, heard of at 0, with room for this many elections.
fn following_both(capacity: usize) -> Heartbeats {
    let heartbeats = Heartbeats::new(HeartbeatMap::new(capacity));
    for partition in [ORDERS, PAYMENTS] {
        heartbeats.follow(partition, Heartbeat { leader_epoch: 1, at_ms: 0 });
    }
    heartbeats
}

fn start(heartbeats: &Heartbeats) -> (Sender<Event>, Running<()>) {
    let (events, inbox) = mailbox::channel(MAILBOX);
    let monitor = TimeoutMonitor::new(inbox, heartbeats.clone(), TIMEOUT_MS);
    (events, spawn(move || block_on(monitor.run())))
}

/// Takes elections until there are no more, and finds everybody led by somebody new.
fn hold_all(heartbeats: &HeartbeatMap<u32>) -> Vec<u32> {
    let mut held = Vec::new();
    while let Some(mut election) = block_on(heartbeats.next_election()) {
        election.led(Heartbeat { leader_epoch: 2, at_ms: 1_000 });
        held.push(election.suspect().partition);
    }
    held
}

fn tick(events: &Sender<Event>, now_ms: i64) {
    assert_eq!(block_on(events.send(Event::Tick { now_ms })), Ok(()));
}

/// No worker is there, and the queue has room for one: the monitor comes to its end all the same.
#[test]
fn a_full_channel_makes_the_monitor_wait_for_nobody_and_loses_no_trigger() {
    check_sharded(2, || {
        let heartbeats = following_both(1);
        let (events, monitor) = start(&heartbeats);
        tick(&events, 100);
        tick(&events, 200);
        assert_eq!(block_on(events.send(Event::Stop)), Ok(()));
        monitor.join();
        let watched = [ORDERS, PAYMENTS].map(|partition| heartbeats.watched(&partition).is_some());
        let watched = watched.iter().filter(|watched| **watched).count();
        assert_eq!(watched, 1, "the one without room is watched");
        assert!(heartbeats.is_followed(&ORDERS) && heartbeats.is_followed(&PAYMENTS), "a trigger is lost");
        watched
    });
}

#[test]
fn what_found_no_room_is_triggered_by_a_later_tick() {
    check_sharded(2, || {
        let heartbeats = following_both(1);
        let (events, monitor) = start(&heartbeats);
        tick(&events, 100);
        let first = block_on(heartbeats.next_election()).expect("one is suspected");
        tick(&events, 101);
        let second = block_on(heartbeats.next_election()).expect("the other is found again");
        let mut suspected = [first.suspect().partition, second.suspect().partition];
        suspected.sort_unstable(); // which of them was first is the map's to say, not the order of the threads
        assert_eq!(suspected.iter().sum::<u32>(), ORDERS + PAYMENTS);
        drop((first, second));
        drop(events);
        monitor.join();
        suspected
    });
}

#[test]
fn each_dead_leader_is_triggered_once() {
    check_sharded(2, || {
        let heartbeats = following_both(2);
        let (events, inbox) = mailbox::channel(MAILBOX);
        for now_ms in [100, 101] {
            assert_eq!(events.try_send(Event::Tick { now_ms }), Ok(()));
        }
        drop(events); // as good as a Stop
        let monitor = TimeoutMonitor::new(inbox, heartbeats.clone(), TIMEOUT_MS);
        let monitor = spawn(move || block_on(monitor.run()));
        let mut held = hold_all(&heartbeats);
        monitor.join();
        held.sort_unstable();
        assert_eq!(held, [ORDERS, PAYMENTS], "one election for each partition and epoch");
        held
    });
}

#[test]
fn a_shutdown_at_any_point_ends_the_monitor_and_then_the_worker() {
    check(|| {
        let heartbeats = following_both(2);
        let (events, monitor) = start(&heartbeats);
        let clock = spawn({
            let events = events.clone();
            move || block_on(events.send(Event::Tick { now_ms: 100 })).is_ok()
        });
        assert_eq!(block_on(events.send(Event::Stop)), Ok(()));
        monitor.join();
        let ticked = clock.join();
        let held = hold_all(&heartbeats);
        assert!(held.is_empty() || held.len() == 2, "a sweep is done whole or not at all");
        assert!(heartbeats.is_followed(&ORDERS) && heartbeats.is_followed(&PAYMENTS));
        assert_eq!(heartbeats.sweep(5_000, TIMEOUT_MS).triggered, 0, "triggered after the end");
        assert_eq!(heartbeats.queued_elections(), 0);
        (ticked, held.len())
    });
}

#[test]
fn workers_that_are_ended_first_leave_the_monitor_alone() {
    check(|| {
        let heartbeats = following_both(2);
        let (events, monitor) = start(&heartbeats);
        tick(&events, 100);
        heartbeats.close();
        let held = hold_all(&heartbeats);
        drop(events);
        monitor.join();
        assert!(heartbeats.is_followed(&ORDERS) && heartbeats.is_followed(&PAYMENTS), "a trigger is lost");
        let watched = [ORDERS, PAYMENTS].map(|partition| heartbeats.watched(&partition).is_some());
        assert_eq!(watched, [true, true], "what got in came out: {held:?}");
        held.len() // which of them was first is the map's to say, not the order of the threads
    });
}
