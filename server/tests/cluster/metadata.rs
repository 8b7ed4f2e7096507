//! The metadata: what was acknowledged by one node is what all of them show.

use crate::support::cluster::Cluster;
use crate::support::wait_for;

/// Creates a topic by way of a node. While another node takes over, nobody may know what became of a request: then it is made again, and may find its own effect.
pub(crate) fn create(cluster: &Cluster, node: i32, topic: &str) {
    let mut unsure = false;
    wait_for(&format!("node {node} to create {topic}"), || {
        let created = cluster.command(node, &["topics", "create", topic]);
        let said = String::from_utf8_lossy(&created.stderr).into_owned();
        let done = created.status.success() || (unsure && said.contains("already exists"));
        assert!(done || said.contains("REQUEST_TIMED_OUT"), "node {node} did not create {topic}: {said}");
        unsure = !done;
        done.then_some(())
    });
}

/// The node that leads the metadata, as `node` sees it.
pub(crate) fn controller(cluster: &Cluster, node: i32) -> i32 {
    wait_for(&format!("node {node} to know who leads"), || {
        let page = cluster.http(node, "/api/v1/node");
        let number = page.split("\"controller_id\":").nth(1)?.split(',').next()?;
        number.parse().ok().filter(|id| *id > 0)
    })
}

/// Waits until a node lists exactly these topics.
pub(crate) fn assert_lists(cluster: &Cluster, node: i32, topics: &[&str]) {
    let expected: String = topics.iter().map(|topic| format!("{topic}\n")).collect();
    wait_for(&format!("node {node} to list {topics:?}"), || {
        let listed = cluster.command(node, &["topics", "list"]);
        (listed.status.success() && listed.stdout == expected.as_bytes()).then_some(())
    });
}

#[test]
fn a_topic_that_one_node_has_made_is_listed_by_all() {
    let cluster = Cluster::start(3);
    create(&cluster, 1, "orders");
    for node in cluster.ids() {
        assert_lists(&cluster, node, &["orders"]);
    }
    let node = cluster.http(3, "/api/v1/node");
    assert!(node.contains("\"brokers\":3"), "{node}");
}

#[test]
fn two_nodes_of_three_go_on_and_the_third_catches_up() {
    let mut cluster = Cluster::start(3);
    create(&cluster, 1, "before");
    for down in cluster.ids() {
        cluster.kill(down);
        let up = if down == 1 { 2 } else { 1 };
        create(&cluster, up, &format!("while-{down}-is-down"));
        cluster.restart(down);
        create(&cluster, down, &format!("with-{down}-again"));
    }
    let all = [
        "before",
        "while-1-is-down",
        "while-2-is-down",
        "while-3-is-down",
        "with-1-again",
        "with-2-again",
        "with-3-again",
    ];
    for node in cluster.ids() {
        assert_lists(&cluster, node, &all);
    }
}

#[test]
fn a_node_that_stood_still_goes_on_where_the_others_are() {
    let mut cluster = Cluster::start(3);
    let leader = controller(&cluster, 1);
    let others: Vec<i32> = cluster.ids().into_iter().filter(|id| *id != leader).collect();
    for (still, topics) in [(others[0], vec!["first"]), (leader, vec!["first", "second"])] {
        cluster.stop(still);
        create(&cluster, others[1], topics[topics.len() - 1]);
        cluster.cont(still);
        for node in cluster.ids() {
            assert_lists(&cluster, node, &topics);
        }
    }
}

#[test]
fn all_nodes_killed_at_once_lose_nothing_that_was_acknowledged() {
    let mut cluster = Cluster::start(3);
    create(&cluster, 2, "orders");
    cluster.ids().into_iter().for_each(|id| cluster.kill(id));
    cluster.ids().into_iter().for_each(|id| cluster.spawn(id));
    for node in cluster.ids() {
        cluster.wait_until_ready(node);
        assert_lists(&cluster, node, &["orders"]);
    }
    for node in cluster.ids() {
        assert_eq!(cluster.terminate(node).code(), Some(0), "node {node}");
    }
}
