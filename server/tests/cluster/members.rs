//! Nodes join a cluster, and leave it.

use crate::metadata::{assert_lists, controller, create};
use crate::support::cluster::Cluster;
use crate::support::wait_for;

/// A topic on three nodes, of which two must have a record.
pub(crate) mod replicated {
    use super::{Cluster, wait_for};

    /// Lines of each produce.
    pub(crate) const LINES: usize = 100;
    const TOPIC: &str = "kept";

    pub(crate) fn create(cluster: &Cluster, node: i32) {
        let words =
            ["topics", "create", TOPIC, "--replication-factor", "3", "--config", "min.insync.replicas=2"];
        let created = cluster.command(node, &words);
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    }

    /// Appends lines, as soon as the partition has a leader that has enough replicas.
    pub(crate) fn produce(cluster: &Cluster, node: i32) {
        let lines: String = (0..LINES).map(|line| format!("{line}\n")).collect();
        let produced = cluster.command_with_input(node, &["produce", TOPIC, "--acks", "all"], &lines);
        assert!(produced.status.success(), "{}", String::from_utf8_lossy(&produced.stderr));
    }

    /// Waits until every replica of every partition is in sync.
    pub(crate) fn wait(cluster: &Cluster) {
        for node in cluster.ids() {
            wait_for(&format!("the partitions of node {node} to be replicated"), || {
                let all = "\nkafka_server_replicamanager_underreplicatedpartitions 0\n";
                cluster.http(node, "/metrics").contains(all).then_some(())
            });
        }
    }

    pub(crate) fn assert_read(cluster: &Cluster, node: i32, lines: usize) {
        let read = cluster.command(node, &["consume", TOPIC, "--exit-at-end"]);
        let found = String::from_utf8_lossy(&read.stdout).lines().count();
        assert_eq!(found, lines, "by way of node {node}: {}", String::from_utf8_lossy(&read.stderr));
    }
}

/// Takes a node out by way of another one.
pub(crate) fn remove(cluster: &Cluster, by_way_of: i32, words: &[&str]) {
    let removed = cluster.command(by_way_of, &[&["cluster", "remove-node"], words, &["--execute"]].concat());
    let said = String::from_utf8_lossy(&removed.stderr);
    assert!(removed.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&removed.stdout));
}

/// Waits until these nodes vote on the metadata, as `node` says, and no others.
pub(crate) fn votes(cluster: &Cluster, node: i32, ids: &[i32]) {
    let mut last = String::new();
    wait_for(&format!("{ids:?} to vote"), || {
        let status = cluster.command(node, &["cluster", "status"]);
        last = String::from_utf8_lossy(&status.stdout).into_owned();
        let voters = last.lines().filter(|line| line.contains(" votes ") || line.contains(" leads "));
        let ids_of = voters.filter_map(|line| line.split_whitespace().next()?.parse::<i32>().ok());
        (ids_of.collect::<Vec<_>>() == ids).then_some(())
    });
}

#[test]
fn nodes_join_and_leave_until_none_is_left_that_was_there_in_the_beginning() {
    let mut cluster = Cluster::start(3);
    replicated::create(&cluster, 1);
    replicated::produce(&cluster, 2);
    for newcomer in 4..=6 {
        cluster.add(newcomer);
        cluster.restart(newcomer);
        votes(&cluster, newcomer, &cluster.ids());
        // Who leads the metadata goes, if it is one of the old ones.
        let leads = controller(&cluster, newcomer);
        let old = cluster.ids()[0];
        let goes = if leads <= 3 { leads } else { old };
        remove(&cluster, newcomer, &[&goes.to_string(), "--replace-with", &newcomer.to_string()]);
        wait_for(&format!("node {goes} to end"), || cluster.ended(goes).then_some(()));
        assert!(cluster.log(goes).contains("was removed from its cluster"), "{}", cluster.log(goes));
        cluster.forget(goes);
        votes(&cluster, newcomer, &cluster.ids());
        replicated::wait(&cluster);
        replicated::assert_read(&cluster, newcomer, replicated::LINES);
    }
    // They know each other from what they have on their disks.
    for id in cluster.ids() {
        cluster.kill(id);
    }
    cluster.ids().into_iter().for_each(|id| cluster.spawn(id));
    cluster.ids().into_iter().for_each(|id| cluster.wait_until_ready(id));
    replicated::wait(&cluster); // a leader of which nobody is in sync takes nothing for all
    replicated::produce(&cluster, 5);
    replicated::wait(&cluster);
    cluster.ids().into_iter().for_each(|id| replicated::assert_read(&cluster, id, 2 * replicated::LINES));
}

#[test]
fn one_node_becomes_three_and_the_first_one_leaves() {
    let mut cluster = Cluster::start(1);
    create(&cluster, 1, "orders");
    for newcomer in [2, 3] {
        cluster.add(newcomer);
        cluster.restart(newcomer);
        votes(&cluster, 1, &cluster.ids());
    }
    remove(&cluster, 3, &["3"]);
    wait_for("node 3 to end", || cluster.ended(3).then_some(()));
    cluster.forget(3);
    // Of two, the one that leads.
    remove(&cluster, 2, &["1"]);
    wait_for("node 1 to end", || cluster.ended(1).then_some(()));
    cluster.forget(1);
    votes(&cluster, 2, &[2]);
    create(&cluster, 2, "more");
    assert_lists(&cluster, 2, &["more", "orders"]);
    let last = cluster.command(2, &["cluster", "remove-node", "2", "--execute"]);
    assert!(!last.status.success(), "a cluster has one node at least");
}

#[test]
fn an_id_that_somebody_has_or_had_is_refused() {
    let mut cluster = Cluster::start(2);
    cluster.add(3);
    cluster.restart(3);
    votes(&cluster, 1, &[1, 2, 3]);
    assert_eq!(cluster.terminate(3).code(), Some(0));
    cluster.erase(3);
    for (expected, goes) in
        [("known with the data directory", true), ("was removed from this cluster", false)]
    {
        cluster.spawn(3);
        wait_for("node 3 to be refused", || cluster.ended(3).then_some(()));
        let said = cluster.log(3);
        assert!(said.contains("could not join its cluster") && said.contains(expected), "{said}");
        if goes {
            remove(&cluster, 1, &["3"]);
        }
    }
}
