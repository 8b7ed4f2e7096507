//! Consumer groups in the server: the coordinator of `chronik_group` over our log, clock and metadata.
//!
//! ```text
//! broker ─► GroupCoordinator ─► mailbox ─► chronik_group::Coordinator ─► StorageJournal ─► storage queue (one partition of __consumer_offsets)
//!                                 ▲                                            └─ what was queued ─► run_completions ─┐
//!                                 └────────────────────────── Appended, in order ◄─────────────────────────────────┘
//! metadata ─► Leadership ─► Opened, Leads, Resigned, TopicsDeleted
//!                  └─ newly led: Load ─► the log of the partition ─► Loaded
//! ```
//!
//! `__consumer_offsets` is created when somebody first needs it. The leader of a partition of it is the coordinator of the groups in there.

mod clock;
mod journal;
mod leadership;
mod load;
mod member_ids;
mod replay;
mod topic;
mod watch;

use std::sync::Arc;

use chronik_group::coordinator::{Message, channel};
use chronik_group::state::Request;
use chronik_group::{Ask, Coordinator, GroupConfig, Groups, Reply};
use chronik_kafka::{ErrorCode, Str};
use concurrency_models::watermark::Watermark;

use crate::clock::Clock;
use crate::cluster::{Controller, NodeSettings};
use crate::rng::Rng;
use crate::spawn::Spawner;
use crate::storage::Storage;
use crate::telemetry::{Metrics, Pulse};

pub use topic::{InternalTopic, OFFSETS_TOPIC, TopicError, partition_of};

/// What the coordinator is made of.
pub struct Parts {
    /// `node.id`
    pub node_id: i32,
    /// Has the partitions of `__consumer_offsets`.
    pub storage: Storage,
    /// Knows them, and creates them.
    pub controller: Controller,
    /// How many replicas must be in sync.
    pub settings: NodeSettings,
    /// What time it is.
    pub clock: Clock,
    /// Where the coordinator and its helpers run.
    pub spawner: Spawner,
    /// Makes member ids.
    pub rng: Rng,
    /// What is counted.
    pub metrics: Metrics,
    /// The settings of groups.
    pub config: GroupConfig,
    /// The settings of `__consumer_offsets`.
    pub topic: InternalTopic,
}

/// Where groups are asked. Clones ask the same coordinator.
#[derive(Clone)]
pub struct GroupCoordinator {
    groups: Groups,
    controller: Controller,
    topic: InternalTopic,
    /// Version of the metadata that the coordinator knows.
    followed: Arc<Watermark>,
}

/// Starts the coordinator. When this returns it knows what it leads, and loads it.
pub async fn start(parts: Parts, pulse: Pulse) -> GroupCoordinator {
    let Parts { node_id, storage, controller, settings, clock, spawner, rng, metrics, config, topic } = parts;
    let (groups, messages) = channel();
    let (journal, queued) =
        journal::new(storage.clone(), controller.clone(), settings, clock.clone(), node_id);
    let member_ids = member_ids::MemberIds::new(rng);
    let coordinator =
        Coordinator::new(messages, journal, clock::GroupClock(clock.clone()), member_ids, config);
    let alive = move |alive| if alive { pulse.beat() } else { pulse.idle() };
    let _ends_when_closed = spawner.task(coordinator.run(alive));
    let _ends_with_the_coordinator = spawner.task(journal::run_completions(queued, groups.clone()));
    let load = load::Load::new(
        node_id,
        storage.clone(),
        controller.clone(),
        groups.clone(),
        clock.clone(),
        spawner.clone(),
    );
    let mut leadership = leadership::Leadership::new(node_id, controller.clone(), groups.clone(), load);
    let handle = GroupCoordinator { groups, controller, topic, followed: leadership.followed.clone() };
    let _not_closed_yet = leadership.follow_now().await;
    let _ends_with_the_metadata = spawner.task(leadership.run());
    let watch = watch::Watch { groups: handle.clone(), storage, clock, metrics };
    let _ends_with_the_coordinator = spawner.task(watch.run());
    handle
}

impl GroupCoordinator {
    /// Asks, and waits for the answer.
    pub async fn ask(&self, ask: Ask) -> Reply {
        self.groups.ask(ask).await.unwrap_or(Reply::NotNow(ErrorCode::NOT_COORDINATOR))
    }

    /// Asks something of a group that may take long, and waits until there is an answer or `end` comes.
    pub async fn ask_until(&self, group: Str, request: Request, end: impl Future<Output = ()>) -> Reply {
        const ELSEWHERE: Reply = Reply::NotNow(ErrorCode::NOT_COORDINATOR);
        let Ok(mut answer) = self.groups.begin(Ask::Group(group.clone(), request)).await else {
            return ELSEWHERE;
        };
        tokio::select! {
            biased;
            reply = answer.wait() => return reply.unwrap_or(ELSEWHERE),
            () = end => {}
        }
        drop(answer);
        self.groups.abandoned(group).await;
        ELSEWHERE
    }

    /// Waits until the coordinator knows what the metadata says now: what this node leads, and what topics are no more.
    pub async fn caught_up(&self) {
        let _closed = self.followed.reached(self.controller.state().version).await;
    }

    /// Ends the coordinator: who waits is told to look for another.
    pub async fn close(&self) {
        let _already_closed = self.groups.tell(Message::Close).await;
    }
}
