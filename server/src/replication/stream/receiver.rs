//! The follower's end of the streams from one leader: a task that has its log cut where it diverges, queues what comes, and says how far it is synced.
//!
//! It never waits for the log before it takes the next message: what is queued is *under way*, in order, and is answered for when it has landed. What may be
//! under way is bounded by the window that it grants.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use chronik_kafka::record_batch::{BatchError, RecordBatch};
use chronik_log::{Log, Op, OpError, Outcome, PartitionId, epoch};
use concurrency_models::epoch::Leadership;
use concurrency_models::image::Image;
use concurrency_models::mailbox::Receiver as Inbox;
use futures_util::FutureExt as _;

use super::message::{Position, Records, Synced, ToFollower, ToLeader, cost};
use super::under_way::{Landed, UnderWay};
use crate::clock::Clock;
use crate::limits;
use crate::peer::{NodeId, Peers};
use crate::storage::{Storage, StorageError};
use crate::telemetry::{Pulse, StreamMetrics};

/// What the task wakes up for.
pub(crate) enum Event {
    /// This node follows these in the leader's epochs from now on.
    Follow(Vec<(PartitionId, i32)>),
    /// It follows these no longer, or another node.
    Unfollow(Vec<PartitionId>),
    /// There is a connection to the leader.
    Connected,
    /// It is gone, with everything that was under way.
    Lost,
    /// The leader says something.
    Said(Bytes),
    /// The node stops.
    Stop,
}

/// The task.
pub(crate) struct Receiver {
    pub(crate) leader: i32,
    pub(crate) peer: NodeId,
    pub(crate) peers: Peers,
    pub(crate) storage: Storage,
    pub(crate) clock: Clock,
    /// In which life this node is: [`super::super::Roles`] says so before it has it follow anything.
    pub(crate) broker_epoch: std::sync::Arc<Image<i64>>,
    pub(crate) metrics: StreamMetrics,
    pub(crate) events: Inbox<Event>,
    pub(crate) state: State,
}

/// What the task remembers.
#[derive(Default)]
pub(crate) struct State {
    /// The session's number; those of the past are smaller.
    session: u64,
    /// In which life of this node it began.
    broker_epoch: i64,
    /// Whether the leader can be spoken to.
    connected: bool,
    /// Cost of the records of this session that have been dealt with.
    consumed: u64,
    partitions: BTreeMap<PartitionId, Followed>,
    under_way: VecDeque<UnderWay>,
}

/// No piece begins there.
const NOWHERE: i64 = -1;

/// A partition that this node follows.
struct Followed {
    leader_epoch: i32,
    /// Where the next piece begins; before an answer, and after something went wrong, nowhere.
    next: i64,
    /// Where the log ends with what is queued: before `next`, if there is a gap.
    log_end: i64,
    /// When the leader is to be asked (again), in terms of the clock's uptime; `None` while the stream flows.
    ask_at: Option<Duration>,
}

impl Receiver {
    /// Runs until it is told to stop, or storage has ended.
    pub(crate) async fn run(mut self, pulse: Pulse) {
        while let Some(next) = self.next(&pulse).await {
            let going_on = match next {
                Next::Event(event) => self.handle(event).await,
                Next::Landed(landed) => self.land(landed).await,
                Next::Time => self.ask_those_due().await,
            };
            if going_on.is_err() {
                return;
            }
        }
    }

    async fn next(&mut self, pulse: &Pulse) -> Option<Next> {
        let ask_at = self.state.ask_at();
        let to_ask = ask_at.is_some() && self.state.connected;
        let left = ask_at.unwrap_or_default().saturating_sub(self.clock.uptime());
        pulse.idle();
        let next = tokio::select! {
            biased;
            landed = first_landing(&mut self.state.under_way) => Some(Next::Landed(landed)),
            event = self.events.recv() => event.filter(|event| !matches!(event, Event::Stop)).map(Next::Event),
            () = self.clock.sleep(left), if to_ask => Some(Next::Time),
        };
        pulse.beat();
        next
    }

    async fn handle(&mut self, event: Event) -> Result<(), StorageError> {
        match event {
            Event::Follow(partitions) => self.follow(partitions).await,
            Event::Unfollow(partitions) => {
                for id in partitions {
                    self.state.partitions.remove(&id);
                }
                Ok(())
            }
            Event::Connected => self.begin_session().await,
            Event::Lost => {
                self.state.connected = false;
                Ok(())
            }
            Event::Said(bytes) => match ToFollower::decode(bytes) {
                Ok(ToFollower::Reset) if self.state.connected => self.begin_session().await,
                Ok(ToFollower::Reset) => Ok(()),
                Ok(ToFollower::Diverging { session, id, leader_epoch, epoch, end_offset }) => {
                    if session == self.state.session {
                        self.cut(id, leader_epoch, epoch, end_offset)?;
                    }
                    Ok(())
                }
                Ok(ToFollower::Records(records)) => self.take(records).await,
                Err(error) => {
                    tracing::warn!(node = self.leader, %error, "what a leader says was ignored");
                    Ok(())
                }
            },
            Event::Stop => Ok(()),
        }
    }

    async fn follow(&mut self, partitions: Vec<(PartitionId, i32)>) -> Result<(), StorageError> {
        let ask_at = Some(self.clock.uptime());
        for (id, leader_epoch) in partitions {
            let followed = Followed { leader_epoch, next: NOWHERE, log_end: 0, ask_at };
            self.state.partitions.insert(id, followed);
        }
        // What is said in a session counts for the life in which it began, and this node may have been registered since.
        if self.state.connected && self.state.broker_epoch != *self.broker_epoch.load() {
            return self.begin_session().await;
        }
        self.ask_those_due().await
    }

    /// Everything is asked for anew.
    async fn begin_session(&mut self) -> Result<(), StorageError> {
        let now = self.clock.uptime();
        let state = &mut self.state;
        state.session = (state.session + 1).max(self.clock.now_ms().unsigned_abs());
        (state.connected, state.consumed) = (true, 0);
        state.partitions.values_mut().for_each(|followed| followed.ask_at = Some(now));
        state.broker_epoch = *self.broker_epoch.load();
        let (session, broker_epoch) = (state.session, state.broker_epoch);
        self.say(&ToLeader::Open { session, broker_epoch, window: limits::STREAM_WINDOW_BYTES }).await;
        self.ask_those_due().await
    }

    /// Asks the leader for the partitions whose time has come.
    async fn ask_those_due(&mut self) -> Result<(), StorageError> {
        if !self.state.connected {
            return Ok(());
        }
        let now = self.clock.uptime();
        let due: Vec<(PartitionId, i32)> = self.state.due(now);
        if due.is_empty() {
            return Ok(());
        }
        for (id, _) in &due {
            if let Some(followed) = self.state.partitions.get_mut(id) {
                followed.ask_at = Some(now + limits::STREAM_ASK_AGAIN);
            }
        }
        // Behind everything that is queued for these logs.
        let positions = self.storage.with_log(move |log| positions(log, due)).await?;
        for position in &positions {
            if let Some(followed) = self.state.partitions.get_mut(&position.id) {
                (followed.next, followed.log_end) = (position.log_end_offset, position.log_end_offset);
            }
        }
        let session = self.state.session;
        for positions in positions.chunks(limits::MAX_STREAM_POSITIONS) {
            self.say(&ToLeader::Follow { session, positions: positions.to_vec() }).await;
        }
        Ok(())
    }

    /// What is lost with the connection is said again in the next session.
    async fn say(&self, what: &ToLeader) {
        let _lost = self.peers.data(self.peer, what.encode()).await;
    }

    /// The log is no prefix of the leader's: it is cut to the end of the largest epoch that both have, at the smaller of the two ends (KIP-279).
    fn cut(
        &mut self,
        id: PartitionId,
        leader_epoch: i32,
        epoch: i32,
        end_offset: i64,
    ) -> Result<(), StorageError> {
        let Some(followed) = self.state.partitions.get_mut(&id).filter(|it| it.leader_epoch == leader_epoch)
        else {
            return Ok(());
        };
        let Some(partition) = self.storage.partition(&id) else { return Ok(()) };
        let durable = partition.durable();
        let (own_epoch, own_end) =
            durable.view.end_offset_for_epoch(epoch, leader_epoch, durable.high_watermark);
        let to = if own_epoch == epoch { own_end.min(end_offset) } else { own_end };
        let to = to.max(durable.view.log_start_offset());
        let end = durable.high_watermark;
        if to >= end {
            tracing::error!(partition = %id, leader = self.leader, end, epoch, end_offset, "the leader's log diverges, and nothing here can be cut; it is asked again");
            (followed.next, followed.ask_at) =
                (NOWHERE, Some(self.clock.uptime() + limits::STREAM_ASK_AGAIN));
            return Ok(());
        }
        if to < partition.high_watermark() {
            let high_watermark = partition.high_watermark();
            tracing::error!(partition = %id, leader = self.leader, high_watermark, to, "the leader lacks records that were committed: they are lost");
        }
        tracing::info!(partition = %id, leader = self.leader, from = end, to, "cutting what the leader does not have");
        (followed.next, followed.ask_at) = (NOWHERE, None); // asked when it is cut
        let op = Op::Truncate { id, to, leader_epoch };
        let answer =
            self.storage.queue_as_follower(id, op, Leadership::follower(leader_epoch, self.leader))?;
        self.state.under_way.push_back(UnderWay::cut(id, leader_epoch, answer));
        Ok(())
    }

    /// Queues what the leader has sent.
    async fn take(&mut self, records: Records) -> Result<(), StorageError> {
        let Records { session, id, leader_epoch, from, to, .. } = records;
        if session != self.state.session {
            return Ok(());
        }
        let fits = |followed: &&mut Followed| followed.leader_epoch == leader_epoch && followed.next == from;
        let Some(followed) = self.state.partitions.get_mut(&id).filter(fits) else {
            self.state.consumed += cost(&records);
            return self.tell(BTreeMap::new()).await;
        };
        self.metrics.received_bytes.inc_by(records.batches.len() as u64);
        let leadership = Leadership::follower(leader_epoch, self.leader);
        let now_ms = self.clock.now_ms();
        let (mut answers, mut anew) = (Vec::new(), None);
        match batches(records.batches.clone()) {
            Ok(batches) => {
                let first_batch = batches.first().map(|batch| batch.header.base_offset);
                anew = begins_anew(followed.log_end, records.log_start_offset, first_batch);
                if let Some(offset) = anew {
                    tracing::info!(partition = %id, leader = self.leader, from = followed.log_end, offset, "beginning anew: the leader has nothing any more of what comes in between");
                    let op = Op::StartAt { id, offset };
                    answers.push(self.storage.queue_as_follower(id, op, leadership)?);
                    followed.log_end = offset;
                }
                for batch in batches {
                    let log_end = followed.log_end;
                    followed.log_end = batch.header.last_offset() + 1;
                    answers.push(self.storage.append_as_follower(id, batch, log_end, leadership, now_ms)?);
                }
                (followed.next, followed.ask_at) = (to, None);
            }
            Err(error) => {
                tracing::error!(partition = %id, leader = self.leader, from, %error, "what the leader sends is damaged; it is asked for again");
                followed.next = NOWHERE;
                followed.ask_at = Some(self.clock.uptime() + limits::STREAM_ASK_AGAIN);
            }
        }
        if let Some(op) = self.log_start(&records, anew) {
            answers.push(self.storage.queue_as_follower(id, op, leadership)?);
        }
        self.state.under_way.push_back(UnderWay::records(records, answers));
        Ok(())
    }

    /// The leader's log begins later than this one, which begins `anew` there or where it is, for somebody has deleted records.
    fn log_start(&self, records: &Records, anew: Option<i64>) -> Option<Op> {
        let partition = self.storage.partition(&records.id)?;
        let own = anew.unwrap_or_else(|| partition.durable().view.log_start_offset());
        let before_offset = records.log_start_offset.min(records.to);
        (own < before_offset).then_some(Op::DeleteRecords { id: records.id, before_offset })
    }

    /// What was first under way has landed, and perhaps what is behind it.
    async fn land(&mut self, first: Landed) -> Result<(), StorageError> {
        let mut synced = BTreeMap::new();
        let mut next = Some(first);
        let mut cut = false;
        while let Some(landed) = next {
            self.state.under_way.pop_front();
            cut |= self.note(landed, &mut synced)?;
            next = first_landing(&mut self.state.under_way).now_or_never();
        }
        self.tell(synced).await?;
        if cut { self.ask_those_due().await } else { Ok(()) }
    }

    /// Returns whether a log was cut, so that the leader is to be asked at once.
    fn note(
        &mut self,
        landed: Landed,
        synced: &mut BTreeMap<PartitionId, Synced>,
    ) -> Result<bool, StorageError> {
        let now = self.clock.uptime();
        match landed {
            Landed::Cut { id, leader_epoch, outcome } => {
                let later = self.state.ask_later(id, leader_epoch, now, &outcome)?;
                Ok(!later)
            }
            Landed::Records { records, outcome } => {
                if records.session == self.state.session {
                    self.state.consumed += cost(&records);
                }
                let Records { id, leader_epoch, to, high_watermark, .. } = records;
                if self.state.ask_later(id, leader_epoch, now, &outcome)? || outcome.is_err() {
                    return Ok(false);
                }
                if let Some(partition) = self.storage.partition(&id) {
                    let leadership = Leadership::follower(leader_epoch, self.leader);
                    let _deposed = partition.isr().learn(leadership, high_watermark.min(to));
                }
                synced.insert(id, Synced { id, leader_epoch, offset: to });
                Ok(false)
            }
        }
    }

    /// Says how far this node is.
    async fn tell(&mut self, synced: BTreeMap<PartitionId, Synced>) -> Result<(), StorageError> {
        if self.state.connected {
            let (session, consumed) = (self.state.session, self.state.consumed);
            self.say(&ToLeader::Progress { session, consumed, synced: synced.into_values().collect() }).await;
        }
        Ok(())
    }
}

/// What the loop goes on with.
enum Next {
    Event(Event),
    Landed(Landed),
    Time,
}

impl State {
    /// When the next partition is to be asked for.
    fn ask_at(&self) -> Option<Duration> {
        self.partitions.values().filter_map(|followed| followed.ask_at).min()
    }

    fn due(&self, now: Duration) -> Vec<(PartitionId, i32)> {
        let is_due = |followed: &Followed| followed.ask_at.is_some_and(|at| at <= now);
        let due = self.partitions.iter().filter(|(_, followed)| is_due(followed));
        due.map(|(id, followed)| (*id, followed.leader_epoch)).collect()
    }

    /// After a cut the leader is asked at once, after a refusal later. Returns whether later.
    ///
    /// # Errors
    /// Storage has ended.
    fn ask_later(
        &mut self,
        id: PartitionId,
        leader_epoch: i32,
        now: Duration,
        outcome: &Result<Option<Outcome>, StorageError>,
    ) -> Result<bool, StorageError> {
        let followed = self.partitions.get_mut(&id).filter(|followed| followed.leader_epoch == leader_epoch);
        match outcome {
            Err(error @ (StorageError::Closed | StorageError::Dead)) => Err(error.clone()),
            Err(error) => {
                if let Some(followed) = followed {
                    if *error != StorageError::Op(OpError::StorageFull) {
                        tracing::warn!(partition = %id, %error, "a follower's log did not take what its leader sent; it asks again");
                    }
                    followed.next = NOWHERE;
                    followed.ask_at = Some(now + limits::STREAM_ASK_AGAIN);
                }
                Ok(true)
            }
            Ok(Some(Outcome::Truncated { .. })) => {
                if let Some(followed) = followed {
                    followed.ask_at = Some(now);
                }
                Ok(false)
            }
            Ok(_) => Ok(false),
        }
    }
}

/// Waits until what is first under way has landed; for ever if nothing is.
async fn first_landing(under_way: &mut VecDeque<UnderWay>) -> Landed {
    match under_way.front_mut() {
        Some(first) => first.landing().await,
        None => std::future::pending().await,
    }
}

/// Where a log that ends at `log_end` begins anew, if the leader has nothing any more of what would come next: at the leader's log start, or at the batch
/// that holds it (`log_start_offset` may be inside of one).
fn begins_anew(log_end: i64, log_start_offset: i64, first_batch: Option<i64>) -> Option<i64> {
    let offset = first_batch.map_or(log_start_offset, |base_offset| base_offset.min(log_start_offset));
    (log_end < offset).then_some(offset)
}

/// Where the logs end, with their latest epochs: an empty one has none, whatever was in it before.
fn positions(log: &mut Log, partitions: Vec<(PartitionId, i32)>) -> Vec<Position> {
    let position = |(id, leader_epoch)| {
        let (view, log_end_offset) = (log.view(id)?, log.log_end_offset(id)?);
        let is_empty = view.log_start_offset() == log_end_offset;
        let latest_epoch = if is_empty { epoch::UNKNOWN } else { view.latest_epoch() };
        Some(Position { id, leader_epoch, latest_epoch, log_end_offset })
    };
    partitions.into_iter().filter_map(position).collect()
}

/// The batches of a piece, each whole and undamaged.
fn batches(mut bytes: Bytes) -> Result<Vec<RecordBatch>, BatchError> {
    let mut batches = Vec::new();
    while !bytes.is_empty() {
        let batch = RecordBatch::read(&mut bytes)?;
        batch.check_stored()?;
        batches.push(batch);
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_ends_below_its_leaders_log_start_begins_anew() {
        for (log_end, log_start_offset, first_batch, expected) in [
            (0, 0, None, None),
            (0, 0, Some(0), None),
            (0, 100, None, Some(100)), // all is deleted
            (50, 100, Some(100), Some(100)),
            (50, 100, Some(95), Some(95)),   // the log start is inside a batch
            (50, 100, Some(120), Some(100)), // behind a gap
            (95, 100, Some(95), None),       // nothing is missing
            (100, 100, None, None),
            (100, 100, Some(120), None),
            (120, 100, Some(120), None),
        ] {
            let found = begins_anew(log_end, log_start_offset, first_batch);
            assert_eq!(found, expected, "{log_end}, {log_start_offset}, {first_batch:?}");
        }
    }
}
