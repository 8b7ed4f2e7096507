use std::sync::Arc;

use bytes::BytesMut;
use chronik_kafka::record_batch::BatchBuilder;
use chronik_log::TopicLogConfig;
use chronik_log::disk::SimDisk;
use concurrency_models::isr::Assignment;
use concurrency_models::mailbox;
use uuid::Uuid;

use super::*;
use crate::peer::example::nobody;
use crate::storage;
use crate::telemetry::Metrics;

const ID: PartitionId = PartitionId { topic_id: Uuid::nil(), partition: 0 };
const LEADER: i32 = 1;
const EPOCH: i32 = 3;
const SESSION: u64 = 1;

/// Node 2 follows node 1, and cannot speak to it: what it would say is looked at.
struct Follower(Receiver);

impl Follower {
    async fn new() -> Self {
        Self::on(SimDisk::new(1)).await
    }

    async fn on(disk: SimDisk) -> Self {
        let clock = Clock::starting_at(0);
        let storage = storage::example::running(2, &clock, disk);
        storage.create_partitions([ID].into_iter(), &Arc::new(TopicLogConfig::default())).await.unwrap();
        storage.partition(&ID).unwrap().isr().follow(EPOCH, LEADER).unwrap();
        let mut state = State { session: SESSION, ..State::default() };
        state.partitions.follow(ID, EPOCH, clock.uptime());
        let (_nothing_is_said, events) = mailbox::channel(1);
        Self(Receiver {
            leader: LEADER,
            peer: 1,
            peers: nobody(2, &clock),
            storage,
            clock,
            broker_epoch: Arc::new(Image::new(1)),
            metrics: StreamMetrics::of(&Metrics::new(), LEADER),
            events,
            state,
        })
    }

    /// Asks as it would if it had a connection; returns the ask's number.
    async fn ask(&mut self) -> u64 {
        let due = self.0.state.partitions.due(self.0.clock.uptime());
        let positions = self.0.storage.with_log(move |log| positions(log, due)).await.unwrap();
        let log_ends = positions.iter().map(|position| (position.id, position.log_end_offset));
        self.0.state.partitions.ask(log_ends)
    }

    /// Takes a piece. Returns up to where it would say then that its log is synced, and when it would ask the leader again.
    async fn take(&mut self, piece: Records) -> (Option<i64>, Option<Duration>) {
        self.queue([piece]).await;
        (self.synced().await, self.ask_at())
    }

    /// Takes pieces; none has landed yet.
    async fn queue<const N: usize>(&mut self, pieces: [Records; N]) {
        for piece in pieces {
            self.0.take(piece).await.unwrap();
        }
    }

    /// Waits until everything has landed. Returns up to where it would say that its log is synced.
    async fn synced(&mut self) -> Option<i64> {
        let mut synced = BTreeMap::new();
        while !self.0.state.under_way.is_empty() {
            let landed = first_landing(&mut self.0.state.under_way).await;
            self.0.state.under_way.pop_front();
            self.0.note(landed, &mut synced).unwrap();
        }
        synced.get(&ID).map(|synced| synced.offset)
    }

    fn ask_at(&self) -> Option<Duration> {
        self.0.state.partitions.next_ask_at()
    }

    /// Where its log ends, and its high watermark.
    fn log(&self) -> (i64, i64) {
        let partition = self.0.storage.partition(&ID).unwrap();
        (partition.log_end_offset(), partition.high_watermark())
    }
}

/// A piece of so many batches of one record each, all of them committed.
fn piece(ask: u64, from: i64, to: i64) -> Records {
    let mut batches = BytesMut::new();
    for offset in from..to {
        let mut batch = BatchBuilder::new().base_offset(offset).leader_epoch(EPOCH);
        batch.record(0, None, Some(b"value"));
        batch.build().write_to(&mut batches);
    }
    let (high_watermark, log_start_offset, batches) = (to, 0, batches.freeze());
    let (session, id, leader_epoch) = (SESSION, ID, EPOCH);
    Records { session, ask, id, leader_epoch, from, to, high_watermark, log_start_offset, batches }
}

/// A piece of one batch that is larger than what a log has in reserve.
fn large_piece(ask: u64, from: i64) -> Records {
    let mut batch = BatchBuilder::new().base_offset(from).leader_epoch(EPOCH);
    batch.record(0, None, Some(&vec![7; 4 << 20]));
    let (to, batches) = (from + 1, batch.build().to_bytes());
    Records { to, high_watermark: to, batches, ..piece(ask, from, from) }
}

/// Its leader's disk has rotted. A follower that says that it has such a piece makes the leader commit what it does not have.
#[tokio::test(start_paused = true)]
async fn of_a_damaged_piece_nothing_is_synced_and_it_is_asked_for_again() {
    let whole = piece(1, 1, 3).batches;
    let flipped = |at: usize| {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 1;
        Bytes::from(bytes)
    };
    let last = whole.len() - 1;
    for (damage, batches) in [
        ("a bit of the last record", flipped(last)),
        ("a bit of the first batch", flipped(whole.len() / 2 - 1)),
        ("a bit of a length", flipped(11)),
        ("the end is missing", whole.slice(..last)),
    ] {
        let mut follower = Follower::new().await;
        let ask = follower.ask().await;
        assert_eq!(follower.take(piece(ask, 0, 1)).await, (Some(1), None), "{damage}");

        let ask_again = follower.0.clock.uptime() + limits::STREAM_ASK_AGAIN;
        let damaged = Records { batches, ..piece(ask, 1, 3) };
        let cost_before = follower.0.state.consumed;
        let dealt_with = cost(&damaged);
        assert_eq!(follower.take(damaged).await, (None, Some(ask_again)), "{damage}");
        assert_eq!(follower.0.state.consumed, cost_before + dealt_with, "{damage}: it takes room no longer");
        assert_eq!(follower.take(piece(ask, 3, 4)).await, (None, Some(ask_again)), "{damage}: behind a hole");
        assert_eq!(follower.log(), (1, 1), "{damage}");

        tokio::time::advance(limits::STREAM_ASK_AGAIN).await;
        let ask = follower.ask().await;
        assert_eq!(follower.take(piece(ask, 1, 3)).await, (Some(3), None), "{damage}: another one");
        assert_eq!(follower.log(), (3, 3), "{damage}");
    }
}

/// An empty piece tells of a higher high watermark, and lands even if the log has not what was before it.
#[tokio::test(start_paused = true)]
async fn what_was_refused_is_not_synced_by_what_comes_behind_it() {
    let disk = SimDisk::new(1);
    let mut follower = Follower::on(disk.clone()).await;
    let ask = follower.ask().await;
    assert_eq!(follower.take(piece(ask, 0, 1)).await, (Some(1), None));
    disk.set_capacity(Some(disk.used_bytes()));
    let large = large_piece(ask, 1);
    let (end, ask_again) = (large.to, follower.0.clock.uptime() + limits::STREAM_ASK_AGAIN);
    follower.queue([large.clone(), piece(ask, end, end)]).await;
    assert_eq!((follower.synced().await, follower.ask_at()), (None, Some(ask_again)));
    assert_eq!(follower.log(), (1, 1), "committed without it");

    disk.set_capacity(None);
    let mut asks = 0;
    while follower.log().0 == 1 && asks < 20 {
        tokio::time::advance(limits::STREAM_ASK_AGAIN).await;
        let ask = follower.ask().await;
        follower.queue([Records { ask, ..large.clone() }, piece(ask, end, end)]).await;
        let synced = follower.synced().await;
        assert_eq!(synced.is_some(), follower.log() == (end, end), "{synced:?}, {:?}", follower.log());
        asks += 1;
    }
    assert_eq!(follower.log(), (end, end), "there is room again");
}

/// Both were sent before the old leader knew.
#[tokio::test(start_paused = true)]
async fn who_leads_by_now_has_synced_nothing_for_the_leader_before() {
    let mut follower = Follower::new().await;
    let ask = follower.ask().await;
    let assignment = Assignment { replicas: [(2, 1)].into(), in_sync: [2].into(), partition_epoch: 1 };
    follower.0.storage.partition(&ID).unwrap().isr().lead(EPOCH + 1, assignment, 0, 0).unwrap();
    follower.queue([piece(ask, 0, 1), piece(ask, 1, 1)]).await;
    assert_eq!((follower.synced().await, follower.log()), (None, (0, 0)));
}

#[tokio::test(start_paused = true)]
async fn behind_a_hole_the_stream_begins_anew() {
    let mut follower = Follower::new().await;
    follower.0.state.connected = true;
    let ask = follower.ask().await;
    assert_eq!(follower.take(piece(ask, 0, 1)).await.0, Some(1));
    follower.0.take(piece(ask, 2, 3)).await.unwrap();
    assert!(follower.0.state.session > SESSION);
    assert_eq!(follower.log().0, 1);
}
