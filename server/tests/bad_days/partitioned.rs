//! The network between the nodes is cut, in one or both directions, and healed. Unless clients are cut off as well, they still reach every node.

use std::time::{Duration, Instant};

use crate::day::{CALM, Day};
use crate::network::{CLIENTS, Network};
use crate::support::cluster::Cluster;
use crate::{FAILOVER, number};

/// Ways that are cut, each from one to another, for three nodes of which the first is the one that it is about.
type Ways = fn([i32; 3]) -> Vec<(i32, i32)>;

fn both(pairs: &[(i32, i32)]) -> Vec<(i32, i32)> {
    pairs.iter().flat_map(|(one, other)| [(*one, *other), (*other, *one)]).collect()
}

/// Cuts the ways while there is load, lets some time pass, heals them.
fn cut_and_heal(name: &str, whom: fn(&Day) -> i32, ways: Ways) {
    let network = match Network::new(3) {
        Ok(network) => network,
        Err(why) => return eprintln!("{name}: SKIPPED, no network namespaces here: {why}"),
    };
    let start = || {
        let mut cluster = Cluster::placed(network.places(), &[]);
        cluster.ids().into_iter().for_each(|id| cluster.spawn(id));
        cluster.ids().into_iter().for_each(|id| cluster.wait_until_ready(id));
        cluster
    };
    let day = Day::begin_with(name, CALM, start);
    let node = whom(&day);
    let (led, others) = (day.led_by(node, node), day.others(node));
    let ways = ways([node, others[0], others[1]]);
    ways.iter().for_each(|(from, to)| network.cut(*from, *to));
    let cut = Instant::now();
    let gap = day.failover(&led, cut).into_iter().max();
    std::thread::sleep(apart().saturating_sub(cut.elapsed()));
    ways.iter().for_each(|(from, to)| network.heal(*from, *to));
    eprintln!("{name}: its {} partitions were served again {gap:?} after the cut", led.len());
    assert!(gap.is_none_or(|gap| gap < FAILOVER), "{name}: {gap:?} until its partitions were served");
    day.end();
}

/// How long nodes are apart.
fn apart() -> Duration {
    Duration::from_secs(number("CHRONIK_BAD_DAYS_CUT_SECONDS", 5))
}

fn leader(day: &Day) -> i32 {
    day.leader(0, 1)
}

fn controller(day: &Day) -> i32 {
    day.controller(1)
}

/// Not the leader of the metadata.
fn other_leader(day: &Day) -> i32 {
    day.others(controller(day))[0]
}

#[test]
fn a_node_is_cut_off_from_everybody() {
    cut_and_heal("node cut off", other_leader, |[node, a, b]| {
        both(&[(node, a), (node, b)]).into_iter().chain([(node, CLIENTS)]).collect()
    });
}

#[test]
fn a_leader_is_cut_off_from_the_other_nodes_alone() {
    cut_and_heal("node cut off, not from clients", other_leader, |[node, a, b]| {
        both(&[(node, a), (node, b)])
    });
}

#[test]
fn the_leader_of_the_metadata_is_cut_off() {
    cut_and_heal("controller cut off", controller, |[node, a, b]| both(&[(node, a), (node, b)]));
}

#[test]
fn a_leader_hears_the_others_who_do_not_hear_it() {
    cut_and_heal("one-way, node not heard", leader, |[node, a, b]| vec![(node, a), (node, b)]);
}

#[test]
fn a_leader_does_not_hear_the_others_who_hear_it() {
    cut_and_heal("one-way, node deaf", leader, |[node, a, b]| vec![(a, node), (b, node)]);
}

#[test]
fn two_nodes_reach_each_other_by_way_of_the_third_only() {
    cut_and_heal("bridge", controller, |[node, a, _]| both(&[(node, a)]));
}

#[test]
fn two_followers_of_the_metadata_do_not_reach_each_other() {
    cut_and_heal("bridge at the controller", controller, |[_, a, b]| both(&[(a, b)]));
}
