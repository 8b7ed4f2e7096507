//! Those who append records to replicated partitions, and what they are told. Each sends one batch at a time, again and again until it is acknowledged: an
//! idempotent producer with `acks=all`. Two share a partition, so that what one has appended in vain may be in the place of what the other has appended since.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_server::clock::Clock;
use chronik_server::rng::Rng;
use chronik_server::shutdown::Shutdown;
use chronik_server::spawn::{Ended, Spawner};
use concurrency_models::mailbox::{self, Receiver, Sender};

use super::nodes::Doors;
use crate::client::{Client, Producer};

/// How many there are.
const WRITERS: u16 = 3;
/// How many topics they append to.
const TOPICS: u16 = 2;
/// Reports that wait to be noted.
const MAX_REPORTS: usize = 10_000;
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Virtual time between two batches at most.
const PAUSE_MS: u64 = 150;

/// All of them.
pub(crate) struct Writers {
    reports: (Sender<Report>, Receiver<Report>),
    /// By topic, by offset: what was acknowledged.
    acknowledged: BTreeMap<String, BTreeMap<i64, String>>,
    running: Vec<Ended>,
    stop: Shutdown,
}

struct Report {
    topic: String,
    base_offset: i64,
    values: Vec<String>,
}

/// The topic of a writer.
fn topic_of(number: u16) -> String {
    format!("records-{}", number % TOPICS)
}

/// The topics that they append to.
pub(crate) fn topics() -> impl Iterator<Item = String> {
    (0..TOPICS).map(topic_of)
}

impl Writers {
    pub(crate) fn new() -> Self {
        Self {
            reports: mailbox::channel(MAX_REPORTS),
            acknowledged: BTreeMap::new(),
            running: Vec::new(),
            stop: Shutdown::new(),
        }
    }

    /// They begin.
    pub(crate) fn start(&mut self, seed: u64, clock: &Clock, doors: &Doors, rng: &mut Rng) {
        for number in 0..WRITERS {
            let writer = Writer {
                seed,
                number,
                clock: clock.clone(),
                doors: doors.clone(),
                rng: rng.fork(),
                reports: self.reports.0.clone(),
                client: None,
            };
            let stop = self.stop.clone();
            self.running.push(Spawner::simulated().task(async move {
                tokio::select! {
                    biased;
                    () = stop.requested() => {}
                    () = writer.run() => {}
                }
            }));
        }
    }

    /// They end, in the middle of what they do.
    pub(crate) async fn stop(&mut self) {
        self.stop.request();
        for writer in &mut self.running {
            let _ended = writer.wait().await;
        }
    }

    /// Notes what was acknowledged; returns it in words.
    pub(crate) fn take_reports(&mut self, seed: u64) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(Report { topic, base_offset, values }) = self.reports.1.try_recv() {
            told.push(format!("{topic}: {} records at {base_offset}", values.len()));
            let acknowledged = self.acknowledged.entry(topic.clone()).or_default();
            for (offset, value) in (base_offset..).zip(values) {
                let before = acknowledged.insert(offset, value);
                assert_eq!(before, None, "seed {seed}: {topic}: offset {offset} was given twice");
            }
        }
        told
    }

    /// What was acknowledged, by offset.
    pub(crate) fn acknowledged(&self, topic: &str) -> Option<&BTreeMap<i64, String>> {
        self.acknowledged.get(topic)
    }

    /// Offset of the last record that was acknowledged.
    pub(crate) fn last_acknowledged(&self, topic: &str) -> Option<i64> {
        self.acknowledged(topic)?.keys().last().copied()
    }

    /// Records that were acknowledged.
    pub(crate) fn count(&self) -> usize {
        self.acknowledged.values().map(BTreeMap::len).sum()
    }
}

struct Writer {
    seed: u64,
    number: u16,
    clock: Clock,
    doors: Doors,
    rng: Rng,
    reports: Sender<Report>,
    /// A connection to some node.
    client: Option<Client>,
}

impl Writer {
    async fn run(mut self) {
        let mut producer = self.producer().await;
        for batch in 0u64.. {
            self.clock.sleep(Duration::from_millis(self.rng.below(PAUSE_MS))).await;
            let length = 1 + self.rng.below(3);
            let values: Vec<String> = (0..length).map(|n| format!("{}-{batch}-{n}", self.number)).collect();
            let base_offset = self.append(producer, &values).await;
            producer.next_sequence += i32::try_from(length).expect("small");
            let report = Report { topic: topic_of(self.number), base_offset, values };
            self.reports.send(report).await.ok().expect("the cluster listens");
        }
    }

    async fn producer(&mut self) -> Producer {
        loop {
            if let Ok(client) = self.client().await
                && let Ok(producer) = client.producer_id().await
            {
                return producer;
            }
            self.elsewhere().await;
        }
    }

    /// Sends the batch until it is acknowledged.
    async fn append(&mut self, producer: Producer, values: &[String]) -> i64 {
        let topic = topic_of(self.number);
        loop {
            let clock = self.clock.clone();
            let Ok(client) = self.client().await else {
                self.elsewhere().await;
                continue;
            };
            let answer = tokio::select! {
                biased;
                answer = client.produce(&topic, producer, values) => answer,
                () = clock.sleep(PATIENCE) => Err(io::ErrorKind::TimedOut.into()),
            };
            match answer {
                Ok(Ok(base_offset)) => return base_offset,
                Ok(Err(error)) => {
                    assert!(is_passing(error), "seed {}: {topic}: {error}", self.seed);
                    self.elsewhere().await;
                }
                Err(_lost) => self.elsewhere().await,
            }
        }
    }

    async fn client(&mut self) -> io::Result<&mut Client> {
        if self.client.is_none() {
            let doors = self.doors.load(); // of all that were ever started
            let drawn = usize::try_from(self.rng.below(doors.len() as u64)).expect("few");
            let door = doors.values().nth(drawn).cloned().ok_or(io::ErrorKind::NotConnected)?;
            self.client = Some(Client::connect(&door, self.number).await?);
        }
        self.client.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Another node may be the one.
    async fn elsewhere(&mut self) {
        self.client = None;
        self.clock.sleep(Duration::from_millis(10 + self.rng.below(40))).await;
    }
}

/// Whether a producer is to try again.
fn is_passing(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::NOT_LEADER_OR_FOLLOWER
            | ErrorCode::NOT_ENOUGH_REPLICAS
            | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
            | ErrorCode::REQUEST_TIMED_OUT
            | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode::KAFKA_STORAGE_ERROR
    )
}
