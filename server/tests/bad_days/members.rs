//! Nodes come and go under load: the first of the freezes that this server must not have was one of a change of membership.

use std::time::{Duration, Instant};

use crate::day::{Day, patiently};
use crate::number;
use crate::support::metrics::Scrape;

/// What no round of a loop takes, in seconds.
const FROZEN: f64 = 1.0;

#[test]
fn nodes_are_added_and_removed_one_after_the_other() {
    let mut day = Day::begin("nodes added and removed");
    let mut took = Vec::new();
    for round in 0..number("CHRONIK_BAD_DAYS", 4) {
        let begun = Instant::now();
        let newcomer = 4 + i32::try_from(round).expect("few");
        day.cluster.add(newcomer);
        day.cluster.restart(newcomer);
        // Whoever leads the metadata goes in every second round.
        let leads = day.controller(newcomer);
        let oldest = day.cluster.ids()[0];
        let goes = if round % 2 == 0 && leads != newcomer { leads } else { oldest };
        replace(&mut day, goes, newcomer);
        took.push(begun.elapsed());
        assert_no_slow_round(&day);
    }
    let longest = took.iter().max().copied().unwrap_or_default();
    let mean = took.iter().sum::<Duration>() / u32::try_from(took.len()).expect("few");
    eprintln!("nodes added and removed: {} rounds, {mean:.1?} each, the longest {longest:.1?}", took.len());
    day.end();
}

#[test]
fn a_disk_is_lost() {
    let mut day = Day::begin("disk lost");
    for round in 0..number("CHRONIK_BAD_DAYS", 1) {
        let lost = *day.cluster.ids().last().expect("three");
        day.cluster.kill(lost);
        day.cluster.erase(lost);
        day.cluster.spawn(lost);
        patiently(&format!("node {lost} to be refused"), || day.cluster.ended(lost).then_some(()));
        assert!(
            day.cluster.log(lost).contains("must not begin")
                || day.cluster.log(lost).contains("could not join")
        );
        let newcomer = 4 + i32::try_from(round).expect("few");
        day.cluster.add(newcomer);
        day.cluster.restart(newcomer);
        replace(&mut day, lost, newcomer);
    }
    day.end();
}

/// Has a newcomer take the place of a node, which may be dead.
fn replace(day: &mut Day, goes: i32, newcomer: i32) {
    let ran = day.cluster.runs(goes);
    let (goes_text, newcomer_text) = (goes.to_string(), newcomer.to_string());
    let words = [
        "cluster",
        "remove-node",
        &goes_text,
        "--replace-with",
        &newcomer_text,
        "--execute",
        "--timeout",
        "120",
    ];
    let removed = day.cluster.command(newcomer, &words);
    let said = String::from_utf8_lossy(&removed.stderr);
    assert!(removed.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&removed.stdout));
    if ran {
        patiently(&format!("node {goes} to end"), || day.cluster.ended(goes).then_some(()));
    }
    day.cluster.forget(goes);
    day.wait_until_whole();
    day.wait_until_served();
}

/// By the metrics of each node: no round of its Raft loop has taken a second, and no loop has stood still.
fn assert_no_slow_round(day: &Day) {
    for node in day.cluster.ids() {
        let counted = Scrape::of(day.cluster.admin(node));
        let (rounds, longest) = counted.below("chronik_raft_round_duration_seconds", "");
        assert!(rounds > 0.0 && longest <= FROZEN, "node {node}: a Raft round took up to {longest} s");
        assert_eq!(counted.sum("chronik_loop_stalls_total"), 0.0, "node {node}: a loop stood still");
    }
}
