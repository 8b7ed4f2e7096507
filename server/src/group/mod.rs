//! Consumer groups in the server: the coordinator of `chronik_group` over our log, clock and metadata.
//!
//! ```text
//! broker ─► GroupCoordinator ─► mailbox ─► chronik_group::Coordinator ─► StorageJournal ─► storage queue (one partition of __consumer_offsets)
//!                                 ▲                                            └─ what was queued ─► run_completions ─┐
//!                                 └────────────────────────── Appended, in order ◄─────────────────────────────────┘
//! start: load ─► the log of every partition ─► Loaded
//! ```
//!
//! `__consumer_offsets` is created when somebody first needs it.

mod clock;
mod journal;
mod load;
mod member_ids;
mod topic;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;

use chronik_group::coordinator::{Message, channel};
use chronik_group::state::Request;
use chronik_group::{Ask, Coordinator, GroupConfig, Groups, Reply};
use chronik_kafka::{ErrorCode, Str};
use concurrency_models::watermark::Watermark;

use crate::clock::Clock;
use crate::cluster::Controller;
use crate::rng::Rng;
use crate::spawn::Spawner;
use crate::storage::Storage;
use crate::telemetry::{Metrics, Pulse};

pub use topic::{InternalTopic, OFFSETS_TOPIC};

/// What the coordinator is made of.
pub struct Parts {
    /// `node.id`
    pub node_id: i32,
    /// Has the partitions of `__consumer_offsets`.
    pub storage: Storage,
    /// Knows them, and creates them.
    pub controller: Controller,
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
    node_id: i32,
    topic: InternalTopic,
    /// Partitions of `__consumer_offsets` that the coordinator knows of.
    opened: Arc<Watermark>,
}

/// Starts the coordinator, and loads what the log has of its groups.
pub async fn start(parts: Parts, pulse: Pulse) -> GroupCoordinator {
    let Parts { node_id, storage, controller, clock, spawner, rng, metrics, config, topic } = parts;
    let (groups, messages) = channel();
    let (journal, queued) = journal::new(storage.clone(), controller.clone(), clock.clone(), node_id);
    let member_ids = member_ids::MemberIds::new(rng);
    let coordinator =
        Coordinator::new(messages, journal, clock::GroupClock(clock.clone()), member_ids, config);
    let alive = move |alive| if alive { pulse.beat() } else { pulse.idle() };
    let _ends_when_closed = spawner.task(coordinator.run(alive));
    let _ends_with_the_coordinator = spawner.task(journal::run_completions(queued, groups.clone()));
    let opened = Arc::new(Watermark::new(0));
    let handle = GroupCoordinator { groups, controller: controller.clone(), node_id, topic, opened };
    if let Some(partitions) = handle.partitions() {
        handle.open(partitions, true).await;
        let load = load::Load {
            storage: storage.clone(),
            controller,
            clock: clock.clone(),
            spawner: spawner.clone(),
        };
        let _ends_when_loaded = spawner.task(load.run(handle.clone()));
    }
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

    /// Forgets the offsets of topics that are no more.
    pub async fn topics_deleted(&self, names: BTreeSet<Str>) {
        let _nobody_has_offsets = self.groups.tell(Message::TopicsDeleted(names)).await;
    }

    /// Ends the coordinator: who waits is told to look for another.
    pub async fn close(&self) {
        let _already_closed = self.groups.tell(Message::Close).await;
    }

    async fn open(&self, partitions: i32, loading: bool) {
        let _closed = self.groups.tell(Message::Opened { partitions, loading }).await;
        self.opened.advance(partitions.into());
    }
}
