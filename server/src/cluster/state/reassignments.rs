//! Replicas move from broker to broker (KIP-455): the new ones are replicas beside the old ones until all that are to stay are in sync. Then the change of the
//! in-sync set that says so ends it, in the same step.

use std::collections::BTreeSet;

use super::super::command::{Applied, Reassigned, Reassignment};
use super::brokers::Electorate;
use super::{ClusterState, Partition};

impl ClusterState {
    pub(super) fn reassign(&mut self, partitions: &[Reassignment], may_change_factor: bool) -> Applied {
        let mut outcomes = Vec::with_capacity(partitions.len());
        for asked in partitions {
            let outcome = self.reassign_one(asked, may_change_factor);
            outcomes.push((asked.topic_id, asked.partition, outcome));
        }
        Applied::PartitionsReassigned { outcomes }
    }

    fn reassign_one(&mut self, asked: &Reassignment, may_change_factor: bool) -> Reassigned {
        let known = self.topic_by_id(&asked.topic_id).and_then(|topic| topic.partition(asked.partition));
        let Some(known) = known else { return Reassigned::UnknownPartition };
        match &asked.replicas {
            None => self.cancel(asked, known.is_reassigning()),
            Some(target) => match self.check_target(known, target, may_change_factor) {
                Err(refused) => refused,
                Ok(()) => {
                    let next = |electorate: &Electorate<'_>, partition: &Partition| {
                        partition.reassigned(target, electorate)
                    };
                    self.change_partition(asked.topic_id, asked.partition, next);
                    Reassigned::Accepted
                }
            },
        }
    }

    fn cancel(&mut self, asked: &Reassignment, is_under_way: bool) -> Reassigned {
        if !is_under_way {
            return Reassigned::NoneInProgress;
        }
        let next = |electorate: &Electorate<'_>, partition: &Partition| {
            partition.with_reassignment_cancelled(electorate)
        };
        match self.change_partition(asked.topic_id, asked.partition, next) {
            Some(true) => Reassigned::Accepted,
            _ => Reassigned::Invalid(
                "none of the replicas that the partition had is in sync: wait until one is".to_owned(),
            ),
        }
    }

    fn check_target(
        &self,
        known: &Partition,
        target: &[i32],
        may_change_factor: bool,
    ) -> Result<(), Reassigned> {
        let invalid = |message: String| Err(Reassigned::Invalid(message));
        let distinct: BTreeSet<i32> = target.iter().copied().collect();
        if target.is_empty() || distinct.len() != target.len() {
            return invalid(format!("{target:?}: a partition needs replicas, on different nodes"));
        }
        if let Some(unknown) = target.iter().find(|node_id| !self.brokers.contains_key(node_id)) {
            return invalid(format!("no node {unknown} is registered"));
        }
        let (present, asked) = (known.target_replicas().len(), target.len());
        if present != asked && !may_change_factor {
            return Err(Reassigned::OtherFactor { present, asked });
        }
        Ok(())
    }
}
