//! The task that grants leases and fences brokers, as long as this node leads the metadata. It owns the table of leases, and waits for nothing but its mailbox,
//! the time, and a change of leadership: whatever takes longer is a task that sends it the outcome.

use std::sync::Arc;
use std::time::Duration;

use concurrency_models::image::Image;
use concurrency_models::mailbox::{Receiver, Sender};
use concurrency_models::raft_loop::{self, ProposeError};
use concurrency_models::reply::Reply;

use super::super::command::{Applied, Command};
use super::super::raft::{Node, Outcome};
use super::super::state::ClusterState;
use super::Fencing;
use super::beats::Beats;
use super::judgement::{Standing, Suspected, abandoned, standing, suspected};
use super::leases::Leases;
use super::protocol::{BrokerHeartbeat, Elect, ElectAnswer, HeartbeatAnswer};
use super::suspects::Suspects;
use super::under_way::{Beat, Suspicion, UnderWay, Waiting};
use crate::clock::Clock;
use crate::limits;
use crate::spawn::Spawner;
use crate::telemetry::{Metrics, Pulse};

/// What it wakes up for.
pub(in super::super) enum Event {
    /// A broker is there.
    Heartbeat { beat: BrokerHeartbeat, heard: Duration, reply: Reply<HeartbeatAnswer> },
    /// A follower suspects a leader.
    Elect { elect: Elect, reply: Reply<ElectAnswer> },
    /// Whether a majority has confirmed that this node leads.
    Confirmed(bool),
    /// What became of the command about this broker; `None` if that is not known.
    Decided(i32, Option<Outcome>),
    /// It is time to look, and nothing else has come.
    Time,
}

/// See the module.
pub(in super::super) struct Supervisor {
    node_id: i32,
    raft: Node,
    /// What is applied here.
    committed: Arc<Image<ClusterState>>,
    clock: Clock,
    spawner: Spawner,
    metrics: Metrics,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    leases: Leases,
    /// The Raft term in which it leads, if it does, and in which it has begun to count leases.
    term: Option<u64>,
    /// Heartbeats that are not confirmed.
    beats: Beats,
    /// Whether a read is under way.
    reading: bool,
    /// Whom followers suspect. In this term.
    suspects: Suspects,
    under_way: UnderWay,
}

impl Supervisor {
    /// Serves `inbox`, which is the end of `fencing`.
    #[expect(clippy::too_many_arguments, reason = "what it stands on, once")]
    pub(in super::super) fn new(
        node_id: i32,
        raft: Node,
        committed: Arc<Image<ClusterState>>,
        fencing: &Fencing,
        inbox: Receiver<Event>,
        clock: Clock,
        spawner: Spawner,
        metrics: Metrics,
    ) -> Self {
        Self {
            node_id,
            raft,
            committed,
            clock,
            spawner,
            metrics,
            events: fencing.events(),
            inbox,
            leases: Leases::default(),
            term: None,
            beats: Beats::default(),
            reading: false,
            suspects: Suspects::default(),
            under_way: UnderWay::default(),
        }
    }

    /// Runs until the Raft loop has ended.
    pub(in super::super) async fn run(mut self, pulse: Pulse) {
        let raft = self.raft.clone();
        let leadership = raft.leadership();
        let mut next_look = Duration::ZERO;
        loop {
            let seen = leadership.version();
            self.note_leadership();
            if self.clock.uptime() >= next_look {
                next_look = self.clock.uptime() + limits::BROKER_HEARTBEAT_INTERVAL;
                self.look();
            }
            let left = self.next_time(next_look).saturating_sub(self.clock.uptime());
            pulse.idle();
            let event = tokio::select! {
                biased;
                changed = leadership.at_least(seen + 1) => match changed {
                    Ok(_) => None,
                    Err(_ended) => return,
                },
                event = self.inbox.recv() => event,
                () = self.clock.sleep(left) => Some(Event::Time),
            };
            pulse.beat();
            self.note_leadership();
            match event {
                None => {}
                Some(Event::Heartbeat { beat, heard, reply }) => self.hear(Beat { beat, heard, reply }),
                Some(Event::Elect { elect, reply }) => self.suspect(Suspicion { elect, reply }),
                Some(Event::Confirmed(leads)) => self.confirm(leads),
                Some(Event::Decided(node_id, outcome)) => self.decided(node_id, outcome),
                Some(Event::Time) => self.fence_the_silent(),
            }
        }
    }

    /// Counts anew with each term: in between, somebody else may have granted leases.
    fn note_leadership(&mut self) {
        let leadership = self.raft.leadership().load();
        let term = leadership.is_leader.then_some(leadership.term);
        if term == self.term {
            return;
        }
        self.term = term;
        self.leases.begin(self.clock.uptime());
        self.suspects.clear();
        self.refuse_confirming();
        if term.is_none() {
            self.refuse_asked();
        }
    }

    /// When it wakes up by itself.
    fn next_time(&self, next_look: Duration) -> Duration {
        let next = self.suspects.next(&self.leases, |node_id, epoch| self.beats.is_of(node_id, epoch));
        next.map_or(next_look, |next| next.min(next_look))
    }

    /// What nobody asks for.
    fn look(&mut self) {
        self.read();
        let fenced = self.committed.load().brokers.values().filter(|broker| broker.fenced).count();
        self.metrics.fenced_brokers.set(i64::try_from(fenced).unwrap_or(i64::MAX));
    }

    fn hear(&mut self, beat: Beat) {
        if self.term.is_none() {
            return self.refuse(beat);
        }
        self.beats.hear(beat);
        self.read();
    }

    /// Has a majority confirm that this node leads, for all heartbeats that have come so far.
    fn read(&mut self) {
        if self.reading || !self.beats.is_asked() {
            return;
        }
        match self.raft.read_index() {
            Ok(mut waiting) => {
                self.reading = true;
                self.beats.begin();
                let events = self.events.clone();
                let _ends_by_itself = self.spawner.task(async move {
                    let outcome = waiting.outcome().await;
                    let leads = matches!(outcome, Ok(raft_loop::Outcome::Readable(_)));
                    let _ended = events.send(Event::Confirmed(leads)).await;
                });
            }
            Err(ProposeError::Dropped) => {} // nothing is committed in this term yet; the next look tries again
            Err(_) => self.refuse_asked(),
        }
    }

    /// When this comes, everything that was committed when the read began is in the image.
    fn confirm(&mut self, leads: bool) {
        self.reading = false;
        match leads {
            true => self.beats.take_confirming().for_each(|beat| self.judge(beat)),
            false => self.refuse_confirming(),
        }
        self.read();
    }

    /// A heartbeat that came before this node was confirmed to lead.
    fn judge(&mut self, beat: Beat) {
        let Some(beat) = self.under_way.hold(beat) else { return };
        let BrokerHeartbeat { node_id, broker_epoch, .. } = beat.beat;
        match standing(&self.committed.load(), &beat.beat) {
            Standing::Unfenced => {
                self.leases.grant(node_id, beat.heard); // before the broker hears of it
                self.suspects.acquit(node_id);
                self.metrics.broker_heartbeats_granted.inc();
                beat.answer(HeartbeatAnswer::Granted);
            }
            Standing::Ready => {
                self.propose(node_id, &Command::UnfenceBroker { node_id, broker_epoch });
                if let Some(beat) = self.under_way.hold(beat) {
                    self.refuse(beat);
                }
            }
            Standing::Behind => beat.answer(HeartbeatAnswer::Fenced),
            Standing::Stale => {
                self.metrics.broker_heartbeats_refused.inc();
                beat.answer(HeartbeatAnswer::StaleEpoch);
            }
        }
    }

    fn suspect(&mut self, suspicion: Suspicion) {
        if self.term.is_none() {
            return suspicion.answer(ElectAnswer::NotController);
        }
        match suspected(&self.committed.load(), &suspicion.elect) {
            Suspected::Earlier { leader_epoch, leader } => {
                suspicion.answer(ElectAnswer::Led { leader_epoch, leader });
            }
            Suspected::Nobody => suspicion.answer(ElectAnswer::Unknown),
            Suspected::Leader { node_id, broker_epoch } => {
                let Some(suspicion) = self.under_way.suspect(node_id, suspicion) else { return };
                if node_id != self.node_id {
                    self.suspects.suspect(node_id, broker_epoch);
                }
                suspicion.answer(ElectAnswer::Refused);
            }
        }
    }

    /// Fences those whose lease has expired: if they are suspected at once, if nobody follows them after some time. Not before the mailbox is empty: after a pause of this node there may
    /// be heartbeats in it.
    fn fence_the_silent(&mut self) {
        if self.term.is_none() {
            return; // whoever leads hears of them
        }
        let now = self.clock.uptime();
        let may_be_there = |node_id, epoch| self.beats.is_of(node_id, epoch);
        let suspected = self.suspects.take_expired(&self.leases, now, may_be_there);
        let state = self.committed.load();
        let abandoned = abandoned(&state, self.node_id, (&self.leases, now), may_be_there);
        for (node_id, broker_epoch) in suspected.into_iter().chain(abandoned) {
            self.fence(node_id, broker_epoch);
        }
    }

    /// To be called only when its lease has expired.
    fn fence(&mut self, node_id: i32, broker_epoch: i64) {
        self.propose(node_id, &Command::FenceBroker { node_id, broker_epoch });
    }

    /// Proposes a command about a broker, in the term that the leases are counted in. Nothing happens if another one is under way, or in another term.
    fn propose(&mut self, node_id: i32, command: &Command) {
        let Some(term) = self.term.filter(|_| !self.under_way.concerns(node_id)) else { return };
        let data = serde_json::to_vec(command).expect("a command has only keys that are strings");
        let Ok(mut waiting) = self.raft.propose_in(term, data) else { return };
        self.under_way.begin(node_id);
        let events = self.events.clone();
        let _ends_by_itself = self.spawner.task(async move {
            let outcome = match waiting.outcome().await {
                Ok(raft_loop::Outcome::Applied { value, .. }) => value,
                _ => None,
            };
            let _ended = events.send(Event::Decided(node_id, outcome)).await;
        });
    }

    /// What a command did is in the image. If it is not known, nobody may be granted anything for what it rested on.
    fn decided(&mut self, node_id: i32, outcome: Option<Outcome>) {
        let Waiting { beat, suspicions } = self.under_way.end(node_id);
        let Some(outcome) = outcome else {
            suspicions.into_iter().for_each(|suspicion| suspicion.answer(ElectAnswer::NotController));
            return beat.into_iter().for_each(|beat| self.refuse(beat));
        };
        if let Ok(applied) = &outcome.result {
            applied.count_elections(&self.metrics);
            self.tell(node_id, applied);
        }
        suspicions.into_iter().for_each(|suspicion| self.suspect(suspicion));
        beat.into_iter().for_each(|beat| self.judge(beat));
    }

    fn tell(&self, node_id: i32, applied: &Applied) {
        match applied {
            Applied::Fenced { moved } => {
                let silence = self.leases.silence(node_id, self.clock.uptime()).as_millis();
                tracing::warn!(
                    "node {node_id} is fenced: nothing heard of it for {silence} ms; {} partitions have new leaders, {} have none",
                    moved.elected + moved.unclean,
                    moved.leaderless
                );
            }
            Applied::Unfenced { .. } if node_id == self.node_id => {
                tracing::debug!("this node is unfenced"); // as at every start of a node of its own
            }
            Applied::Unfenced { moved } => {
                let led = moved.elected + moved.unclean;
                tracing::info!("node {node_id} is unfenced; it leads {led} partitions that had no leader");
            }
            _ => {}
        }
    }

    fn refuse(&self, beat: Beat) {
        self.metrics.broker_heartbeats_refused.inc();
        beat.answer(HeartbeatAnswer::NotController);
    }

    fn refuse_asked(&mut self) {
        self.beats.take_asked().for_each(|beat| self.refuse(beat));
    }

    fn refuse_confirming(&mut self) {
        self.beats.take_confirming().for_each(|beat| self.refuse(beat));
    }
}
