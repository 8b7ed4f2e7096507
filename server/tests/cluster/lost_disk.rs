//! A node whose disk is lost gets an empty one, in the order of `server/deploy/README.md`, and the others fill it.

use crate::metadata::{assert_lists, controller, create};
use crate::support::cluster::Cluster;
use crate::support::wait_for;

/// Lines of each produce.
const LINES: usize = 100;

/// Appends lines, as soon as the partition has a leader that has enough replicas.
fn produce(cluster: &Cluster, node: i32, topic: &str) {
    let lines: String = (0..LINES).map(|line| format!("{line}\n")).collect();
    let produced = cluster.command_with_input(node, &["produce", topic, "--acks", "all"], &lines);
    assert!(produced.status.success(), "{}", String::from_utf8_lossy(&produced.stderr));
}

/// Waits until every replica of every partition is in sync.
fn wait_until_replicated(cluster: &Cluster) {
    for node in cluster.ids() {
        wait_for(&format!("the partitions of node {node} to be replicated"), || {
            let all = "\nkafka_server_replicamanager_underreplicatedpartitions 0\n";
            cluster.http(node, "/metrics").contains(all).then_some(())
        });
    }
}

#[test]
fn a_node_that_has_lost_its_disk_is_filled_by_the_others() {
    let mut cluster = Cluster::start(3);
    let kept = ["topics", "create", "kept", "--replication-factor", "3", "--config", "min.insync.replicas=2"];
    assert!(cluster.command(1, &kept).status.success());
    for lost in cluster.ids() {
        produce(&cluster, lost, "kept");
        wait_until_replicated(&cluster);
        cluster.kill(lost);
        cluster.erase(lost);
        let up = if lost == 1 { 2 } else { 1 };
        let leader =
            wait_for("another node to lead", || Some(controller(&cluster, up)).filter(|id| *id != lost));
        assert_eq!(cluster.terminate(leader).code(), Some(0));
        cluster.restart(leader);
        create(&cluster, up, &format!("lost-{lost}"));
        cluster.restart(lost);
        wait_until_replicated(&cluster);
    }
    for node in cluster.ids() {
        assert_lists(&cluster, node, &["kept", "lost-1", "lost-2", "lost-3"]);
        let read = cluster.command(node, &["consume", "kept", "--exit-at-end"]);
        let lines = String::from_utf8_lossy(&read.stdout).lines().count();
        assert_eq!(lines, 3 * LINES, "by way of node {node}: {}", String::from_utf8_lossy(&read.stderr));
    }
}
