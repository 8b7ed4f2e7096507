//! Who leads: shown, and given back to whom it should be.

use chronik_kafka::message::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponsePartition};

use crate::metadata::{controller, create};
use crate::support::cluster::Cluster;
use crate::support::wait_for;

fn status(cluster: &Cluster, node: i32) -> String {
    let shown = cluster.command(node, &["cluster", "status"]);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    String::from_utf8(shown.stdout).expect("text")
}

/// The partitions of a topic, by number, as a node knows them.
pub(crate) fn partitions(cluster: &Cluster, node: i32, topic: &str) -> Vec<MetadataResponsePartition> {
    let named = MetadataRequestTopic { name: Some(topic.into()), ..Default::default() };
    let request = MetadataRequest { topics: Some(vec![named]), ..Default::default() };
    let mut partitions = cluster.connect(node).ask(12, &request).topics.remove(0).partitions;
    partitions.sort_by_key(|partition| partition.partition_index);
    partitions
}

fn leaders(cluster: &Cluster, node: i32, topic: &str) -> Vec<i32> {
    partitions(cluster, node, topic).iter().map(|partition| partition.leader_id).collect()
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
        assert_eq!(shown.matches(" up  ").count(), 3, "{shown}");
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
        let before = wait_for("a leader on each node", || {
            let leaders = leaders(&cluster, 1, "orders");
            (1..=3).all(|node| leaders.contains(&node)).then_some(leaders)
        });
        cluster.kill(3);
        wait_for("others to lead", || (!leaders(&cluster, 1, "orders").contains(&3)).then_some(()));
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

/// Four nodes, so that there is one to move to. Everything that was acknowledged is read again afterwards.
#[test]
fn a_node_is_drained_while_records_come_in_and_can_be_taken_out() {
    let mut cluster = Cluster::with(4, &["default.replication.factor=3", "offsets.topic.num.partitions=1"]);
    let made = cluster.command(1, &["topics", "create", "orders", "-p", "4"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let produce = |cluster: &Cluster, lines: &str| {
        let produced = cluster.command_with_input(1, &["produce", "orders"], lines);
        assert!(produced.status.success(), "{}", String::from_utf8_lossy(&produced.stderr));
    };
    produce(&cluster, "a\nb\nc\nd\n");
    let planned = cluster.command(1, &["cluster", "drain", "4"]);
    assert!(String::from_utf8_lossy(&planned.stdout).contains("3 partitions to move"), "{planned:?}");
    assert!(partitions(&cluster, 1, "orders").iter().any(|p| p.replica_nodes.contains(&4)), "only planned");
    let drained = cluster.command(1, &["cluster", "drain", "4", "--execute"]);
    assert!(drained.status.success(), "{}", String::from_utf8_lossy(&drained.stderr));
    for partition in partitions(&cluster, 1, "orders") {
        assert!(partition.replica_nodes.len() == 3 && !partition.replica_nodes.contains(&4), "{partition:?}");
        assert!(partition.isr_nodes.len() == 3 && partition.leader_id != 4, "{partition:?}");
    }
    produce(&cluster, "e\nf\n");
    cluster.kill(4);
    wait_for("the node to be taken out", || {
        cluster.command(1, &["cluster", "unregister", "4"]).status.success().then_some(())
    });
    let read = cluster.command(2, &["consume", "orders", "--exit-at-end"]);
    let mut lines: Vec<String> = String::from_utf8_lossy(&read.stdout).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a", "b", "c", "d", "e", "f"]);
    cluster.restart(4);
    let spread = cluster.command(1, &["cluster", "rebalance", "--execute"]);
    assert!(spread.status.success(), "{}", String::from_utf8_lossy(&spread.stderr));
    assert!(partitions(&cluster, 1, "orders").iter().any(|p| p.replica_nodes.contains(&4)));
}

/// Five nodes, of which one comes to have no replicas: it is to take the place of one that dies.
#[test]
fn a_node_that_is_dead_is_replaced_by_the_one_that_is_named() {
    let mut cluster = Cluster::with(5, &["default.replication.factor=3", "offsets.topic.num.partitions=1"]);
    let made = cluster.command(1, &["topics", "create", "orders", "-p", "5"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let drained = cluster.command(1, &["cluster", "drain", "5", "--execute"]);
    assert!(drained.status.success(), "{}", String::from_utf8_lossy(&drained.stderr));
    let replicas = |cluster: &Cluster, node: i32| {
        let partitions = partitions(cluster, 1, "orders");
        partitions.iter().filter(|partition| partition.replica_nodes.contains(&node)).count()
    };
    let held = replicas(&cluster, 4);
    assert!(held > 0);
    cluster.kill(4);
    wait_for("the node to be fenced", || status(&cluster, 1).contains(" fenced ").then_some(()));
    wait_for("others to lead", || (!leaders(&cluster, 1, "orders").contains(&4)).then_some(()));
    let refused = cluster.command(1, &["cluster", "remove-node", "5", "--replace-with", "4"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("start it first"), "{said}");
    let planned = cluster.command(1, &["cluster", "remove-node", "4", "--replace-with", "5"]);
    let said = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert!(
        said.contains(&format!("{held} partition")) && said.contains("then node 4, which votes"),
        "{said}"
    );
    assert_eq!((replicas(&cluster, 4), replicas(&cluster, 5)), (held, 0), "only planned");
    let replaced = cluster.command(1, &["cluster", "remove-node", "4", "--replace-with", "5", "--execute"]);
    let said = String::from_utf8_lossy(&replaced.stdout).into_owned();
    assert!(replaced.status.success() && said.contains("all replicas have moved"), "{said}");
    assert_eq!((replicas(&cluster, 4), replicas(&cluster, 5)), (0, held));
}
