//! What a failover looks like in the logs of the nodes, at the level that operators have: a few lines, whatever the number of partitions.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::leaders::partitions;
use crate::metadata::controller;
use crate::support::cluster::Cluster;
use crate::support::wait_for;

const PARTITIONS: usize = 12;
/// Some heartbeats of each node.
const SETTLED: Duration = Duration::from_secs(1);

/// A line of a log: when, on which node, what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    at: String,
    node: i32,
    said: String,
}

/// The logs of these nodes, in order of time, without what was there before.
fn story(cluster: &Cluster, nodes: &[i32], from: &str) -> Vec<Line> {
    let lines = nodes.iter().flat_map(|node| {
        let log = cluster.log(*node);
        let parse = |line: &str| {
            let (at, said) = line.split_once(' ')?;
            let is_time = at.len() > 20 && at.starts_with("20") && at.ends_with('Z');
            is_time.then(|| Line { at: at.into(), node: *node, said: said.trim_start().into() })
        };
        log.lines().filter_map(parse).collect::<Vec<_>>()
    });
    let lines: BTreeSet<Line> = lines.filter(|line| *line.at > *from).collect();
    lines.into_iter().collect()
}

/// Waits for a line that has all these words.
fn find(cluster: &Cluster, nodes: &[i32], from: &str, words: &[&str]) -> Line {
    wait_for(&format!("{words:?} in the logs of {nodes:?}"), || {
        story(cluster, nodes, from).into_iter().find(|line| words.iter().all(|word| line.said.contains(word)))
    })
}

fn leads_something(cluster: &Cluster, node: i32, seen_by: i32) -> bool {
    partitions(cluster, seen_by, "orders").iter().any(|partition| partition.leader_id == node)
}

/// The last moment in the logs.
fn now(cluster: &Cluster, nodes: &[i32]) -> String {
    story(cluster, nodes, "").last().expect("they say something").at.clone()
}

#[test]
fn a_failover_is_told_in_a_few_lines_in_their_order() {
    let mut cluster = Cluster::with(3, &["default.replication.factor=3"]);
    let many = PARTITIONS.to_string();
    let made = cluster.command(1, &["topics", "create", "orders", "-p", &many]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let leads_metadata = controller(&cluster, 1);
    let killed = cluster.ids().into_iter().find(|node| *node != leads_metadata).expect("three");
    wait_for("every node to lead something", || {
        cluster.ids().iter().all(|node| leads_something(&cluster, *node, leads_metadata)).then_some(())
    });
    let others: Vec<i32> = cluster.ids().into_iter().filter(|node| *node != killed).collect();
    std::thread::sleep(SETTLED); // whoever was not heard yet is not missed
    let begun = now(&cluster, &others);
    cluster.kill(killed);
    let name = format!("node {killed}");
    let in_place = format!("now, in place of {name}");
    let lost =
        find(&cluster, &others, &begun, &["the connection to a node is lost", &format!("node={killed}")]);
    let suspected = find(&cluster, &others, &begun, &[&name, "is suspected: nothing heard of it for"]);
    let fenced = find(&cluster, &[leads_metadata], &begun, &[&name, "is fenced: nothing heard of it for"]);
    let leads = find(&cluster, &others, &begun, &["this node leads", &in_place]);
    // Whoever leads the metadata tells of it when the others may have done what it says.
    assert!(
        lost < suspected && suspected < fenced && suspected < leads,
        "{lost:?} {suspected:?} {fenced:?} {leads:?}"
    );
    cluster.restart(killed);
    let unfenced = find(&cluster, &[leads_metadata], &begun, &[&name, "is unfenced"]);
    let in_sync = find(&cluster, &others, &begun, &[&name, "has come in sync in"]);
    assert!(leads < unfenced && unfenced < in_sync, "{leads:?} {unfenced:?} {in_sync:?}");
    wait_for("all to be in sync", || {
        let partitions = partitions(&cluster, leads_metadata, "orders");
        partitions.iter().all(|partition| partition.isr_nodes.len() == 3).then_some(())
    });
    let told = story(&cluster, &others, &begun);
    told.iter().for_each(|line| eprintln!("{} node-{} {}", line.at, line.node, line.said));
    for (what, at_most) in
        [("is suspected", 2), ("is fenced", 1), (&in_place, 2), ("is unfenced", 1), ("has come in sync", 6)]
    {
        let times = told.iter().filter(|line| line.said.contains(what) && line.said.contains(&name)).count();
        assert!((1..=at_most).contains(&times), "{times} times {what:?}: {told:#?}");
    }
    let rest = told.iter().filter(|line| !line.said.contains("connect")).count();
    assert!(rest < PARTITIONS + 10, "a line for each partition: {told:#?}");
}
