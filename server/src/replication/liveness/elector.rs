//! How an election is asked for.

use std::time::Duration;

use chronik_log::PartitionId;
use concurrency_models::election_worker::{MetadataLeader, Verdict};
use concurrency_models::heartbeat_map::{Heartbeat, Suspect};

use super::millis;
use crate::clock::Clock;
use crate::cluster::{Controller, ElectAnswer};
use crate::limits;
use crate::telemetry::Metrics;

/// Asks whoever leads the metadata.
#[derive(Clone)]
pub struct Elector {
    controller: Controller,
    clock: Clock,
    metrics: Metrics,
}

impl Elector {
    /// Asks by `controller`.
    pub fn new(controller: Controller, clock: Clock, metrics: Metrics) -> Self {
        Self { controller, clock, metrics }
    }
}

impl MetadataLeader<PartitionId> for Elector {
    async fn elect(&self, suspect: Suspect<PartitionId>) -> Verdict {
        let asked = self.clock.uptime();
        let verdict = self.ask(suspect, asked + limits::ELECT_PATIENCE).await;
        self.metrics.leader_election_duration.observe((self.clock.uptime() - asked).as_secs_f64());
        verdict
    }
}

impl Elector {
    /// Asks whoever leads the metadata, until `deadline` again and again.
    async fn ask(&self, suspect: Suspect<PartitionId>, deadline: Duration) -> Verdict {
        self.metrics.suspicion("asked");
        loop {
            let answer = self.controller.elect(suspect.partition, suspect.last.leader_epoch).await;
            match answer {
                ElectAnswer::Led { leader_epoch, leader } => {
                    tracing::debug!(partition = %suspect.partition, leader_epoch, leader, "a silent leader is replaced");
                    self.metrics.suspicion("led");
                    let at_ms = millis(self.clock.uptime());
                    return Verdict::Led(Heartbeat { leader_epoch, at_ms });
                }
                ElectAnswer::NotController if self.clock.uptime() < deadline => {
                    self.clock.sleep(limits::ELECT_RETRY).await;
                }
                ElectAnswer::NotController => {
                    self.metrics.suspicion("unanswered");
                    return Verdict::Refused;
                }
                ElectAnswer::Refused | ElectAnswer::Unknown => {
                    self.metrics.suspicion("refused");
                    return Verdict::Refused;
                }
            }
        }
    }
}
