//! The follower's end of the streams from one leader: a task that has its log cut where it diverges, queues what comes, and says how far it is synced.
//!
//! It never waits for the log before it takes the next message: what is queued is *under way*, in order, and is answered for when it has landed. What may be
//! under way is bounded by the window that it grants.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use chronik_log::{Op, OpError, Outcome, PartitionId};
use concurrency_models::epoch::Leadership;
use concurrency_models::image::Image;
use concurrency_models::mailbox::Receiver as Inbox;
use futures_util::FutureExt as _;

use super::followed::{Followed, Partitions, Place};
use super::message::{Records, Synced, ToFollower, ToLeader, cost};
use super::piece::{batches, begins_anew, positions};
use super::under_way::{Landed, UnderWay};
use crate::clock::Clock;
use crate::limits;
use crate::peer::{NodeId, Peers};
use crate::storage::{Durable, Storage, StorageError};
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
    partitions: Partitions,
    under_way: VecDeque<UnderWay>,
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
        let ask_at = self.state.partitions.next_ask_at();
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
                    self.state.partitions.unfollow(&id);
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
                Ok(ToFollower::Diverging { session, ask, id, leader_epoch, epoch, end_offset }) => {
                    if session == self.state.session {
                        self.cut(ask, (id, leader_epoch), (epoch, end_offset))?;
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
        let now = self.clock.uptime();
        for (id, leader_epoch) in partitions {
            self.state.partitions.follow(id, leader_epoch, now);
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
        state.partitions.ask_all_at(now);
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
        let due = self.state.partitions.due(self.clock.uptime());
        if due.is_empty() {
            return Ok(());
        }
        // Behind everything that is queued for these logs.
        let positions = self.storage.with_log(move |log| positions(log, due)).await?;
        let log_ends = positions.iter().map(|position| (position.id, position.log_end_offset));
        let (session, ask) = (self.state.session, self.state.partitions.ask(log_ends));
        for positions in positions.chunks(limits::MAX_STREAM_POSITIONS) {
            self.say(&ToLeader::Follow { session, ask, positions: positions.to_vec() }).await;
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
        ask: u64,
        (id, leader_epoch): (PartitionId, i32),
        (epoch, end_offset): (i32, i64),
    ) -> Result<(), StorageError> {
        let followed = self.state.partitions.get_mut(&id, leader_epoch);
        let Some(followed) = followed.filter(|followed| followed.is_answer(ask)) else {
            return Ok(());
        };
        let Some(partition) = self.storage.partition(&id) else { return Ok(()) };
        let Durable { view, log_end_offset: end } = partition.durable();
        let (own_epoch, own_end) = view.end_offset_for_epoch(epoch, leader_epoch, end);
        let to = if own_epoch == epoch { own_end.min(end_offset) } else { own_end };
        let to = to.max(view.log_start_offset());
        if to >= end {
            tracing::error!(partition = %id, leader = self.leader, end, epoch, end_offset, "the leader's log diverges, and nothing here can be cut; it is asked again");
            followed.ask_at(self.clock.uptime() + limits::STREAM_ASK_AGAIN);
            return Ok(());
        }
        if to < partition.high_watermark() {
            let high_watermark = partition.high_watermark();
            tracing::error!(partition = %id, leader = self.leader, high_watermark, to, "the leader lacks records that were committed: they are lost");
        }
        tracing::debug!(partition = %id, leader = self.leader, from = end, to, "cutting what the leader does not have");
        followed.pause(); // asked when it is cut
        let op = Op::Truncate { id, to, leader_epoch };
        let answer =
            self.storage.queue_as_follower(id, op, Leadership::follower(leader_epoch, self.leader))?;
        self.state.under_way.push_back(UnderWay::cut(id, leader_epoch, answer));
        Ok(())
    }

    /// Queues what the leader has sent.
    async fn take(&mut self, records: Records) -> Result<(), StorageError> {
        let Records { session, ask, id, leader_epoch, from, to, .. } = records;
        if session != self.state.session {
            return Ok(());
        }
        let followed = self.state.partitions.get_mut(&id, leader_epoch);
        let place = followed.as_ref().map_or(Place::Late, |followed| followed.place(ask, from));
        let Some(followed) = followed.filter(|_| place == Place::Next) else {
            if place == Place::BehindAHole && self.state.connected {
                tracing::warn!(partition = %id, leader = self.leader, from, "something that the leader has sent is lost: the stream begins anew");
                return self.begin_session().await; // its room would not come back either
            }
            return self.pass_over(&records).await;
        };
        self.metrics.received_bytes.inc_by(records.batches.len() as u64);
        let batches = match batches(records.batches.clone()) {
            Ok(batches) => batches,
            Err(error) => {
                tracing::error!(partition = %id, leader = self.leader, from, %error, "what the leader sends is damaged; it is asked for again");
                followed.ask_at(self.clock.uptime() + limits::STREAM_ASK_AGAIN);
                return self.pass_over(&records).await;
            }
        };
        let leadership = Leadership::follower(leader_epoch, self.leader);
        let first_batch = batches.first().map(|batch| batch.header.base_offset);
        if let Some(to) = first_batch.filter(|base_offset| *base_offset < followed.log_end) {
            // The leader's log starts inside of this batch. It has forgotten whose epoch the offsets before its start were: what is here of them is none of its own.
            tracing::info!(partition = %id, leader = self.leader, from = followed.log_end, to, "cutting what is in the way of the leader's first batch");
            followed.pause(); // asked when it is cut
            let op = Op::Truncate { id, to, leader_epoch };
            let answer = self.storage.queue_as_follower(id, op, leadership)?;
            self.state.under_way.push_back(UnderWay::cut(id, leader_epoch, answer));
            return self.pass_over(&records).await;
        }
        let (mut answers, now_ms) = (Vec::new(), self.clock.now_ms());
        let anew = begins_anew(followed.log_end, records.log_start_offset, first_batch);
        if let Some(offset) = anew {
            tracing::info!(partition = %id, leader = self.leader, from = followed.log_end, offset, "beginning anew: the leader has nothing any more of what comes in between");
            let op = Op::StartAt { id, offset };
            answers.push(self.storage.queue_as_follower(id, op, leadership)?);
            followed.log_end = offset;
        }
        for batch in batches {
            let log_end = followed.log_end;
            followed.log_end = batch.header.next_offset();
            answers.push(self.storage.append_as_follower(id, batch, log_end, leadership, now_ms)?);
        }
        followed.flows_to(to);
        if let Some(op) = self.log_start(&records, anew) {
            answers.push(self.storage.queue_as_follower(id, op, leadership)?);
        }
        self.state.under_way.push_back(UnderWay::records(records, answers));
        Ok(())
    }

    /// Records that are of no use are dealt with: they take no room any more, and nothing of them is synced.
    async fn pass_over(&mut self, records: &Records) -> Result<(), StorageError> {
        self.state.consumed += cost(records);
        self.tell(BTreeMap::new()).await
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
                let Records { id, ask, leader_epoch, to, high_watermark, .. } = records;
                if self.state.ask_later(id, leader_epoch, now, &outcome)? {
                    return Ok(false);
                }
                // An empty piece lands even if the one before it was refused, or if this node leads by now: then the log does not reach as far. What is in it, the next ask says.
                let flows = |followed: &mut Followed| followed.flows(ask);
                if !self.state.partitions.get_mut(&id, leader_epoch).is_some_and(flows) {
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
        let followed = self.partitions.get_mut(&id, leader_epoch);
        match outcome {
            Err(error @ (StorageError::Closed | StorageError::Dead)) => Err(error.clone()),
            Err(error) => {
                if let Some(followed) = followed {
                    // A leader that was deposed is no trouble, and a full disk is complained about elsewhere.
                    if !matches!(error, StorageError::Deposed | StorageError::Op(OpError::StorageFull)) {
                        tracing::warn!(partition = %id, %error, "a follower's log did not take what its leader sent; it asks again");
                    }
                    followed.ask_at(now + limits::STREAM_ASK_AGAIN);
                }
                Ok(true)
            }
            Ok(Some(Outcome::Truncated { .. })) => {
                if let Some(followed) = followed {
                    followed.ask_at(now);
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

#[cfg(test)]
mod tests;
