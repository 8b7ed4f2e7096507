//! Who leads: shown, and given back to whom it should be.

use crate::metadata::{controller, create};
use crate::support::cluster::Cluster;
use crate::support::wait_for;

fn status(cluster: &Cluster, node: i32) -> String {
    let shown = cluster.command(node, &["cluster", "status"]);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    String::from_utf8(shown.stdout).expect("text")
}

/// The leaders of a topic's partitions, as `topics describe` has them.
fn leaders(cluster: &Cluster, node: i32, topic: &str) -> Vec<String> {
    let shown = cluster.command(node, &["topics", "describe", topic]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let columns = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = columns.filter(|columns| columns.first().is_some_and(|first| first.parse::<i32>().is_ok()));
    rows.map(|columns| columns[1].to_owned()).collect()
}

#[test]
fn every_node_shows_the_same_status_and_a_node_that_is_down_is_fenced() {
    let mut cluster = Cluster::start(3);
    create(&cluster, 1, "orders");
    let leader = controller(&cluster, 1);
    for node in cluster.ids() {
        let shown = status(&cluster, node);
        assert!(shown.contains(&format!("node {leader} leads the metadata")), "{shown}");
        assert!(shown.contains("1 topic, 1 partition: 0 without a leader, 0 under-replicated"), "{shown}");
        assert_eq!(shown.matches(" up ").count(), 3, "{shown}");
    }
    let down = if leader == 1 { 2 } else { 1 };
    let refused = cluster.command(leader, &["cluster", "unregister", &down.to_string()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("stop it first"), "{said}");
    cluster.kill(down);
    wait_for("the node to be fenced", || status(&cluster, leader).contains(" fenced ").then_some(()));
}

#[test]
fn leaders_come_back_to_a_node_that_was_away_when_they_are_asked_to_and_by_themselves() {
    for by_itself in [false, true] {
        let enabled = format!("auto.leader.rebalance.enable={by_itself}");
        let settings =
            [&enabled, "leader.imbalance.check.interval.seconds=1", "default.replication.factor=3"];
        let mut cluster = Cluster::with(3, &settings);
        let made = cluster.command(1, &["topics", "create", "orders", "-p", "3"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let before = leaders(&cluster, 1, "orders");
        assert_eq!(before.len(), 3);
        cluster.kill(3);
        wait_for("others to lead", || {
            (!leaders(&cluster, 1, "orders").contains(&"3".to_owned())).then_some(())
        });
        cluster.restart(3);
        wait_for("the leaders to come back", || {
            if !by_itself {
                let elected = cluster.command(2, &["cluster", "elect-leaders", "orders"]);
                let said = String::from_utf8_lossy(&elected.stdout).into_owned();
                assert!(
                    elected.status.success() || said.contains("PREFERRED_LEADER_NOT_AVAILABLE"),
                    "{said}"
                );
            }
            (leaders(&cluster, 1, "orders") == before).then_some(())
        });
    }
}
