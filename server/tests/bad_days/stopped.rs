//! A node stands still and goes on as if nothing had been.

use std::time::{Duration, Instant};

use crate::day::Day;
use crate::load::Pace;
use crate::support::cluster::Cluster;
use crate::{FAILOVER, day, number};

#[test]
fn a_leader_stands_still() {
    let mut day = Day::begin("leader stopped");
    let leader = day.leader(0, 1);
    let led = day.led_by(leader, leader);
    day.cluster.stop(leader);
    let stopped = Instant::now();
    let longest = day.failover(&led, stopped).into_iter().max().expect("it led a partition");
    assert!(longest < FAILOVER, "{longest:?} until another node served a partition");
    std::thread::sleep(still().saturating_sub(stopped.elapsed()));
    day.cluster.cont(leader);
    day.end();
}

#[test]
fn a_follower_misses_much() {
    let pace = Pace { record_bytes: 10_000, every: Duration::from_millis(2) };
    let mut day = Day::begin_with("follower behind", pace, || Cluster::start(3));
    let much =
        usize::try_from(number("CHRONIK_BAD_DAYS_MB", 100)).expect("few") * 1_000_000 / pace.record_bytes;
    let node = day.others(day.controller(1))[0];
    day.cluster.stop(node);
    let (stopped, before) = (Instant::now(), day.load.ledger.count());
    day::patiently("much to be produced", || (day.load.ledger.count() > before + much).then_some(()));
    let produced = stopped.elapsed();
    day.cluster.cont(node);
    let back = Instant::now();
    day.wait_until_whole();
    eprintln!(
        "follower behind: {much} records in {produced:?}, in sync {:?} after it was back",
        back.elapsed()
    );
    day.end();
}

/// How long a node stands still.
fn still() -> Duration {
    Duration::from_secs(number("CHRONIK_BAD_DAYS_STOP_SECONDS", 5))
}
