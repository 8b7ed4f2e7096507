//! What is common to the tests of the fold.

mod bounds;
mod brokers;
mod elections;
mod in_sync;
mod nodes;
mod properties;
mod reassignments;
mod topics;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::command::{Endpoint, PartitionChange};
use super::super::example::registration as register;
use super::*;

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn create(name: &str, id: u128, assignment: &[&[i32]]) -> Command {
    let assignment = assignment.iter().map(|replicas| replicas.to_vec()).collect();
    Command::CreateTopic { name: name.into(), id: uuid(id), assignment, configs: BTreeMap::new() }
}

impl ClusterState {
    /// Brokers that are registered and unfenced.
    fn with_brokers(ids: &[i32]) -> Self {
        let mut state = Self::default();
        for id in ids {
            state.restart(*id);
            state.unfence_now(*id);
        }
        state
    }

    /// One topic with one partition beside the brokers.
    fn with_partition(replicas: &[i32]) -> Self {
        let mut state = Self::with_brokers(&[1, 2, 3]);
        state.apply(&create("a", 10, &[replicas])).unwrap();
        state
    }

    fn restart(&mut self, node_id: i32) {
        self.apply(&register(node_id)).unwrap();
    }

    fn fence_now(&mut self, node_id: i32) -> Applied {
        let broker_epoch = self.brokers[&node_id].broker_epoch;
        self.apply(&Command::FenceBroker { node_id, broker_epoch }).unwrap()
    }

    fn unfence_now(&mut self, node_id: i32) -> Applied {
        let broker_epoch = self.brokers[&node_id].broker_epoch;
        self.apply(&Command::UnfenceBroker { node_id, broker_epoch }).unwrap()
    }

    /// Proposes, as the leader does, that these are in sync with the only partition of the topic.
    fn propose_in_sync(&mut self, in_sync: &[i32]) -> bool {
        let partition = self.only().clone();
        let node_id = partition.leader.unwrap();
        let change = self.change(&partition, in_sync);
        let applied = self.alter(node_id, change).unwrap();
        applied == Applied::PartitionsAltered { refused: vec![] }
    }

    fn change(&self, partition: &Partition, in_sync: &[i32]) -> PartitionChange {
        PartitionChange {
            topic_id: uuid(10),
            partition: 0,
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            in_sync: in_sync.iter().map(|id| (*id, self.epoch_of(*id))).collect(),
        }
    }

    fn alter(&mut self, node_id: i32, change: PartitionChange) -> Result<Applied, Refusal> {
        let broker_epoch = self.epoch_of(node_id);
        self.apply(&Command::AlterPartitions { node_id, broker_epoch, changes: vec![change] })
    }

    fn epoch_of(&self, node_id: i32) -> i64 {
        self.brokers.get(&node_id).map_or(-1, |broker| broker.broker_epoch)
    }

    fn only(&self) -> &Partition {
        &self.topic("a").unwrap().partitions[0]
    }

    /// Leader, leader epoch, partition epoch, in-sync set.
    fn look(&self) -> (Option<i32>, i32, i32, &[i32]) {
        let Partition { leader, leader_epoch, partition_epoch, in_sync_replicas, .. } = self.only();
        (*leader, *leader_epoch, *partition_epoch, in_sync_replicas)
    }

    /// The only topic allows unclean elections from now on.
    fn allow_unclean(&mut self) {
        let configs = BTreeMap::from([("unclean.leader.election.enable".to_owned(), "true".to_owned())]);
        let (resource, replaces) = (super::super::ConfigResource::Topic(uuid(10)), BTreeMap::new());
        self.apply(&Command::AlterConfigs { resource, replaces, configs }).unwrap();
    }
}
