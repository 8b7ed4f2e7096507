//! The Raft group that holds the metadata: this node's member of it, its log on the disk, its state machine.
//!
//! ```text
//! Controller::propose ─► Node::propose ─► RaftLoop ─► Persist ─► RaftWal ─► a metadata record of the log ─► Event::Persisted
//!                                            │ committed
//!                                            ▼
//!                                     Metadata::apply ─► the committed image ─► MetadataPublisher ─► what requests see
//! ```
//!
//! The loop is the kernel [`concurrency_models::raft_loop`]. Here is what it does not know: bytes, the disk, and time.

mod logger;
mod machine;
mod network;
mod record;
mod recovered;
mod ticks;
mod wal;

use std::sync::Arc;

use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::raft_loop::{
    self, Compaction, ElectionTimeouts, Event, MemoryStore, RaftLoop, StateMachine, Transport,
};
use raft::{Config, RawNode};

use super::state::ClusterState;
use crate::clock::Clock;
use crate::limits;
use crate::peer::Peers;
use crate::rng::Rng;
use crate::spawn::{Ended, Spawner};
use crate::storage::{Storage, StorageError};
use crate::telemetry::{Metrics, Pulse};
use machine::Metadata;
pub use machine::Outcome;
use network::ToMembers;
pub use network::peer_id;
pub(super) use network::{Around, DESCRIBE_QUORUM, PROPOSE, Ways};
pub use network::{Network, Quorum};
pub use recovered::{BEGINNING, RaftLog, UnreadableLog};
use ticks::Ticks;
use wal::RaftWal;

/// This node's member of the group.
pub type Node = raft_loop::Node<MemoryStore, Outcome>;

/// Whether the disk takes metadata now, and if not, why.
pub type Trouble = Arc<Image<Option<StorageError>>>;

/// The mailbox of a Raft loop.
pub type Events = (Sender<Event>, Receiver<Event>);

/// A mailbox for a Raft loop.
pub fn events() -> Events {
    mailbox::channel(limits::MAX_RAFT_EVENTS)
}

/// What a member is made of.
pub struct Parts {
    /// `node.id`
    pub node_id: i32,
    /// What its disk has.
    pub log: RaftLog,
    /// What it wakes up for.
    pub events: Events,
    /// The way to the other members; `None` if there are none.
    pub peers: Option<Peers>,
    /// Where it writes to.
    pub storage: Storage,
    /// What time it is.
    pub clock: Clock,
    /// Starts its tasks.
    pub spawner: Spawner,
    /// Draws election timeouts.
    pub rng: Rng,
    /// How it stands, for operators.
    pub metrics: Metrics,
    /// Signs of life of the loop, of its writer, and of its clock.
    pub pulses: [Pulse; 3],
}

/// A member that runs.
pub struct Member {
    /// Proposes, reads.
    pub node: Node,
    /// The metadata as far as it is committed; closed when the loop has ended.
    pub committed: Arc<Image<ClusterState>>,
    /// Whether the disk takes metadata.
    pub trouble: Trouble,
    /// How to stop it.
    pub tasks: Tasks,
}

/// The tasks of a member.
pub struct Tasks {
    events: Sender<Event>,
    /// Ends when it is stopped, or when its disk has failed or its log makes no sense.
    raft_loop: Ended,
    wal: Ended,
}

impl Tasks {
    /// Waits until the loop has ended.
    pub async fn ended(&mut self) {
        let _ended = self.raft_loop.wait().await;
    }

    /// Stops the member: it sends nothing any more, and all that it began to write is written.
    pub async fn stop(&mut self) {
        let _ended_before = self.events.send(Event::Stop).await;
        self.ended().await;
        let _ended = self.wal.wait().await;
    }
}

/// The id of a node in the Raft group, where 0 means nobody.
pub fn raft_id(node_id: i32) -> u64 {
    u64::from(node_id.unsigned_abs()) + 1
}

/// The node of this id in the Raft group; `None` for nobody.
pub fn node_id(raft_id: u64) -> Option<i32> {
    i32::try_from(raft_id.checked_sub(1)?).ok()
}

const COMPACTION: Compaction = Compaction {
    after_entries: limits::RAFT_COMPACT_ENTRIES,
    after_bytes: limits::RAFT_COMPACT_BYTES,
    keep_entries: limits::RAFT_KEEP_ENTRIES,
};

/// Starts the member. It leads at once if nobody else votes.
///
/// # Errors
/// Its log does not fit its configuration.
pub fn start(parts: Parts) -> Result<Member, raft::Error> {
    let Parts { node_id, log, events, peers, storage, clock, spawner, rng, metrics, pulses } = parts;
    let (events, inbox) = events;
    let transport = ToMembers { peers, events: events.clone() };
    let config = config(node_id, log.applied());
    let (machine, committed) = Metadata::new(log.state);
    let raw = RawNode::new(&config, log.store, &logger::to_tracing())?;
    let (node, raft_loop, requests) =
        raft_loop::new(raw, (events.clone(), inbox), machine, transport, Timeouts(rng), COMPACTION);
    let [of_loop, of_wal, of_ticks] = pulses;
    let trouble = Arc::new(Image::new(None));
    let wal =
        RaftWal { requests, events: events.clone(), storage, clock: clock.clone(), trouble: trouble.clone() };
    let ticks = Ticks { events: events.clone(), node: node.clone(), clock, metrics: metrics.clone() };
    let wal = spawner.task(wal.run(of_wal));
    let _ends_with_the_loop = spawner.task(ticks.run(of_ticks));
    let raft_loop = spawner.task(watched(raft_loop, of_loop, metrics));
    Ok(Member { node, committed, trouble, tasks: Tasks { events, raft_loop, wal } })
}

fn config(node_id: i32, applied: u64) -> Config {
    Config {
        id: raft_id(node_id),
        applied,
        election_tick: limits::RAFT_ELECTION_TICKS,
        min_election_tick: limits::RAFT_ELECTION_TICKS,
        max_election_tick: 2 * limits::RAFT_ELECTION_TICKS,
        heartbeat_tick: limits::RAFT_HEARTBEAT_TICKS,
        pre_vote: true,
        check_quorum: true,
        max_size_per_msg: limits::RAFT_MESSAGE_BYTES as u64,
        max_uncommitted_size: limits::RAFT_UNCOMMITTED_BYTES,
        max_inflight_msgs: limits::RAFT_IN_FLIGHT_MESSAGES,
        ..Config::default()
    }
}

/// Runs the loop, which waits for nothing within a round.
async fn watched<M: StateMachine, T: Transport, R: ElectionTimeouts>(
    raft_loop: RaftLoop<MemoryStore, M, T, R>,
    pulse: Pulse,
    metrics: Metrics,
) {
    let mut last = None;
    let ended = pulse.turns(raft_loop.run(), |began, took| {
        metrics.raft_round_duration.observe(took.as_secs_f64());
        if let Some(last) = last.replace(began) {
            metrics.raft_round_interval.observe((began - last).as_secs_f64());
        }
    });
    if let Err(error) = ended.await {
        tracing::error!(%error, "the Raft loop has ended: the server must stop");
    }
}

/// Draws from the one seed of this process.
struct Timeouts(Rng);

impl ElectionTimeouts for Timeouts {
    fn next(&mut self) -> usize {
        let span = limits::RAFT_ELECTION_TICKS as u64;
        limits::RAFT_ELECTION_TICKS + usize::try_from(self.0.below(span)).unwrap_or_default()
    }
}
