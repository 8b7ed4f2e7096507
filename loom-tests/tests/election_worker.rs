//! Kernel `election_worker`: it replaces dead leaders and no others.

use std::sync::Arc;

use concurrency_models::election_worker::{ElectionWorker, MetadataLeader, Verdict};
use concurrency_models::heartbeat_map::{Heartbeat, HeartbeatMap, Suspect};
use concurrency_models::mailbox;
use concurrency_models::sync::Mutex;
use concurrency_models::timeout_monitor::{Event, TimeoutMonitor};
use loom_tests::run::{Running, block_on, spawn};
use loom_tests::{check, check_sequence};

type Heartbeats = Arc<HeartbeatMap<u32>>;

const ORDERS: u32 = 0;
const TIMEOUT_MS: i64 = 50;
/// When a new leader is elected.
const ELECTED_MS: i64 = 100;

/// Elects as often as it is asked, after refusing a few times, and remembers all of it.
#[derive(Clone, Default)]
struct Metadata(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    refusals: usize,
    suspects: Vec<Suspect<u32>>,
    /// Epochs in which an election is held right now.
    at_it: Vec<i32>,
}

impl Metadata {
    fn refusing(refusals: usize) -> Self {
        Self(Arc::new(Mutex::new(Asked { refusals, ..Asked::default() })))
    }

    /// The epochs of those that were suspected, in the order in which it was asked.
    fn asked_epochs(&self) -> Vec<i32> {
        self.0.lock().suspects.iter().map(|suspect| suspect.last.leader_epoch).collect()
    }

    /// Who was suspected, when no worker is there any more to ask: there is nothing to lock.
    fn into_suspects(self) -> Vec<Suspect<u32>> {
        Arc::into_inner(self.0).expect("its workers have ended").into_inner().suspects
    }
}

impl MetadataLeader<u32> for Metadata {
    async fn elect(&self, suspect: Suspect<u32>) -> Verdict {
        let leader_epoch = suspect.last.leader_epoch;
        {
            let mut asked = self.0.lock();
            assert!(!asked.at_it.contains(&leader_epoch), "two elections of one partition and epoch at once");
            asked.at_it.push(leader_epoch);
            asked.suspects.push(suspect);
        }
        let mut asked = self.0.lock(); // a moment later
        asked.at_it.retain(|epoch| *epoch != leader_epoch);
        if asked.refusals > 0 {
            asked.refusals -= 1;
            return Verdict::Refused;
        }
        Verdict::Led(Heartbeat { leader_epoch: leader_epoch + 1, at_ms: ELECTED_MS })
    }
}

fn following_orders() -> Heartbeats {
    let heartbeats = Heartbeats::new(HeartbeatMap::new(2));
    heartbeats.follow(ORDERS, Heartbeat { leader_epoch: 1, at_ms: 0 });
    heartbeats
}

/// A worker on a thread of its own.
fn start(heartbeats: &Heartbeats, metadata: &Metadata) -> Running<()> {
    let worker = ElectionWorker::new(heartbeats.clone(), metadata.clone());
    spawn(move || block_on(worker.run()))
}

/// Another one on this thread.
fn work(heartbeats: &Heartbeats, metadata: &Metadata) {
    block_on(ElectionWorker::new(heartbeats.clone(), metadata.clone()).run());
}

#[test]
fn a_dead_leader_is_replaced_once_by_two_workers_and_two_sweeps() {
    check(|| {
        let (heartbeats, metadata) = (following_orders(), Metadata::default());
        let worker = start(&heartbeats, &metadata);
        let sweep = spawn({
            let heartbeats = heartbeats.clone();
            move || heartbeats.sweep(ELECTED_MS, TIMEOUT_MS)
        });
        let mine = heartbeats.sweep(ELECTED_MS, TIMEOUT_MS);
        let others = sweep.join();
        heartbeats.close();
        work(&heartbeats, &metadata);
        worker.join();
        let asked = metadata.asked_epochs();
        assert_eq!(asked, [1], "one election for a partition and epoch");
        let watched = heartbeats.watched(&ORDERS);
        assert_eq!(
            watched,
            Some(Heartbeat { leader_epoch: 2, at_ms: ELECTED_MS }),
            "the new leader is watched"
        );
        ([mine, others], asked, watched)
    });
}

#[test]
fn a_leader_that_came_back_is_not_replaced() {
    check(|| {
        let (heartbeats, metadata) = (following_orders(), Metadata::default());
        heartbeats.sweep(ELECTED_MS, TIMEOUT_MS);
        let back = Heartbeat { leader_epoch: 1, at_ms: 90 };
        heartbeats.heartbeat(&ORDERS, back);
        let worker = start(&heartbeats, &metadata);
        heartbeats.close();
        worker.join();
        let asked = metadata.asked_epochs();
        assert_eq!(asked, [0; 0], "an election of a healthy leader");
        let watched = heartbeats.watched(&ORDERS);
        assert_eq!(watched, Some(back));
        (asked, watched)
    });
}

#[test]
fn a_trigger_of_an_older_epoch_changes_nothing() {
    check(|| {
        let (heartbeats, metadata) = (following_orders(), Metadata::default());
        heartbeats.sweep(ELECTED_MS, TIMEOUT_MS);
        let election = block_on(heartbeats.next_election()).expect("triggered");
        let newer = Heartbeat { leader_epoch: 2, at_ms: 90 };
        heartbeats.follow(ORDERS, newer);
        assert!(!election.is_still_suspect(), "its epoch is over");
        let worker = start(&heartbeats, &metadata);
        drop(election);
        heartbeats.close();
        worker.join();
        let asked = metadata.asked_epochs();
        assert_eq!(asked, [0; 0]);
        let watched = heartbeats.watched(&ORDERS);
        assert_eq!(watched, Some(newer));
        (asked, watched)
    });
}

#[test]
fn a_partition_that_is_not_followed_any_more_is_nobodys_business() {
    check(|| {
        let (heartbeats, metadata) = (following_orders(), Metadata::default());
        heartbeats.sweep(ELECTED_MS, TIMEOUT_MS);
        let worker = start(&heartbeats, &metadata);
        heartbeats.unfollow(&ORDERS);
        heartbeats.close();
        worker.join();
        let followed = heartbeats.is_followed(&ORDERS);
        assert!(!followed, "it comes back by its election");
        (metadata.into_suspects(), followed)
    });
}

/// A monitor that ticks twice and then ends, and with it the worker. Returns when both have.
fn tick_twice(heartbeats: &Heartbeats, metadata: &Metadata) {
    let (events, inbox) = mailbox::channel(2);
    let monitor = TimeoutMonitor::new(inbox, heartbeats.clone(), TIMEOUT_MS);
    for now_ms in [ELECTED_MS, ELECTED_MS + 1] {
        assert_eq!(events.try_send(Event::Tick { now_ms }), Ok(()));
    }
    drop(events);
    let worker = start(heartbeats, metadata);
    block_on(monitor.run());
    worker.join();
}

#[test]
fn a_dead_leader_is_replaced() {
    check(|| {
        let (heartbeats, metadata) = (following_orders(), Metadata::default());
        tick_twice(&heartbeats, &metadata);
        let leader_epoch = heartbeats.watched(&ORDERS).map(|leader| leader.leader_epoch);
        assert_eq!(leader_epoch, Some(2), "nobody replaces the dead leader");
        let asked = metadata.asked_epochs();
        assert_eq!(asked, [1]);
        (asked, leader_epoch)
    });
}

/// The lease of the suspect has not expired when it is first asked for.
#[test]
fn a_refused_election_is_tried_again_by_the_next_sweep() {
    check(|| {
        let (heartbeats, metadata) = (following_orders(), Metadata::refusing(1));
        tick_twice(&heartbeats, &metadata);
        let leader_epoch = heartbeats.watched(&ORDERS).map(|leader| leader.leader_epoch);
        let asked = metadata.asked_epochs();
        match asked.len() {
            1 => assert_eq!(leader_epoch, Some(1), "refused after the last sweep: a next one would find it"),
            2 => assert_eq!(leader_epoch, Some(2), "elected at the second attempt"),
            asked => panic!("asked {asked} times for the dead leader to be replaced"),
        }
        (asked, leader_epoch)
    });
}

#[test]
fn the_end_of_a_slow_election_does_not_start_a_third_one() {
    check(|| {
        let (heartbeats, metadata) = (following_orders(), Metadata::default());
        heartbeats.sweep(ELECTED_MS, TIMEOUT_MS);
        let slow = block_on(heartbeats.next_election()).expect("epoch 1");
        heartbeats.follow(ORDERS, Heartbeat { leader_epoch: 2, at_ms: 0 });
        heartbeats.sweep(ELECTED_MS, TIMEOUT_MS);
        let worker = start(&heartbeats, &metadata);
        drop(slow);
        let swept = heartbeats.sweep(ELECTED_MS, TIMEOUT_MS);
        heartbeats.close();
        work(&heartbeats, &metadata);
        worker.join();
        let asked = metadata.asked_epochs();
        assert_eq!(asked, [2], "one election for a partition and epoch");
        (swept, asked)
    });
}

#[cfg(not(loom))]
#[test]
fn a_worker_that_is_dropped_gives_its_partition_back() {
    use loom_tests::run::{give_up_after, yield_now};

    /// Never answers.
    struct Nobody;
    impl MetadataLeader<u32> for Nobody {
        async fn elect(&self, _: Suspect<u32>) -> Verdict {
            std::future::pending().await
        }
    }

    check(|| {
        let heartbeats = following_orders();
        let worker = ElectionWorker::new(heartbeats.clone(), Nobody);
        let dropped = spawn(move || give_up_after(2, worker.run()));
        heartbeats.sweep(ELECTED_MS, TIMEOUT_MS);
        yield_now();
        assert_eq!(dropped.join(), None);
        assert!(heartbeats.is_followed(&ORDERS), "neither watched nor in an election");
        heartbeats.close();
        drop(block_on(heartbeats.next_election()));
        assert_eq!(heartbeats.watched(&ORDERS), Some(Heartbeat { leader_epoch: 1, at_ms: 0 }));
    });
}

#[test]
fn a_refusal_leaves_the_partition_as_stale_as_it_was() {
    check_sequence(|| {
        let (heartbeats, metadata) = (following_orders(), Metadata::refusing(1));
        heartbeats.sweep(ELECTED_MS, TIMEOUT_MS);
        heartbeats.close();
        work(&heartbeats, &metadata);
        let watched = heartbeats.watched(&ORDERS);
        assert_eq!(watched, Some(Heartbeat { leader_epoch: 1, at_ms: 0 }));
        assert_eq!(heartbeats.sweep(ELECTED_MS, TIMEOUT_MS).deferred, 1, "the next sweep finds it");
        watched
    });
}
