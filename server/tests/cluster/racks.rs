//! Consumers read from the replica in their own rack (KIP-392).

use chronik_kafka::ErrorCode;
use chronik_kafka::message::fetch::{FetchPartition, FetchRequest, FetchTopic, PartitionData};

use crate::leaders::partitions;
use crate::support::cluster::Cluster;
use crate::support::wait_for;

fn fetch(cluster: &Cluster, node: i32, rack: &str, offset: i64) -> PartitionData {
    let partition = FetchPartition {
        fetch_offset: offset,
        partition_max_bytes: 1 << 20,
        current_leader_epoch: -1,
        last_fetched_epoch: -1,
        ..Default::default()
    };
    let topic = FetchTopic { topic: "orders".into(), partitions: vec![partition], ..Default::default() };
    let request = FetchRequest {
        max_wait_ms: 200,
        min_bytes: 1,
        max_bytes: 1 << 20,
        rack_id: rack.into(),
        session_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    };
    cluster.connect(node).ask(12, &request).responses.remove(0).partitions.remove(0)
}

fn bytes(data: &PartitionData) -> usize {
    data.records.as_ref().map_or(0, chronik_kafka::Records::len)
}

#[test]
fn a_consumer_is_sent_to_the_replica_in_its_rack_which_serves_what_is_committed() {
    let selector = "replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector";
    let mut cluster = Cluster::not_started(3, &[selector, "default.replication.factor=3"]);
    for (node, rack) in [(1, "a"), (2, "b"), (3, "c")] {
        cluster.set(node, &format!("broker.rack={rack}"));
    }
    cluster.ids().into_iter().for_each(|id| cluster.spawn(id));
    cluster.ids().into_iter().for_each(|id| cluster.wait_until_ready(id));
    let made = cluster.command(1, &["topics", "create", "orders", "-p", "1"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let produced = cluster.command_with_input(1, &["produce", "orders"], "x\n");
    assert!(produced.status.success(), "{}", String::from_utf8_lossy(&produced.stderr));
    let leader = partitions(&cluster, 1, "orders")[0].leader_id;
    let follower = if leader == 3 { 1 } else { leader + 1 };
    let rack = |node: i32| ["a", "b", "c"][usize::try_from(node - 1).expect("a node")];

    let sent = fetch(&cluster, leader, rack(follower), 0);
    assert_eq!((sent.error_code, sent.preferred_read_replica, bytes(&sent)), (ErrorCode::NONE, follower, 0));
    let own = fetch(&cluster, leader, rack(leader), 0);
    assert!(own.preferred_read_replica == -1 && bytes(&own) > 0, "{own:?}");
    let elsewhere = fetch(&cluster, leader, "nowhere", 0);
    assert!(elsewhere.preferred_read_replica == -1 && bytes(&elsewhere) > 0, "{elsewhere:?}");

    wait_for("the follower to serve what is committed", || {
        let read = fetch(&cluster, follower, rack(follower), 0);
        assert_eq!((read.error_code, read.preferred_read_replica), (ErrorCode::NONE, -1));
        (bytes(&read) == bytes(&own) && read.high_watermark == 1).then_some(())
    });
    let beyond = fetch(&cluster, follower, rack(follower), 7);
    assert_eq!(
        beyond.error_code,
        ErrorCode::OFFSET_OUT_OF_RANGE,
        "as Kafka says, and clients ask the leader"
    );
    let unnamed = fetch(&cluster, follower, "", 0);
    assert_eq!(
        unnamed.error_code,
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        "without a rack, only the leader is meant"
    );
}
