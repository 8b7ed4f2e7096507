//! One run of the simulation: everything in it is decided by the seed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chronik_log::disk::sim::Crash;
use chronik_log::disk::{Disk, OpenMode, SimDisk};
use chronik_server::clock::Clock;
use chronik_server::config::{Config, HostPort, Loaded};
use chronik_server::node::{Node, Seams};
use chronik_server::rng::Rng;
use chronik_server::shutdown::Shutdown;
use chronik_server::spawn::{Ended, Spawner};
use chronik_server::transport::{Listener, MemoryConnector};
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::reply;

use crate::client::Client;

const CLIENTS: u16 = 3;
const TOPICS: u64 = 2;
/// Batches that each client tries to append.
const BATCHES: u64 = 25;
/// Events that wait to be written down.
const MAX_EVENTS: usize = 10_000;
/// The wall clock at the beginning: 2026-01-01.
pub(crate) const EPOCH_MS: i64 = 1_767_225_600_000;

/// How the first half of a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    PowerCut,
    Stopped,
}

/// What happened.
pub(crate) struct Trace {
    /// Every event with its virtual time.
    pub lines: Vec<String>,
    /// Names and contents of all files at the end.
    pub disk_digest: u64,
    pub acknowledged: usize,
    pub ending: Ending,
}

/// By topic: the acknowledged values by offset.
type Acknowledged = BTreeMap<String, BTreeMap<i64, String>>;

/// What a client reports.
enum Event {
    Line(String),
    Acknowledged { topic: String, offset: i64, value: String },
}

pub(crate) struct World {
    seed: u64,
    rng: Rng,
    lines: Vec<String>,
    acknowledged: Acknowledged,
}

impl World {
    /// Runs the seed, and panics with it in the message when something acknowledged is missing.
    pub(crate) fn run(seed: u64) -> Trace {
        let mut world =
            Self { seed, rng: Rng::seeded(seed), lines: Vec::new(), acknowledged: Acknowledged::new() };
        let disk = SimDisk::new(seed);
        let cut_after = (world.rng.below(5) != 0).then(|| 20 + world.rng.below(300));
        if let Some(ops) = cut_after {
            disk.crash_after(ops);
        }
        let power_failed = runtime().block_on(world.write(&disk));
        let ending = if power_failed { Ending::PowerCut } else { Ending::Stopped };
        let crash = match world.rng.below(3) {
            0 => Crash::Lost,
            1 => Crash::Kept,
            _ => Crash::Torn(world.rng.below(u64::MAX)),
        };
        world.line(&format!("{ending:?}, then {crash:?}"));
        let disk = disk.crash(crash);
        runtime().block_on(world.check(&disk));
        let acknowledged = world.acknowledged.values().map(BTreeMap::len).sum();
        Trace {
            lines: world.lines,
            disk_digest: digest(&disk, Path::new(""), 0xcbf2_9ce4_8422_2325),
            acknowledged,
            ending,
        }
    }

    fn line(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    /// Clients write and read until they are done or the node is gone. Returns whether the power failed.
    async fn write(&mut self, disk: &SimDisk) -> bool {
        let clock = Clock::starting_at(EPOCH_MS);
        let Ok((node, connector, shutdown)) = start(disk, &clock, self.rng.fork()).await else { return true };
        let (ended, mut node_ended) = reply::channel();
        let _node = Spawner::simulated().task(async move {
            let _ = ended.send(node.run().await);
        });
        let (events, mut reported) = mailbox::channel(MAX_EVENTS);
        let mut clients: Vec<Ended> = Vec::new();
        for number in 0..CLIENTS {
            let writer =
                Writer { number, rng: self.rng.fork(), clock: clock.clone(), events: events.clone() };
            clients.push(Spawner::simulated().task(writer.run(connector.clone())));
        }
        drop(events);
        for mut client in clients {
            let _ = client.wait().await;
        }
        shutdown.request();
        let end = node_ended.wait().await;
        self.take(&mut reported).await;
        self.line(&format!("{} ms: the node has ended: {end:?}", clock.uptime().as_millis()));
        end != Ok(chronik_server::node::End::Stopped)
    }

    async fn take(&mut self, reported: &mut Receiver<Event>) {
        while let Some(event) = reported.recv().await {
            match event {
                Event::Line(line) => self.lines.push(line),
                Event::Acknowledged { topic, offset, value } => {
                    let before = self.acknowledged.entry(topic).or_default().insert(offset, value);
                    assert_eq!(before, None, "seed {}: offset {offset} was given twice", self.seed);
                }
            }
        }
    }

    /// A node on what the disk kept has everything that was acknowledged, and goes on.
    async fn check(&mut self, disk: &SimDisk) {
        let (seed, clock) = (self.seed, Clock::starting_at(EPOCH_MS + 3_600_000));
        let started = start(disk, &clock, self.rng.fork()).await;
        let (node, connector, shutdown) =
            started.unwrap_or_else(|error| panic!("seed {seed}: no second start: {error}"));
        let mut node_ended = Spawner::simulated().task(async move {
            let _ = node.run().await;
        });
        let mut client = Client::connect(&connector, 99).await.expect("a connection");
        for (topic, acknowledged) in std::mem::take(&mut self.acknowledged) {
            let found = read_all(&mut client, &topic)
                .await
                .unwrap_or_else(|error| panic!("seed {seed}, {topic}: {error}"));
            self.line(&format!("{topic}: {} acknowledged, {} found", acknowledged.len(), found.len()));
            let dense =
                found.iter().enumerate().all(|(index, (offset, _))| i64::try_from(index) == Ok(*offset));
            assert!(dense, "seed {seed}, {topic}: offsets have gaps");
            for (offset, value) in &acknowledged {
                let at =
                    usize::try_from(*offset).ok().and_then(|index| found.get(index)).map(|(_, value)| value);
                assert_eq!(at, Some(value), "seed {seed}, {topic}, offset {offset}: lost or changed");
            }
            let mut values: Vec<&String> = found.iter().map(|(_, value)| value).collect();
            values.sort();
            values.dedup();
            assert_eq!(values.len(), found.len(), "seed {seed}, {topic}: a record is there twice");
            self.acknowledged.insert(topic, acknowledged);
        }
        let producer = client.producer_id().await.expect("life goes on");
        client.ensure_topic("after").await.expect("a topic");
        let after = client.produce("after", producer, &["more".to_owned()]).await.expect("an answer");
        assert_eq!(after, Ok(0), "seed {seed}");
        drop(client);
        shutdown.request();
        let _ = node_ended.wait().await;
    }
}

/// One client that appends batches with random pauses and reads now and then.
struct Writer {
    number: u16,
    rng: Rng,
    clock: Clock,
    events: Sender<Event>,
}

impl Writer {
    async fn run(mut self, connector: MemoryConnector) {
        if let Err(error) = self.work(&connector).await {
            self.say(&format!("ends: {error}")).await;
        }
    }

    async fn work(&mut self, connector: &MemoryConnector) -> io::Result<()> {
        let mut client = Client::connect(connector, self.number).await?;
        let mut producer = client.producer_id().await?;
        // A sequence counts per partition: each client stays with its topic.
        let topic = format!("topic-{}", u64::from(self.number) % TOPICS);
        let created = client.ensure_topic(&topic).await?;
        self.say(&format!("producer {}, {topic}: {created}", producer.id)).await;
        for batch in 0..BATCHES {
            self.clock.sleep(Duration::from_millis(self.rng.below(20))).await;
            let length = 1 + self.rng.below(4);
            let values: Vec<String> = (0..length).map(|n| format!("{}-{batch}-{n}", self.number)).collect();
            match client.produce(&topic, producer, &values).await? {
                Ok(base_offset) => {
                    producer.next_sequence += i32::try_from(length).expect("small");
                    self.say(&format!("{topic}: {length} records at {base_offset}")).await;
                    self.acknowledge(&topic, base_offset, values).await;
                }
                Err(error) => return self.say_failed(error).await,
            }
            if self.rng.below(4) == 0 {
                let from = i64::try_from(self.rng.below(10)).expect("small");
                let fetched = client.fetch(&topic, from, 50).await?;
                let seen = fetched.map(|(records, high_watermark)| (records.len(), high_watermark));
                self.say(&format!("{topic}: read from {from}: {seen:?}")).await;
            }
        }
        Ok(())
    }

    async fn acknowledge(&self, topic: &str, base_offset: i64, values: Vec<String>) {
        for (offset, value) in (base_offset..).zip(values) {
            let event = Event::Acknowledged { topic: topic.to_owned(), offset, value };
            self.events.send(event).await.ok().expect("the world listens");
        }
    }

    async fn say(&self, what: &str) {
        let line = format!("{} ms: client {} {what}", self.clock.uptime().as_millis(), self.number);
        self.events.send(Event::Line(line)).await.ok().expect("the world listens");
    }

    async fn say_failed(&self, error: chronik_kafka::ErrorCode) -> io::Result<()> {
        Err(io::Error::other(format!("refused: {error}")))
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

pub(crate) async fn start(
    disk: &SimDisk,
    clock: &Clock,
    rng: Rng,
) -> Result<(Node, MemoryConnector, Shutdown), chronik_server::node::StartError> {
    let (listener, connector) = Listener::memory();
    let seams = Seams {
        clock: clock.clone(),
        spawner: Spawner::simulated(),
        rng,
        disk: Arc::new(disk.clone()),
        listeners: vec![(listener, HostPort::new("simulated", 9092))],
        admin: None,
        quorum: None,
    };
    let shutdown = Shutdown::new();
    let config = Config {
        checkpoint_interval_ms: 100,
        wal_segment_bytes: 1 << 20,
        log_segment_bytes: 16_384,
        offsets_topic_num_partitions: 4,
        log_cleaner_backoff_ms: 50,
        ..Config::default()
    };
    let loaded = Loaded { config, ..Loaded::default() };
    let node = Node::start(&loaded, seams, shutdown.clone(), |_| {}).await?;
    Ok((node, connector, shutdown))
}

async fn read_all(client: &mut Client, topic: &str) -> io::Result<Vec<(i64, String)>> {
    let mut found: Vec<(i64, String)> = Vec::new();
    loop {
        let next = found.last().map_or(0, |(offset, _)| offset + 1);
        let fetched = client.fetch(topic, next, 0).await?;
        let (records, high_watermark) = fetched.map_err(|error| io::Error::other(error.to_string()))?;
        found.extend(records);
        if found.last().map_or(0, |(offset, _)| offset + 1) >= high_watermark {
            return Ok(found);
        }
    }
}

/// FNV-1a over names and contents, folders in order of name.
fn digest(disk: &SimDisk, folder: &Path, mut hash: u64) -> u64 {
    let mut entries = disk.read_dir(folder).expect("a folder");
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    for entry in entries {
        let path = folder.join(&entry.name);
        hash = mix(hash, entry.name.as_bytes());
        if entry.is_dir {
            hash = digest(disk, &path, hash);
        } else {
            let file = disk.open(&path, OpenMode::ReadOnly).expect("a file");
            let mut contents = vec![0; usize::try_from(entry.len).expect("in memory")];
            file.read_at(&mut contents, 0).expect("readable");
            hash = mix(hash, &contents);
        }
    }
    hash
}

fn mix(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
