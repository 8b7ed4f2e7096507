//! Whether the leaders of the partitions that this node follows are there.
//!
//! ```text
//! every 100 ms, one small frame to each node: broker epoch, version of the metadata whose roles are taken up
//!   │
//!   ▼
//! Liveness::heard ─► HeartbeatMap: of each partition that this node follows from there, and of which the sender knows that it leads it
//!                       │ every 100 ms
//!                       ▼
//!               TimeoutMonitor ─► elections to ask for ─► ElectionWorkers ─► whoever leads the metadata (cluster::fencing)
//! ```
//!
//! An idle partition costs no byte. A timeout is a suspicion, not a verdict: the leader of the metadata decides, by the suspect's lease; so a suspicion that comes of an
//! image that is behind does no harm.

mod elector;
mod followed;
mod frame;
mod silent;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chronik_log::PartitionId;
use concurrency_models::election_worker::{ElectionWorker, MetadataLeader};
use concurrency_models::heartbeat_map::{Heartbeat, HeartbeatMap};
use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, Sender};
use concurrency_models::timeout_monitor::{Event, TimeoutMonitor};

use crate::clock::Clock;
use crate::cluster::ClusterState;
use crate::limits;
use crate::shutdown::Shutdown;
use crate::spawn::Spawner;
use crate::telemetry::{LoopLabels, Metrics, Pulse};
pub use elector::Elector;
use followed::Followed;
use frame::NodeHeartbeat;
use silent::{News, Silent};

/// What it is made of.
pub struct Parts<M, S, P> {
    /// `node.id`
    pub node_id: i32,
    /// Who is asked for other leaders.
    pub metadata: M,
    /// Sends a heartbeat to a node; it does not wait. One that is lost is none.
    pub send: S,
    /// What time it is.
    pub clock: Clock,
    /// Starts its tasks.
    pub spawner: Spawner,
    /// How it stands, for operators.
    pub metrics: Metrics,
    /// Ends it.
    pub shutdown: Shutdown,
    /// A sign of life for a loop of this name.
    pub pulse: P,
}

/// Follows leaders, and shows that this node is there. Clones are the same.
#[derive(Clone)]
pub struct Liveness(Arc<Inner>);

struct Inner {
    node_id: i32,
    clock: Clock,
    heartbeats: Arc<HeartbeatMap<PartitionId>>,
    /// Changed by whoever publishes metadata, read by connections and by the clock.
    followed: Image<Followed>,
}

impl Liveness {
    /// Starts its tasks. It follows nothing yet.
    pub fn start<M, S, P>(parts: Parts<M, S, P>) -> Self
    where
        M: MetadataLeader<PartitionId> + Clone + 'static,
        S: Fn(i32, Bytes) + Send + 'static,
        P: Fn(&str) -> Pulse,
    {
        let Parts { node_id, metadata, send, clock, spawner, metrics, shutdown, pulse } = parts;
        let heartbeats = Arc::new(HeartbeatMap::new(limits::MAX_QUEUED_ELECTIONS));
        let (ticks, inbox) = mailbox::channel(limits::MAX_MONITOR_EVENTS);
        let monitor = TimeoutMonitor::new(inbox, heartbeats.clone(), millis(limits::LEADER_TIMEOUT));
        let timed = |name: &str| turns_of(&metrics, name);
        let _ends_with_the_clock =
            spawner.task(pulse("timeout-monitor").turns(monitor.run(), timed("timeout-monitor")));
        for number in 1..=limits::ELECTION_WORKERS {
            let worker = ElectionWorker::new(heartbeats.clone(), metadata.clone());
            let of_worker = pulse(&format!("election-worker-{number}"));
            let _ends_with_the_monitor =
                spawner.task(of_worker.turns(worker.run(), timed("election-worker")));
        }
        let followed = Image::new(Followed::default());
        let this = Self(Arc::new(Inner { node_id, clock, heartbeats, followed }));
        let _ends_by_shutdown =
            spawner.task(this.clone().run(ticks, send, metrics, shutdown, pulse("liveness")));
        this
    }

    /// This node has taken up its roles in `next`. Of the partitions `concerned` it follows those that it has a replica of and another node leads; what it follows of
    /// others stays as it was.
    pub fn publish(&self, next: &ClusterState, concerned: impl Iterator<Item = PartitionId>) {
        let Inner { node_id, clock, heartbeats, followed } = &*self.0;
        let at_ms = millis(clock.uptime());
        let (mut follow, mut unfollow) = (Vec::new(), Vec::new());
        followed.update(|known| {
            let mut followed = known.clone();
            for id in concerned {
                match leader_of(next, id, *node_id) {
                    Some((leader, leader_epoch))
                        if followed.follow(id, leader, leader_epoch, next.version, at_ms) =>
                    {
                        follow.push((id, Heartbeat { leader_epoch, at_ms }));
                    }
                    Some(_) => {}
                    None if followed.unfollow(&id) => unfollow.push(id),
                    None => {}
                }
            }
            followed.learn(next);
            followed
        });
        follow.into_iter().for_each(|(id, leader)| heartbeats.follow(id, leader));
        unfollow.iter().for_each(|id| heartbeats.unfollow(id));
    }

    /// Whether the node has the partition watched, or an election is under way for it.
    pub fn is_followed(&self, id: &PartitionId) -> bool {
        self.0.heartbeats.is_followed(id)
    }

    /// Shows that this node is there and looks who else is, until shutdown.
    async fn run(
        self,
        ticks: Sender<Event>,
        send: impl Fn(i32, Bytes) + Send,
        metrics: Metrics,
        shutdown: Shutdown,
        pulse: Pulse,
    ) {
        let mut silent = Silent::default();
        loop {
            pulse.idle();
            tokio::select! {
                biased;
                () = shutdown.requested() => break,
                () = self.0.clock.sleep(limits::NODE_HEARTBEAT_INTERVAL) => {}
            }
            pulse.beat();
            let (followed, now_ms) = (self.0.followed.load(), millis(self.0.clock.uptime()));
            if let Some(heartbeat) = followed.heartbeat_of(self.0.node_id) {
                let bytes = heartbeat.encode();
                followed.others(self.0.node_id).for_each(|node| send(node, bytes.clone()));
            }
            metrics.leader_heartbeat_age.set(followed.oldest_ms(now_ms));
            silent
                .look(&followed.leaders(now_ms), millis(limits::LEADER_TIMEOUT))
                .iter()
                .for_each(News::tell);
            // A monitor that is behind has a tick already.
            let _full = ticks.try_send(Event::Tick { now_ms });
        }
        let _ended = ticks.send(Event::Stop).await;
    }
}

impl Liveness {
    /// A heartbeat came from a node. It does not wait.
    pub fn heard(&self, from: i32, bytes: &[u8]) {
        let Some(heartbeat) = NodeHeartbeat::decode(bytes) else {
            tracing::warn!(from, "a heartbeat that makes no sense was ignored");
            return;
        };
        let (followed, at_ms) = (self.0.followed.load(), millis(self.0.clock.uptime()));
        for (id, leader_epoch) in followed.shown_by(from, heartbeat, at_ms) {
            self.0.heartbeats.heartbeat(&id, Heartbeat { leader_epoch, at_ms });
        }
    }
}

/// Counts the turns of a loop under its name, workers under one.
fn turns_of(metrics: &Metrics, name: &str) -> impl FnMut(Duration, Duration) + Send + use<> {
    let durations = metrics.loop_turn_duration.get_or_create_owned(&LoopLabels { name: name.to_owned() });
    move |_, took| durations.observe(took.as_secs_f64())
}

/// Which other node leads a partition that this one has a replica of, and in which epoch.
fn leader_of(state: &ClusterState, id: PartitionId, node_id: i32) -> Option<(i32, i32)> {
    let partition = state.topic_by_id(&id.topic_id)?.partition(id.partition)?;
    let leader = partition.leader.filter(|leader| *leader != node_id)?;
    partition.replicas.contains(&node_id).then_some((leader, partition.leader_epoch))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
