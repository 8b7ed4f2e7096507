//! What probes are told: a node is ready while it can do what clients ask of it.

use crate::support::cluster::Cluster;
use crate::support::wait_for;

fn assert_becomes_ready(cluster: &Cluster, node: i32) {
    wait_for(&format!("node {node} to be ready"), || {
        cluster.http(node, "/health/ready").starts_with("HTTP/1.1 200").then_some(())
    });
}

fn assert_becomes_unready(cluster: &Cluster, node: i32, reason: &str) {
    wait_for(&format!("node {node} not to be ready: {reason}"), || {
        let page = cluster.http(node, "/health/ready");
        (page.starts_with("HTTP/1.1 503") && page.contains(reason)).then_some(())
    });
}

#[test]
fn a_node_that_waits_for_others_is_alive_and_not_ready() {
    let mut cluster = Cluster::not_started(3, &[]);
    cluster.spawn(1);
    wait_for("node 1 to start", || cluster.log(1).contains("a majority").then_some(()));
    assert_becomes_unready(&cluster, 1, "waits for a majority");
    assert!(cluster.http(1, "/health/live").starts_with("HTTP/1.1 200"));
    for page in ["/", "/metrics", "/api/v1/node", "/api/v1/brokers", "/api/v1/topics"] {
        assert!(cluster.http(1, page).starts_with("HTTP/1.1 200"), "{page}");
    }
    cluster.spawn(2);
    wait_for("node 2 to start", || cluster.log(2).contains("a majority").then_some(()));
    assert_becomes_unready(&cluster, 2, "waits for a majority");
    let waited = cluster.command(1, &["cluster", "init", "--timeout", "1"]);
    let why = String::from_utf8_lossy(&waited.stderr);
    assert!(!waited.status.success() && why.contains("has not begun within 1 s"), "{why}");
    cluster.spawn(3);
    let waited = cluster.command(1, &["cluster", "init"]);
    let said = String::from_utf8_lossy(&waited.stdout);
    assert!(waited.status.success() && said.contains("has begun: node 1 at"), "{waited:?}");
    cluster.ids().into_iter().for_each(|id| assert_becomes_ready(&cluster, id));
}

#[test]
fn a_node_whose_majority_is_gone_is_not_ready_until_it_is_back() {
    let mut cluster = Cluster::start(3);
    cluster.ids().into_iter().for_each(|id| assert_becomes_ready(&cluster, id));
    cluster.kill(1);
    cluster.stop(2);
    assert_becomes_unready(&cluster, 3, "nobody leads the metadata");
    assert!(cluster.http(3, "/health/live").starts_with("HTTP/1.1 200"));
    cluster.cont(2);
    assert_becomes_ready(&cluster, 3);
    cluster.restart(1);
    cluster.ids().into_iter().for_each(|id| assert_becomes_ready(&cluster, id));
}
