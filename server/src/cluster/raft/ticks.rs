//! raft's clock, and a look at how the member stands.

use concurrency_models::mailbox::Sender;
use concurrency_models::raft_loop::{Event, Leadership};

use super::{Node, node_id};
use crate::clock::Clock;
use crate::limits;
use crate::telemetry::{Metrics, Pulse};

/// The task that ticks.
pub(super) struct Ticks {
    pub(super) events: Sender<Event>,
    pub(super) node: Node,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
}

impl Ticks {
    /// Ticks until the loop has ended.
    pub(super) async fn run(self, pulse: Pulse) {
        let mut known = Leadership::default();
        loop {
            pulse.idle();
            self.clock.sleep(limits::RAFT_TICK).await;
            pulse.beat();
            if self.events.send(Event::Tick).await.is_err() {
                return;
            }
            known = self.look(known);
        }
    }

    /// Notes how the member stands; tells of a change of leader.
    fn look(&self, known: Leadership) -> Leadership {
        let status = self.node.status();
        let leadership = status.leadership;
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.metrics.raft_term.set(gauge(leadership.term));
        self.metrics.raft_is_leader.set(leadership.is_leader.into());
        self.metrics.raft_leader.set(node_id(leadership.leader_id).map_or(-1, i64::from));
        self.metrics.raft_commit_index.set(gauge(status.committed));
        self.metrics.raft_applied_index.set(gauge(status.applied));
        if leadership != known {
            match node_id(leadership.leader_id) {
                Some(leader) => tracing::info!(term = leadership.term, leader, "the metadata has a leader"),
                None => tracing::warn!(term = leadership.term, "the metadata has no leader"),
            }
        }
        leadership
    }
}
