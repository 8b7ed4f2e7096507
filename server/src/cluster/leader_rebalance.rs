//! The task that gives leadership back to the preferred replicas (Kafka: `auto.leader.rebalance.enable`): after a node's restart it leads nothing, until this
//! or an operator has looked.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::command::{Applied, Command, Election, ElectionKind};
use super::controller::Controller;
use super::state::{ClusterState, Partition};
use crate::clock::Clock;
use crate::limits;
use crate::shutdown::Shutdown;
use crate::telemetry::Pulse;

/// Looks once in an interval, while this node leads the metadata.
pub struct LeaderRebalance {
    /// Reads and proposes.
    pub controller: Controller,
    /// What time it is.
    pub clock: Clock,
    /// Ends it.
    pub shutdown: Shutdown,
    /// `leader.imbalance.check.interval.seconds`
    pub interval: Duration,
    /// `leader.imbalance.per.broker.percentage`
    pub tolerated_percentage: usize,
}

impl LeaderRebalance {
    /// Runs until the node stops.
    pub async fn run(self, pulse: Pulse) {
        loop {
            pulse.idle();
            tokio::select! {
                biased;
                () = self.shutdown.requested() => return,
                () = self.clock.sleep(self.interval) => {}
            }
            if self.controller.leads_in_term().is_some() {
                self.look().await;
            }
        }
    }

    async fn look(&self) {
        let partitions = to_move(&self.controller.state(), self.tolerated_percentage);
        if partitions.is_empty() {
            return;
        }
        let elect = Command::ElectLeaders { kind: ElectionKind::Preferred, partitions: Some(partitions) };
        match self.controller.propose(elect).await {
            Ok(Applied::LeadersElected { elections, .. }) => {
                let moved = elections.iter().filter(|(.., election)| *election == Election::Elected).count();
                tracing::info!("{moved} partitions are led by their preferred replicas again");
            }
            Ok(other) => unreachable!("an election came to {other:?}"),
            Err(error) => {
                tracing::warn!(%error, "leadership could not be given back; it will be tried again");
            }
        }
    }
}

/// Partitions whose preferred replica may lead and does not, of brokers for which that is so of more than `tolerated_percentage` of what they should lead.
fn to_move(state: &ClusterState, tolerated_percentage: usize) -> Vec<(Uuid, i32)> {
    /// Of one broker.
    #[derive(Default)]
    struct Preference {
        partitions: usize,
        elsewhere: Vec<(Uuid, i32)>,
    }
    let mut of = BTreeMap::<i32, Preference>::new();
    for topic in state.topics() {
        for (index, partition) in topic.indexed() {
            let Some(preferred) = partition.preferred() else { continue };
            let preference = of.entry(preferred).or_default();
            preference.partitions += 1;
            if may_move(state, partition, preferred) {
                preference.elsewhere.push((topic.id, index));
            }
        }
    }
    let is_too_much = |preference: &Preference| {
        preference.elsewhere.len() * 100 > preference.partitions * tolerated_percentage
    };
    let moving = of.into_values().filter(is_too_much).flat_map(|preference| preference.elsewhere);
    moving.take(limits::MAX_LEADERS_REBALANCED).collect()
}

fn may_move(state: &ClusterState, partition: &Partition, preferred: i32) -> bool {
    partition.leader != Some(preferred)
        && partition.in_sync_replicas.contains(&preferred)
        && state.is_live(preferred)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::PartitionChange;
    use crate::cluster::example::cluster;

    /// Broker 1 has been away: it is unfenced again, and in sync with what is said.
    fn after_a_restart_of_1(back_in_sync: usize) -> ClusterState {
        let state = cluster(&[(None, false), (None, false)]);
        let mut state =
            state.with_topic("t", vec![vec![1, 2]; 4]).with_topic("u", vec![vec![2, 1]]).after_the_end_of(1);
        state.apply(&Command::UnfenceBroker { node_id: 1, broker_epoch: 1 }).unwrap();
        let topic = state.topic("t").unwrap().clone();
        let changes = topic.indexed().take(back_in_sync).map(|(partition, known)| PartitionChange {
            topic_id: topic.id,
            partition,
            leader_epoch: known.leader_epoch,
            partition_epoch: known.partition_epoch,
            in_sync: BTreeMap::from([(1, 1), (2, 1)]),
        });
        let changes = changes.collect();
        state.apply(&Command::AlterPartitions { node_id: 2, broker_epoch: 1, changes }).unwrap();
        state
    }

    #[test]
    fn what_the_preferred_replica_may_lead_goes_back_to_it() {
        for back_in_sync in 0..=4 {
            let mut state = after_a_restart_of_1(back_in_sync);
            let moving = to_move(&state, 0);
            assert_eq!(moving.len(), back_in_sync);
            let elect = Command::ElectLeaders { kind: ElectionKind::Preferred, partitions: Some(moving) };
            state.apply(&elect).unwrap();
            assert_eq!(to_move(&state, 0), [], "once is enough");
        }
    }

    #[test]
    fn a_little_imbalance_is_tolerated() {
        for (back_in_sync, tolerated_percentage, moving) in
            [(1, 10, 1), (1, 24, 1), (1, 25, 0), (3, 74, 3), (3, 75, 0), (4, 100, 0)]
        {
            let state = after_a_restart_of_1(back_in_sync);
            assert_eq!(
                to_move(&state, tolerated_percentage).len(),
                moving,
                "{back_in_sync} {tolerated_percentage}"
            );
        }
    }

    #[test]
    fn nothing_goes_to_a_broker_that_is_fenced() {
        let state = after_a_restart_of_1(4).after_the_end_of(1);
        assert_eq!(to_move(&state, 0), []);
    }
}
