use std::collections::BTreeMap;

use chronik_kafka::record_batch::BatchBuilder;
use chronik_log::TopicLogConfig;
use chronik_log::disk::SimDisk;
use concurrency_models::isr::{Appended, NotAppended, NotCommitted};

use super::*;
use crate::cluster::example::cluster;
use crate::cluster::{Command, PartitionChange, Reassignment};
use crate::replication;
use crate::storage;

const THIS_NODE: i32 = 1;
const TOPIC: &str = "orders";

/// This node's part in the one partition of a topic, with a log.
struct Replica {
    roles: Arc<Roles>,
    storage: Storage,
    id: PartitionId,
}

/// Four brokers, and a partition that the first three have, led by the first.
fn before() -> ClusterState {
    cluster(&[(None, false); 4]).with_topic(TOPIC, vec![vec![1, 2, 3]])
}

impl Replica {
    async fn new(state: &ClusterState) -> Self {
        let clock = Clock::starting_at(0);
        let storage = storage::example::running(THIS_NODE, &clock, SimDisk::new(1));
        let id = PartitionId { topic_id: state.topic(TOPIC).unwrap().id, partition: 0 };
        storage.create_partitions([id].into_iter(), &Arc::new(TopicLogConfig::default())).await.unwrap();
        let roles = replication::new(THIS_NODE, storage.clone(), clock);
        let replica = Self { roles, storage, id };
        replica.take_up(state).await;
        replica
    }

    async fn take_up(&self, state: &ClusterState) {
        self.roles.take_up(state, &[self.id]).await.unwrap();
    }

    /// Appends a record in a leader epoch; returns what to wait for.
    async fn append(&self, epoch: i32) -> Result<Appended<()>, NotAppended> {
        let mut batch = BatchBuilder::new();
        batch.record(0, None, Some(b"value"));
        let queue = || self.storage.append(self.id, batch.build(), epoch, 0).unwrap();
        let partition = self.storage.partition(&self.id).unwrap();
        let (place, appended) = partition.isr().append(epoch, 1, queue)?.split();
        storage::appended(place).await.unwrap();
        Ok(appended)
    }
}

/// The partition is given to brokers 2, 3 and 4, and the fourth is in sync.
fn moved_away(mut state: ClusterState) -> ClusterState {
    let topic_id = state.topic(TOPIC).unwrap().id;
    let reassignment = Reassignment { topic_id, partition: 0, replicas: Some(vec![2, 3, 4]) };
    let (partitions, allow_replication_factor_change) = (vec![reassignment], false);
    state.apply(&Command::ReassignPartitions { partitions, allow_replication_factor_change }).unwrap();
    let known = state.first_partition(TOPIC);
    let change = PartitionChange {
        topic_id,
        partition: 0,
        leader_epoch: known.leader_epoch,
        partition_epoch: known.partition_epoch,
        in_sync: (1..=4).map(|node| (node, 1)).collect::<BTreeMap<i32, i64>>(),
    };
    state.apply(&Command::AlterPartitions { node_id: 1, broker_epoch: 1, changes: vec![change] }).unwrap();
    assert_eq!(state.first_partition(TOPIC).replicas, [2, 3, 4]);
    state
}

/// An idempotent producer whose records are refused one way before the log is dropped and another way afterwards takes them for lost, and sends some twice.
#[tokio::test(start_paused = true)]
async fn a_leader_whose_replica_goes_is_deposed_before_its_log_is_dropped() {
    let state = before();
    let replica = Replica::new(&state).await;
    let led_in = state.first_partition(TOPIC).leader_epoch;
    let appended = replica.append(led_in).await.unwrap();
    let partition = replica.storage.partition(&replica.id).unwrap();
    assert_eq!(partition.isr().committed(&appended, 1).now_or_never(), None, "the others have not got it");

    let next = moved_away(state);
    replica.take_up(&next).await;
    let known = next.first_partition(TOPIC);
    let now = Leadership::follower(known.leader_epoch, known.leader.unwrap());
    let told = partition.isr().committed(&appended, 1).now_or_never();
    assert_eq!(told, Some(Err(NotCommitted::NotLeader(now))));
    assert_eq!(replica.append(led_in).await, Err(NotAppended::NotLeader(now)));
}
