use std::sync::Arc;

use bytes::BytesMut;
use chronik_kafka::record_batch::BatchBuilder;
use chronik_log::TopicLogConfig;
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
        let clock = Clock::starting_at(0);
        let storage = storage::example::running(2, &clock);
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
        self.0.take(piece).await.unwrap();
        let mut synced = BTreeMap::new();
        while !self.0.state.under_way.is_empty() {
            let landed = first_landing(&mut self.0.state.under_way).await;
            self.0.state.under_way.pop_front();
            self.0.note(landed, &mut synced).unwrap();
        }
        (synced.get(&ID).map(|synced| synced.offset), self.0.state.partitions.next_ask_at())
    }

    /// Where its log ends, and its high watermark.
    fn log(&self) -> (i64, i64) {
        let partition = self.0.storage.partition(&ID).unwrap();
        (partition.durable().high_watermark, partition.high_watermark())
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
