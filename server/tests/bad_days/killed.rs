//! `kill -9`: of the leader of a partition, of the leader of the metadata, of everybody.

use std::time::{Duration, Instant};

use crate::day::Day;
use crate::{FAILOVER, number};

/// How long a killed node stays away.
const AWAY: Duration = Duration::from_secs(3);

#[test]
fn leaders_of_partitions_are_killed() {
    let mut day = Day::begin("leader killed");
    let mut gaps = Vec::new();
    for round in 0..number("CHRONIK_BAD_DAYS", 10) {
        let partition = i32::try_from(round % 6).expect("few");
        let leader = day.leader(partition, 1);
        let led = day.led_by(leader, leader);
        gaps.extend(kill_and_restart(&mut day, leader, &led));
    }
    report("leader killed", gaps);
    day.end();
}

#[test]
fn leaders_of_the_metadata_are_killed() {
    let mut day = Day::begin("controller killed");
    let mut gaps = Vec::new();
    for _ in 0..number("CHRONIK_BAD_DAYS", 3) {
        let controller = day.controller(1);
        let led = day.led_by(controller, controller);
        gaps.extend(kill_and_restart(&mut day, controller, &led));
    }
    report("controller killed", gaps);
    day.end();
}

#[test]
fn all_nodes_are_killed_at_once() {
    let mut day = Day::begin("all killed");
    for _ in 0..number("CHRONIK_BAD_DAYS", 3) {
        day.cluster.ids().into_iter().for_each(|id| day.cluster.kill(id));
        day.cluster.ids().into_iter().for_each(|id| day.cluster.spawn(id));
        day.cluster.ids().into_iter().for_each(|id| day.cluster.wait_until_ready(id));
        day.wait_until_served();
    }
    day.end();
}

/// The gap of each partition that the node led.
fn kill_and_restart(day: &mut Day, node: i32, led: &[i32]) -> Vec<Duration> {
    let seen_by = day.others(node)[0];
    let led_the_metadata = if day.controller(seen_by) == node { ", which led the metadata" } else { "" };
    day.cluster.kill(node);
    let killed = Instant::now();
    let gaps = day.failover(led, killed);
    let ms: Vec<String> = gaps.iter().map(|gap| gap.as_millis().to_string()).collect();
    eprintln!("node {node}{led_the_metadata}: {} ms", ms.join(" "));
    std::thread::sleep(AWAY.saturating_sub(killed.elapsed()));
    day.cluster.restart(node);
    day.wait_until_whole();
    gaps
}

fn report(name: &str, mut gaps: Vec<Duration>) {
    gaps.sort_unstable();
    let Some(longest) = gaps.last().copied() else { return eprintln!("{name}: it led no partition") };
    let percentile = |percent: usize| gaps[(gaps.len() * percent / 100).min(gaps.len() - 1)].as_millis();
    let (half, most) = (percentile(50), percentile(99));
    eprintln!(
        "{name}: failover of {} partitions, p50 {half} ms, p99 {most} ms, longest {longest:?}",
        gaps.len()
    );
    assert!(longest < FAILOVER, "{name}: {longest:?} until another node served a partition");
}
