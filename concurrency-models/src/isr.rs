//! The replicas of a partition: what each has on its disk, who is in sync, and how far the log is committed.
//!
//! The *high watermark* is the minimum over the maximal in-sync set of what each replica has acknowledged. It never goes back. A produce with
//! `acks=all` is told that it is committed when the high watermark passes its end *in the leader epoch in which it was appended*, and otherwise that
//! this epoch is over: the same position may be reached again by other records.
//!
//! Everything is behind one [`Fence`], so nobody can touch a replica, or read what he waits for, without the epoch that he means. Request handlers
//! append and wait, receivers of the followers' acknowledgements acknowledge, the applier of metadata changes the leader and the in-sync set.
//!
//! Who reads the log takes the high watermark first and the picture of the log then, and the leader publishes a picture before it acknowledges what is
//! in it (see [`crate::publication`]).

mod replicas;
mod sent;

use std::collections::BTreeSet;
use std::fmt;

use crate::epoch::{Fence, Fenced, Leadership, NodeId, Refused, Role};
use replicas::Replicas;
pub use replicas::{Acknowledgement, Assignment, Change, NotProposed};
pub use sent::Sent;

/// One partition on one node.
pub struct Isr(Fence<Replicas>);

/// An append that was let in, and the epoch in which it was. Made only by [`Isr::append`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended<A> {
    epoch: i32,
    min_in_sync: usize,
    /// What the append returned.
    pub value: A,
}

impl<A> Appended<A> {
    /// What the append returned, and what to wait for the commit with.
    pub fn split(self) -> (A, Appended<()>) {
        let Self { epoch, min_in_sync, value } = self;
        (value, Appended { epoch, min_in_sync, value: () })
    }

    /// How many replicas had to be in sync, and must be when it is committed.
    pub fn min_in_sync(&self) -> usize {
        self.min_in_sync
    }
}

/// An append was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAppended {
    /// Kafka's `NOT_LEADER_OR_FOLLOWER`; who leads instead.
    NotLeader(Leadership),
    /// Kafka's `NOT_ENOUGH_REPLICAS`.
    NotEnoughReplicas {
        /// How many are in sync.
        in_sync: usize,
    },
}

/// An append was made, and whether it is committed is not known, or not in the way that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCommitted {
    /// Kafka's `NOT_LEADER_OR_FOLLOWER`: its epoch is over; who leads instead.
    NotLeader(Leadership),
    /// Kafka's `NOT_ENOUGH_REPLICAS_AFTER_APPEND`: all in-sync replicas have it, and they are too few.
    NotEnoughReplicasAfterAppend {
        /// How many are in sync.
        in_sync: usize,
    },
}

impl Isr {
    /// The partition on node `me`, its log committed up to `high_watermark` as far as this node has known. No leader is known.
    pub fn new(me: NodeId, high_watermark: i64) -> Self {
        Self(Fence::new(Replicas::new(me, high_watermark)))
    }

    /// This node leads from now on; its log ends at `log_end_offset`. What the replicas acknowledged in earlier epochs does not count. To be called by
    /// the one who changes the log, between two changes: see [`in_turn`](Self::in_turn).
    ///
    /// # Errors
    /// The epoch is not newer, or the partition is closed.
    pub fn lead(
        &self,
        epoch: i32,
        assignment: Assignment,
        log_end_offset: i64,
        now_ms: i64,
    ) -> Result<(), Refused> {
        self.0.become_leader(epoch, |replicas| replicas.begin(assignment, log_end_offset, now_ms))
    }

    /// `leader` leads from now on. What it sends, such as where to cut the log, is queued after this has returned; so everything that was queued before by
    /// [`append`](Self::append) comes before it, and what a leader before has [`Sent`] comes to nothing if its turn is later.
    ///
    /// # Errors
    /// The epoch is not newer, or the partition is closed.
    pub fn follow(&self, epoch: i32, leader: NodeId) -> Result<(), Refused> {
        self.0.become_follower(epoch, leader, |replicas| replicas.end())
    }

    /// Ends it: nothing is appended any more, and whoever waits learns that.
    pub fn close(&self) {
        self.0.close();
    }

    /// Who leads.
    pub fn leadership(&self) -> Leadership {
        self.0.current()
    }

    /// Waits until another leadership holds than `seen`, and returns it.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    pub async fn leadership_after(&self, seen: Leadership) -> Leadership {
        self.0.changed(seen).await
    }

    /// Appends, if this node leads in `epoch` and at least `min_in_sync` replicas are in sync (`min.insync.replicas` for `acks=all`, else 0).
    /// `append` queues the records for the log; it runs in the critical section of the check, so that the order in the queue is that of the
    /// epochs, and no append follows a shrink that forbids it.
    ///
    /// # Errors
    /// Not the leader, or too few in sync; then `append` is not called.
    pub fn append<A>(
        &self,
        epoch: i32,
        min_in_sync: usize,
        append: impl FnOnce() -> A,
    ) -> Result<Appended<A>, NotAppended> {
        let appended = self.0.guarded(Leadership::leader(epoch), |replicas| {
            let in_sync = replicas.in_sync().len();
            if in_sync < min_in_sync {
                return Err(NotAppended::NotEnoughReplicas { in_sync });
            }
            Ok(Appended { epoch, min_in_sync, value: append() })
        });
        appended.unwrap_or_else(|fenced| Err(NotAppended::NotLeader(fenced.current)))
    }

    /// A follower's half: the turn of `sent` has come in the queue of the log. To be called by the one who changes the log. He is also the only one that calls
    /// [`lead`](Self::lead), and does not before what this has given out is done; so nothing that was sent to a follower gets into the log of a leader.
    /// The leadership may end meanwhile, for another leader's: whatever that one sends has a later turn.
    ///
    /// # Errors
    /// Another leadership holds: it is not to be carried out.
    pub fn in_turn<T>(&self, sent: Sent<T>) -> Result<T, Fenced> {
        let Sent { leadership, value } = sent;
        self.0.guarded(leadership, |_| value)
    }

    /// Waits until the log is committed up to `end_offset`, where `appended` ends, and returns the high watermark.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    ///
    /// # Errors
    /// The epoch of the append is over, or too few replicas are left in sync.
    pub async fn committed<A>(&self, appended: &Appended<A>, end_offset: i64) -> Result<i64, NotCommitted> {
        let Appended { epoch, min_in_sync, .. } = *appended;
        let committed = self.0.until(Leadership::leader(epoch), end_offset, move |replicas| {
            (replicas.high_watermark() >= end_offset)
                .then(|| (replicas.high_watermark(), replicas.in_sync().len()))
        });
        match committed.await {
            Err(fenced) => Err(NotCommitted::NotLeader(fenced.current)),
            Ok((_, in_sync)) if in_sync < min_in_sync => {
                Err(NotCommitted::NotEnoughReplicasAfterAppend { in_sync })
            }
            Ok((high_watermark, _)) => Ok(high_watermark),
        }
    }

    /// Waits until records can be read up to `offset`, and returns the high watermark: a fetch's long poll.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    ///
    /// # Errors
    /// Another leadership holds than the one in which the fetch began.
    pub async fn readable_to(&self, leadership: Leadership, offset: i64) -> Result<i64, Fenced> {
        let readable = self.0.until(leadership, offset, move |replicas| {
            Some(replicas.high_watermark()).filter(|high_watermark| *high_watermark >= offset)
        });
        readable.await
    }

    /// A replica, or this node itself, has synced its log up to an offset. Returns the high watermark that follows.
    ///
    /// # Errors
    /// This node does not lead in `epoch`. (What a stranger says, or another life of a replica, changes nothing and is no error.)
    pub fn acknowledge(&self, epoch: i32, said: Acknowledgement) -> Result<i64, Fenced> {
        self.change(epoch, |replicas| replicas.acknowledge(said))
    }

    /// A replica has restarted, and is in `broker_epoch` from now on: what its former life has acknowledged does not count.
    ///
    /// # Errors
    /// This node does not lead in `epoch`.
    pub fn restarted(&self, epoch: i32, node: NodeId, broker_epoch: i64) -> Result<i64, Fenced> {
        self.change(epoch, |replicas| replicas.restart(node, broker_epoch))
    }

    /// The metadata has committed the in-sync set that belongs to `partition_epoch`. One that is not newer than what is known changes
    /// nothing. Returns the high watermark that follows.
    ///
    /// # Errors
    /// This node does not lead in `epoch`.
    pub fn apply(&self, epoch: i32, in_sync: BTreeSet<NodeId>, partition_epoch: i32) -> Result<i64, Fenced> {
        self.change(epoch, |replicas| replicas.apply(in_sync, partition_epoch))
    }

    /// The metadata leader has refused `change` for good. (A change without an answer may yet be committed: it stays on its way.) Returns the high
    /// watermark that follows.
    ///
    /// # Errors
    /// This node does not lead any more in the epoch of the change.
    pub fn withdraw(&self, change: &Change) -> Result<i64, Fenced> {
        self.change(change.leader_epoch, |replicas| replicas.withdraw(change))
    }

    /// A change of what the high watermark is the minimum of.
    fn change(&self, epoch: i32, change: impl FnOnce(&mut Replicas) -> bool) -> Result<i64, Fenced> {
        self.0.guarded(Leadership::leader(epoch), |replicas| {
            if !change(replicas) {
                return replicas.high_watermark();
            }
            let high_watermark = replicas.advance();
            replicas.reached(high_watermark);
            high_watermark
        })
    }

    /// A follower has learned its leader's high watermark, and has the log up to there.
    ///
    /// # Errors
    /// Another leadership holds.
    pub fn learn(&self, leadership: Leadership, high_watermark: i64) -> Result<i64, Fenced> {
        self.0.guarded(leadership, |replicas| {
            let high_watermark = replicas.learn(high_watermark);
            replicas.reached(high_watermark);
            high_watermark
        })
    }

    /// This node has synced its own log up to `offset`. To be called by the one who owns the log, who also calls [`lead`](Self::lead). Returns the high
    /// watermark that follows; unless this node leads, that is no news.
    pub fn synced(&self, offset: i64, now_ms: i64) -> i64 {
        let Leadership { epoch, role } = self.leadership();
        match role {
            Role::Leader => self.change(epoch, |replicas| replicas.synced(offset, now_ms)),
            Role::Follower { .. } | Role::Offline => Ok(self.high_watermark()),
        }
        .unwrap_or_else(|_deposed| self.high_watermark())
    }

    /// Proposes to remove the followers that lag behind for longer than `max_lag_ms` (`replica.lag.time.max.ms`). Until the change is committed they still
    /// count.
    ///
    /// # Errors
    /// Nobody lags, another change is on its way, or this node does not lead in `epoch`.
    pub fn propose_shrink(&self, epoch: i32, now_ms: i64, max_lag_ms: i64) -> Result<Change, NotProposed> {
        self.propose(epoch, |replicas| {
            let lagging = replicas.lagging(now_ms, max_lag_ms);
            replicas.shrink(epoch, &lagging)
        })
    }

    /// Proposes to add a follower that has caught up. It counts from now on.
    ///
    /// # Errors
    /// It has not caught up, is no replica in this broker epoch, is in already, another change is on its way, or this node does not lead in `epoch`.
    pub fn propose_expand(&self, epoch: i32, node: NodeId, broker_epoch: i64) -> Result<Change, NotProposed> {
        self.propose(epoch, |replicas| replicas.expand(epoch, node, broker_epoch))
    }

    fn propose(
        &self,
        epoch: i32,
        propose: impl FnOnce(&mut Replicas) -> Result<Change, NotProposed>,
    ) -> Result<Change, NotProposed> {
        let proposed = self.0.guarded(Leadership::leader(epoch), |replicas| propose(replicas));
        proposed.unwrap_or(Err(NotProposed::NotLeader))
    }

    /// The first offset that is not committed.
    pub fn high_watermark(&self) -> i64 {
        self.0.read(|_, replicas| replicas.high_watermark())
    }

    /// Whether this node leads and the high watermark has come up to where it began to: before, it may be behind that of the leader before, and offsets
    /// that clients were told may seem to go back (KIP-207).
    pub fn is_established(&self) -> bool {
        self.0.read(|leadership, replicas| leadership.role == Role::Leader && replicas.is_established())
    }

    /// Who is in sync by the metadata; empty unless this node leads.
    pub fn in_sync(&self) -> BTreeSet<NodeId> {
        self.0.read(|leadership, replicas| match leadership.role {
            Role::Leader => replicas.in_sync().clone(),
            Role::Follower { .. } | Role::Offline => BTreeSet::new(),
        })
    }

    /// How many wait for the high watermark.
    pub fn waiting(&self) -> usize {
        self.0.waiting()
    }
}

impl fmt::Debug for Isr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.read(|leadership, replicas| {
            let mut isr = f.debug_struct("Isr");
            isr.field("leadership", &leadership)
                .field("high_watermark", &replicas.high_watermark())
                .finish_non_exhaustive()
        })
    }
}
