//! The leader's end of the streams to one follower: a task that reads the logs that this node leads and sends what the follower lacks.
//!
//! It waits for what the follower says, for news of a partition that the follower knows all about, for room on the connection, and for the time when a replica that
//! is not in sync may be sent to again. A session is forgotten when the connection is lost; the follower begins another.

use std::time::Duration;

use bytes::Bytes;
use chronik_log::PartitionId;
use concurrency_models::epoch::Leadership;
use concurrency_models::isr::Acknowledgement;
use concurrency_models::mailbox::{self, Receiver};

use super::super::in_sync::Wish;
use super::feed::{Alignment, align};
use super::message::{Position, Synced, ToFollower, ToLeader};
use super::quota::Quota;
use super::session::{Means, News, Piece, Session};
use crate::clock::Clock;
use crate::cluster::Controller;
use crate::limits;
use crate::peer::{NodeId, Peers};
use crate::spawn::Spawner;
use crate::storage::Storage;
use crate::telemetry::{Pulse, StreamMetrics};

/// What the task wakes up for.
pub(crate) enum Event {
    /// There is a connection to the follower.
    Connected,
    /// It is gone, with everything that was under way.
    Lost,
    /// The follower says something.
    Said(Bytes),
    /// The node stops.
    Stop,
}

/// The task.
pub(crate) struct Sender {
    pub(crate) node_id: i32,
    pub(crate) follower: i32,
    pub(crate) peer: NodeId,
    pub(crate) peers: Peers,
    pub(crate) storage: Storage,
    /// Whose metadata say how fast a follower may catch up.
    pub(crate) controller: Controller,
    pub(crate) clock: Clock,
    pub(crate) spawner: Spawner,
    pub(crate) wishes: mailbox::Sender<Wish>,
    pub(crate) metrics: StreamMetrics,
    pub(crate) events: Receiver<Event>,
}

impl Sender {
    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self, pulse: Pulse) {
        let mut quota = Quota::new(self.node_id, self.follower);
        let mut session: Option<Session> = None;
        let mut outgoing: Option<Bytes> = None;
        let mut look_at = self.clock.uptime() + limits::STREAM_LOOK;
        loop {
            if outgoing.is_none()
                && let Some(session) = &mut session
            {
                let now = self.clock.uptime();
                self.release(session, now);
                quota.refresh(&self.controller.state(), now);
                let means = Means { storage: &self.storage, spawner: &self.spawner, quota: &mut quota, now };
                outgoing = session.next_piece(means).await.map(|piece| self.message(piece));
            }
            let wake_at = held_until(session.as_ref()).map_or(look_at, |held_until| held_until.min(look_at));
            pulse.idle();
            tokio::select! {
                biased;
                event = self.events.recv() => {
                    pulse.beat();
                    match event {
                        None | Some(Event::Stop) => return,
                        Some(event) => {
                            if matches!(event, Event::Lost) {
                                outgoing = None;
                            }
                            self.handle(event, &mut session).await;
                        }
                    }
                }
                sent = send(&self.peers, self.peer, outgoing.clone()), if outgoing.is_some() => {
                    pulse.beat();
                    outgoing = None;
                    if !sent {
                        session = None;
                    }
                }
                Some(news) = next_news(&mut session), if session.is_some() => {
                    pulse.beat();
                    match (&mut session, news) {
                        (Some(session), News::More(turn)) => session.wake(turn),
                        (Some(session), News::Led(id)) => {
                            if let Some((ask, position)) = session.take_early(&id) {
                                self.follow(session, ask, &position).await;
                            }
                        }
                        (None, _) => {}
                    }
                }
                () = self.clock.sleep(wake_at.saturating_sub(self.clock.uptime())) => {
                    pulse.beat();
                    if look_at <= wake_at {
                        look_at = self.clock.uptime() + limits::STREAM_LOOK;
                        if let Some(session) = &mut session {
                            session.look();
                            self.look(session);
                        }
                    }
                }
            }
        }
    }

    /// Those that were held have their turn, if their time has come: at the latest when this task looks at everything, for the metadata may say something else.
    fn release(&self, session: &mut Session, now: Duration) {
        if session.held_until().is_some_and(|until| until <= now) {
            let held_for = session.release(now);
            let millis = u64::try_from(held_for.as_millis()).unwrap_or(u64::MAX);
            self.metrics.throttled_milliseconds.inc_by(millis);
        }
    }

    fn message(&self, Piece { records, is_throttled }: Piece) -> Bytes {
        let bytes = records.batches.len() as u64;
        self.metrics.sent_bytes.inc_by(bytes);
        if is_throttled {
            self.metrics.throttled_bytes.inc_by(bytes);
        }
        ToFollower::Records(records).encode()
    }

    async fn handle(&self, event: Event, session: &mut Option<Session>) {
        match event {
            Event::Connected => {
                *session = None;
                let _lost_again = self.peers.data(self.peer, ToFollower::Reset.encode()).await;
            }
            Event::Lost => *session = None,
            Event::Said(bytes) => match ToLeader::decode(bytes) {
                Ok(said) => self.hear(said, session).await,
                Err(error) => {
                    tracing::warn!(node = self.follower, %error, "what a follower says was ignored");
                }
            },
            Event::Stop => {}
        }
    }

    async fn hear(&self, said: ToLeader, current: &mut Option<Session>) {
        match said {
            ToLeader::Open { session, broker_epoch, window } => {
                tracing::debug!(node = self.follower, session, broker_epoch, "a follower begins a stream");
                self.metrics.sessions.inc();
                *current = Some(Session::new(session, broker_epoch, window));
            }
            ToLeader::Follow { session, ask, positions } => {
                if let Some(current) = current.as_mut().filter(|current| current.number == session) {
                    for position in &positions {
                        self.follow(current, ask, position).await;
                    }
                }
            }
            ToLeader::Progress { session, consumed, synced } => {
                if let Some(current) = current.as_mut().filter(|current| current.number == session) {
                    current.consumed = current.consumed.max(consumed.min(current.sent));
                    for Synced { id, leader_epoch, offset } in synced {
                        self.acknowledge(current.broker_epoch, id, leader_epoch, offset);
                        let feed =
                            current.feeds.get_mut(&id).filter(|feed| feed.leader_epoch == leader_epoch);
                        if let Some(feed) = feed {
                            feed.synced = feed.synced.max(offset);
                        }
                    }
                }
            }
        }
    }

    /// The follower wants a partition. Of one that this node does not lead yet it hears as soon as this node does; of one that is not here it asks again.
    async fn follow(&self, session: &mut Session, ask: u64, position: &Position) {
        let id = position.id;
        session.feeds.remove(&id);
        let Some(partition) = self.storage.partition(&id) else { return };
        let now = partition.isr().leadership();
        if now.epoch < position.leader_epoch {
            return session.wait_to_lead(ask, *position, partition, now);
        }
        if now != Leadership::leader(position.leader_epoch) {
            return;
        }
        let durable = partition.durable();
        match align(&durable.view, durable.log_end_offset, position) {
            Alignment::Prefix => {
                self.acknowledge(session.broker_epoch, id, position.leader_epoch, position.log_end_offset);
                session.begin(ask, position);
            }
            Alignment::Diverges { epoch, end_offset } => {
                let (session, leader_epoch) = (session.number, position.leader_epoch);
                let diverging = ToFollower::Diverging { session, ask, id, leader_epoch, epoch, end_offset };
                let _lost = self.peers.data(self.peer, diverging.encode()).await;
            }
        }
    }

    /// The follower has synced its log up to an offset.
    fn acknowledge(&self, broker_epoch: i64, id: PartitionId, leader_epoch: i32, offset: i64) {
        let Some(partition) = self.storage.partition(&id) else { return };
        let (replica, at_ms) = (self.follower, self.clock.now_ms());
        let said = Acknowledgement { replica, broker_epoch, offset, at_ms };
        if partition.isr().acknowledge(leader_epoch, said).is_ok() {
            self.wish(id, leader_epoch, broker_epoch);
        }
    }

    /// If the follower is not in sync by the metadata, it may be now.
    fn wish(&self, id: PartitionId, leader_epoch: i32, broker_epoch: i64) {
        if self.is_out(id, leader_epoch) {
            let wish = Wish { id, leader_epoch, node: self.follower, broker_epoch };
            let _wished_again_at_the_next_look = self.wishes.try_send(wish);
        }
    }

    /// Whether the follower is not in sync by the metadata, in an epoch in which this node leads.
    fn is_out(&self, id: PartitionId, leader_epoch: i32) -> bool {
        self.storage.partition(&id).is_some_and(|partition| {
            partition.isr().leadership() == Leadership::leader(leader_epoch)
                && !partition.isr().in_sync().contains(&self.follower)
        })
    }

    /// What followers that are out of sync have said is noted once more: when they said it, this node may not have known yet in which life they are.
    fn look(&self, session: &Session) {
        for (id, feed) in &session.feeds {
            if self.is_out(*id, feed.leader_epoch) {
                self.acknowledge(session.broker_epoch, *id, feed.leader_epoch, feed.synced);
            }
        }
    }
}

/// Sends what there is; returns whether there was a connection.
async fn send(peers: &Peers, peer: NodeId, outgoing: Option<Bytes>) -> bool {
    match outgoing {
        Some(bytes) => peers.data(peer, bytes).await.is_ok(),
        None => true,
    }
}

async fn next_news(session: &mut Option<Session>) -> Option<News> {
    session.as_mut()?.next_news().await
}

fn held_until(session: Option<&Session>) -> Option<Duration> {
    session.and_then(Session::held_until)
}
