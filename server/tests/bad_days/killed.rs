//! `kill -9`: of the leader of a partition, of the leader of the metadata, of everybody.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::day::Day;
use crate::{FAILOVER, number};

/// How long a killed node stays away.
const AWAY: Duration = Duration::from_secs(3);
/// When every replica is in sync, how long it takes until every leader has said so.
const STORY_ENDS: Duration = Duration::from_millis(500);
/// In how many lines each of the others tells of it.
const LINES: usize = 6;

/// What came of the kills so far.
#[derive(Default)]
struct Failovers {
    /// Of each partition that the node led, how long it was not served.
    gaps: Vec<Duration>,
    /// Of each kill, the lines in the longest of the other nodes' logs.
    lines: Vec<usize>,
}

#[test]
fn leaders_of_partitions_are_killed() {
    let mut day = Day::begin("leader killed");
    let mut failovers = Failovers::default();
    for round in 0..number("CHRONIK_BAD_DAYS", 10) {
        let partition = i32::try_from(round % 6).expect("few");
        let leader = day.leader(partition, 1);
        let led = day.led_by(leader, leader);
        failovers.kill_and_restart(&mut day, leader, &led);
    }
    failovers.report("leader killed");
    day.end();
}

#[test]
fn leaders_of_the_metadata_are_killed() {
    let mut day = Day::begin("controller killed");
    let mut failovers = Failovers::default();
    for _ in 0..number("CHRONIK_BAD_DAYS", 3) {
        let controller = day.controller(1);
        let led = day.led_by(controller, controller);
        failovers.kill_and_restart(&mut day, controller, &led);
    }
    failovers.report("controller killed");
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

impl Failovers {
    fn kill_and_restart(&mut self, day: &mut Day, node: i32, led: &[i32]) {
        let others = day.others(node);
        let led_the_metadata =
            if day.controller(others[0]) == node { ", which led the metadata" } else { "" };
        let so_far = |other: &i32| (*other, day.cluster.log(*other).lines().count());
        let before: BTreeMap<i32, usize> = others.iter().map(so_far).collect();
        day.cluster.kill(node);
        let killed = Instant::now();
        let gaps = day.failover(led, killed);
        let ms: Vec<String> = gaps.iter().map(|gap| gap.as_millis().to_string()).collect();
        std::thread::sleep(AWAY.saturating_sub(killed.elapsed()));
        let told = |other: &i32| -> Vec<String> {
            day.cluster.log(*other).lines().skip(before[other]).map(str::to_owned).collect()
        };
        let longest = others.iter().map(told).max_by_key(Vec::len).unwrap_or_default();
        let lines = longest.len();
        eprintln!("node {node}{led_the_metadata}: {} ms, told in {lines} lines", ms.join(" "));
        if lines > LINES {
            eprintln!("{}", longest.join("\n"));
        }
        day.cluster.restart(node);
        day.wait_until_whole();
        std::thread::sleep(STORY_ENDS);
        self.gaps.extend(gaps);
        self.lines.push(lines);
    }

    fn report(mut self, name: &str) {
        self.gaps.sort_unstable();
        self.lines.sort_unstable();
        let Some(longest) = self.gaps.last().copied() else {
            return eprintln!("{name}: it led no partition");
        };
        let (fewest, lines) = (self.lines[0], self.lines[self.lines.len() / 2]);
        let percentile =
            |percent: usize| self.gaps[(self.gaps.len() * percent / 100).min(self.gaps.len() - 1)];
        let (half, most) = (percentile(50).as_millis(), percentile(99).as_millis());
        eprintln!(
            "{name}: failover of {} partitions, p50 {half} ms, p99 {most} ms, longest {longest:?}, told in {lines} lines",
            self.gaps.len()
        );
        assert!(longest < FAILOVER, "{name}: {longest:?} until another node served a partition");
        // A machine that has much else to do has more to tell, of other nodes too.
        assert!((1..=LINES).contains(&fewest), "{name}: every failover took {fewest} lines or more");
    }
}
