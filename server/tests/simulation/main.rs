//! Whole nodes in one thread, on a virtual clock, a disk and a network in memory. The same seed gives the same trace; what a seed finds can be
//! replayed with it: `CHRONIK_SEED=42 cargo test -p chronik-server --test simulation`.
//!
//! A run: clients write and read, the power is cut at a random disk operation, the node starts again on what the disk kept, and everything that was
//! acknowledged must be there, once, in order.
#![cfg(not(any(loom, shuttle)))]

mod client;
mod cluster;
mod compaction;
mod full_disk;
mod groups;
mod pipelined;
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use chronik_server::spawn::Spawner;

use cluster::fencing::Cut;
use cluster::throttle::{TOPIC_BYTES, Throttled};
use world::{Ending, World};

/// Seeds of a plain `cargo test`; `CHRONIK_SEEDS` asks for more.
const SEEDS: u64 = 100;

/// Real time in which a run must have ended that takes a fraction of a second.
const STANDS_STILL_AFTER: Duration = Duration::from_secs(20);

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    match number("CHRONIK_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("CHRONIK_SEEDS").unwrap_or(SEEDS)).collect(),
    }
}

/// Seeds of three nodes that have found something which few others find: records deleted up to the middle of a batch, at a leader whose follower has diverged there.
const TELLING: [u64; 1] = [1435];

/// Stories of nodes that come and go are longer: half as many, unless somebody asks for some number.
fn member_seeds() -> usize {
    if std::env::var_os("CHRONIK_SEEDS").is_some() { usize::MAX } else { 20 }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in seeds().into_iter().take(10) {
        let (first, second) = (World::run(seed), World::run(seed));
        let differs = first.lines.iter().zip(&second.lines).position(|(a, b)| a != b);
        if let Some(line) = differs {
            panic!("seed {seed}, line {line}:\n  {}\n  {}", first.lines[line], second.lines[line]);
        }
        assert_eq!(first.lines.len(), second.lines.len(), "seed {seed}");
        assert_eq!(first.disk_digest, second.disk_digest, "seed {seed}: the disks differ");
    }
}

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let (mut acknowledged, mut cut, mut stopped) = (0, 0, 0);
    for seed in seeds() {
        let trace = World::run(seed); // asserts inside, naming the seed
        acknowledged += trace.acknowledged;
        match trace.ending {
            Ending::PowerCut => cut += 1,
            Ending::Stopped => stopped += 1,
        }
    }
    eprintln!(
        "{cut} power cuts and {stopped} stops, {acknowledged} records acknowledged, losses 0, duplicates 0"
    );
    assert!(acknowledged > 0 && (cut > 0 || seeds().len() < 5));
}

/// R11 of the known bugs: whoever waits blocks the thread that would answer him. In a simulation there is one thread, for handlers and for storage.
#[test]
fn one_thread_is_enough_for_all_who_wait_and_all_who_answer() {
    let real_time = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let runs = || (0..5).map(|seed| World::run(seed).acknowledged).sum::<usize>();
    let acknowledged = real_time.block_on(async {
        tokio::time::timeout(STANDS_STILL_AFTER, Spawner::threads().blocking(runs)).await
    });
    real_time.shutdown_background(); // it does not wait for a thread that is blocked
    let acknowledged =
        acknowledged.expect("somebody who waits blocks the thread of those who would answer him");
    assert!(acknowledged > 0);
}

/// N2 of the known bugs: answers are written when they are ready.
#[test]
fn answers_come_in_the_order_of_requests() {
    let answers: usize = seeds().into_iter().map(pipelined::run).sum(); // asserts inside, naming the seed
    eprintln!("{answers} answers, each in its place");
}

#[test]
fn committed_offsets_never_go_back_and_members_stay() {
    let (mut acknowledged, mut lives) = (0, 0);
    for seed in seeds() {
        let outcome = groups::run(seed); // asserts inside, naming the seed
        acknowledged += outcome.acknowledged;
        lives += outcome.lives_with_members;
    }
    eprintln!(
        "{acknowledged} commits acknowledged, none went back; members found again after {lives} power cuts"
    );
    assert!(acknowledged > 0 && (lives > 0 || seeds().len() < 5));
}

#[test]
fn the_last_value_of_every_key_survives_compactions_and_a_power_cut() {
    let (mut cut, mut compacted, mut acknowledged) = (0, 0, 0);
    for seed in seeds() {
        let outcome = compaction::run(seed); // asserts inside, naming the seed
        cut += u32::from(outcome.power_cut);
        compacted += u32::from(outcome.gone > 0);
        acknowledged += outcome.acknowledged;
    }
    eprintln!("{cut} power cuts, {compacted} runs with compactions, {acknowledged} records acknowledged");
    assert!(seeds().len() < 5 || cut > 0 && compacted > 0);
}

#[test]
fn different_seeds_differ() {
    assert_ne!(World::run(1).lines, World::run(2).lines, "the seed decides something");
}

#[test]
fn a_topic_that_finds_no_room_is_made_when_there_is() {
    for seed in seeds().into_iter().take(5) {
        full_disk::WITH_ROOM.into_iter().for_each(|after| full_disk::run(seed, after));
    }
}

#[test]
fn three_nodes_agree_whatever_happens_to_them() {
    let (mut acknowledged, mut records) = (0, 0);
    let (mut seen, mut faults) = (BTreeMap::new(), BTreeMap::new());
    for seed in seeds().into_iter().chain(TELLING) {
        let trace = cluster::Cluster::run(seed); // asserts inside, naming the seed
        acknowledged += trace.acknowledged;
        records += trace.records;
        trace.seen.into_iter().for_each(|(what, times)| *seen.entry(what).or_insert(0) += times);
        trace.faults.into_iter().for_each(|fault| *faults.entry(fault).or_insert(0) += 1);
    }
    eprintln!("{acknowledged} commands and {records} records acknowledged, losses 0; {seen:?}; {faults:?}");
    assert!(acknowledged > 0 && seen.values().all(|times| *times > 0));
}

#[test]
fn another_broker_leads_when_the_lease_of_one_that_is_cut_off_has_ended_and_it_comes_back() {
    for seed in seeds().into_iter().take(10) {
        for (cut, at_most_ms) in
            [(Cut::Both, 700), (Cut::BothOfTheController, 2_000), (Cut::OneWayBehindSlowAnswers, 700)]
        {
            let failover = cluster::fencing::run(seed, cut); // asserts inside
            assert!(failover.lease_ended < failover.led_by_another, "{failover:?}");
            assert!(failover.refused > 0, "a suspicion is no verdict: {failover:?}");
            assert_eq!(failover.commands, 1, "fenced once, whoever says it again: seed {seed}, {cut:?}");
            let late = failover.led_by_another - failover.lease_ended;
            assert!(
                cut == Cut::BothOfTheController || late <= Duration::from_millis(50),
                "fenced when the lease has ended here, and not at somebody's next look: seed {seed}, {cut:?}: {failover:?}"
            );
            let at_most = Duration::from_millis(at_most_ms);
            assert!(failover.led_by_another < at_most, "seed {seed}, {cut:?}: {failover:?}");
            if seed < 2 {
                eprintln!("{cut:?}: {failover:?}");
            }
        }
    }
}

#[test]
fn a_broker_that_nobody_follows_is_fenced_when_it_has_been_silent_for_two_leases() {
    for seed in seeds().into_iter().take(10) {
        let fenced_after = cluster::fencing::run_unfollowed(seed); // asserts inside
        let two_leases = Duration::from_millis(1_100)..Duration::from_millis(1_400); // from its last heartbeat to the next look
        assert!(two_leases.contains(&fenced_after), "seed {seed}: {fenced_after:?}");
    }
}

#[test]
fn nodes_join_and_leave_and_lose_their_disks_and_nothing_acknowledged_is_lost() {
    let (mut commands, mut records, mut leaders_left) = (0, 0, 0);
    let (mut interrupted, mut down) = (0, 0);
    let mut faults = BTreeMap::new();
    for seed in seeds().into_iter().take(member_seeds()) {
        let story = cluster::Cluster::run_members(seed); // asserts inside, naming the seed
        commands += story.acknowledged.0;
        records += story.acknowledged.1;
        leaders_left += usize::from(story.leader_left);
        interrupted += story.interrupted;
        assert!(story.lonely > 0, "seed {seed}: the last one has nothing");
        down += usize::from(story.was_down);
        story.faults.into_iter().for_each(|fault| *faults.entry(fault).or_insert(0) += 1);
    }
    eprintln!(
        "{commands} commands and {records} records acknowledged, losses 0; {interrupted} power cuts of newcomers; {leaders_left} led before they were removed, {down} \
         were down; all heard of it; {faults:?}"
    );
    assert!(commands > 0 && records > 0 && (leaders_left > 0 || seeds().len() < 5));
}

#[test]
fn a_cluster_begins_whatever_happens_to_its_nodes_and_who_has_forgotten_its_promises_does_not_vote() {
    let (mut lost, mut refused, mut acknowledged) = (0, 0, 0);
    for seed in seeds() {
        let beginning = cluster::Cluster::run_beginning(seed); // asserts inside, naming the seed
        lost += beginning.lost;
        refused += usize::from(beginning.refused);
        acknowledged += beginning.acknowledged;
    }
    eprintln!("{lost} disks lost, {refused} times refused; {acknowledged} commands acknowledged, losses 0");
    assert!(acknowledged > 0 && (refused > 0 && lost > refused || seeds().len() < 20));
}

/// Raft forgets with each election timeout whom it has heard.
#[test]
fn a_majority_that_is_there_is_seen_at_any_moment() {
    for seed in seeds().into_iter().take(5) {
        let reasons = cluster::Cluster::run_wrong_removals(seed);
        assert!(reasons.iter().all(|reason| reason.contains("directory")), "seed {seed}: {reasons:?}");
    }
}

#[test]
fn who_leaves_votes_until_the_one_that_stays_does_without_it() {
    for seed in seeds().into_iter().take(member_seeds()) {
        for (leads, starts_again) in [(false, false), (true, false), (false, true), (true, true)] {
            cluster::Cluster::run_last_vote(seed, cluster::Leaver { leads, starts_again }); // asserts inside, naming the seed
        }
    }
}

#[test]
fn nodes_come_and_go_the_same_with_the_same_seed() {
    for seed in seeds().into_iter().take(2) {
        let (first, second) = (cluster::Cluster::run_members(seed), cluster::Cluster::run_members(seed));
        assert_eq!(first.lines, second.lines, "seed {seed}");
    }
}

#[test]
fn a_follower_of_an_emptied_log_comes_in_sync() {
    for seed in seeds().into_iter().take(10) {
        for written in [false, true] {
            let log_starts = cluster::Cluster::run_emptied(seed, written); // asserts inside, naming the seed
            let begin_anew = !log_starts.is_empty() && log_starts.iter().all(|log_start| *log_start > 0);
            assert!(begin_anew, "seed {seed}: {log_starts:?}");
        }
    }
}

#[test]
fn replicas_are_brought_in_at_the_rate_that_is_set_and_nobody_in_sync_waits() {
    const RATE: u64 = 1 << 20;
    let seconds = |bytes: usize| Duration::from_secs_f64(bytes as f64 / RATE as f64);
    let at_once = Duration::ZERO..Duration::from_secs(1);
    // Nothing is owed before the first piece, and the last one is not waited for; in sync is who was seen to be.
    let about = |bytes: usize| seconds(bytes) - seconds(1 << 20)..seconds(bytes) + Duration::from_millis(700);
    let (alone, together) = (about(TOPIC_BYTES), about(2 * TOPIC_BYTES));
    let lifted = Duration::from_millis(500)..Duration::from_millis(1_500);
    let never = Duration::MAX;
    let (soon, free) = (Duration::from_millis(500), at_once);
    for (leaders, follower, replicas, lifted_after, expected) in [
        (None, None, "*", never, free.clone()),
        (Some(RATE), Some(RATE), "", never, free.clone()),
        (Some(RATE), Some(RATE), "0:9", never, free),
        (Some(RATE), None, "*", never, alone), // each leader has a rate of its own
        (None, Some(RATE), "0:3", never, together.clone()),
        (Some(RATE), Some(RATE), "0:1,0:2,0:3", never, together),
        (Some(0), None, "*", soon, lifted.clone()),
        (Some(RATE / 64), Some(0), "*", soon, lifted),
    ] {
        for seed in seeds().into_iter().take(3) {
            let throttled = Throttled { leaders, follower, replicas, lifted_after };
            let outcome = cluster::throttle::run(seed, throttled);
            let last = outcome.took.into_iter().max().unwrap_or_default();
            assert!(expected.contains(&last), "seed {seed}, {throttled:?}: {outcome:?}, not in {expected:?}");
            assert!(
                outcome.appended > 0 && outcome.slowest < Duration::from_millis(100),
                "seed {seed}, {throttled:?}: {outcome:?}"
            );
            if seed == 0 {
                eprintln!("{throttled:?}: {outcome:?}");
            }
        }
    }
}

#[test]
fn three_nodes_do_the_same_with_the_same_seed() {
    for seed in seeds() {
        let (first, second) = (cluster::Cluster::run(seed), cluster::Cluster::run(seed));
        let differs = first.lines.iter().zip(&second.lines).position(|(a, b)| a != b);
        if let Some(line) = differs {
            panic!("seed {seed}, line {line}:\n  {}\n  {}", first.lines[line], second.lines[line]);
        }
        assert_eq!(first.lines.len(), second.lines.len(), "seed {seed}");
    }
}
