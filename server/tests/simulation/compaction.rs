//! A compacted topic in a whole node: a writer, readers and the cleaner at once, the power cut at any operation.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_kafka::message::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use chronik_kafka::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use chronik_kafka::record_batch::{BatchBuilder, RecordBatch};
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_server::clock::Clock;
use chronik_server::rng::Rng;
use chronik_server::spawn::Spawner;
use chronik_server::transport::MemoryConnector;
use concurrency_models::mailbox::{self, Sender};

use crate::client::{Client, values};
use crate::world::{runtime, start};

const TOPIC: &str = "state";
const KEYS: u64 = 6;
const BATCHES: u64 = 100;
const READERS: u16 = 2;
/// Milliseconds between two looks of a reader at all there is, at most.
const READER_PAUSE_MS: u64 = 600;
const EPOCH_MS: i64 = 1_767_225_600_000;

/// What a run came to.
pub(crate) struct Outcome {
    pub(crate) power_cut: bool,
    pub(crate) acknowledged: usize,
    /// Records that were produced and are not there any more.
    pub(crate) gone: usize,
}

/// Runs the seed, and panics with it in the message when the last value of a key is missing.
pub(crate) fn run(seed: u64) -> Outcome {
    let mut rng = Rng::seeded(seed);
    let disk = SimDisk::new(seed);
    if rng.below(4) != 0 {
        disk.crash_after(40 + rng.below(900));
    }
    let (acknowledged, power_cut) = runtime().block_on(write(seed, &disk, &mut rng));
    let crash = match rng.below(3) {
        0 => Crash::Lost,
        1 => Crash::Kept,
        _ => Crash::Torn(rng.below(u64::MAX)),
    };
    let disk = disk.crash(crash);
    let gone = runtime().block_on(check(seed, &disk, rng.fork(), &acknowledged));
    Outcome { power_cut, acknowledged: acknowledged.len(), gone }
}

/// Key by offset of what was acknowledged, and whether the power failed.
async fn write(seed: u64, disk: &SimDisk, rng: &mut Rng) -> (BTreeMap<i64, u64>, bool) {
    let clock = Clock::starting_at(EPOCH_MS);
    let mut acknowledged = BTreeMap::new();
    let Ok((node, connector, shutdown)) = start(disk, &clock, rng.fork()).await else {
        return (acknowledged, true);
    };
    let mut node_ended = Spawner::simulated().task(async move {
        let _ = node.run().await;
    });
    let (alive, mut all_ended) = mailbox::channel(1);
    for number in 0..READERS {
        let reader = Reader { seed, rng: rng.fork(), clock: clock.clone(), _alive: alive.clone() };
        let _ends_with_the_node = Spawner::simulated().task(reader.run(connector.clone(), number));
    }
    drop(alive);
    let written = produce_all(&connector, &clock, rng, &mut acknowledged).await;
    shutdown.request();
    let _ = node_ended.wait().await;
    assert_eq!(all_ended.recv().await, None);
    (acknowledged, written.is_err())
}

async fn produce_all(
    connector: &MemoryConnector,
    clock: &Clock,
    rng: &mut Rng,
    acknowledged: &mut BTreeMap<i64, u64>,
) -> io::Result<()> {
    let mut client = Client::connect(connector, 10).await?;
    create(&mut client).await?;
    let mut offset = 0;
    for _ in 0..BATCHES {
        clock.sleep(Duration::from_millis(rng.below(60))).await;
        let keys: Vec<u64> = (0..=rng.below(3)).map(|_| rng.below(KEYS)).collect();
        produce(&mut client, offset, &keys).await?;
        for key in keys {
            acknowledged.insert(offset, key);
            offset += 1;
        }
    }
    Ok(())
}

async fn create(client: &mut Client) -> io::Result<()> {
    let config =
        |(name, value): (&str, &str)| CreatableTopicConfig { name: name.into(), value: Some(value.into()) };
    let configs =
        [("cleanup.policy", "compact"), ("segment.bytes", "700"), ("min.cleanable.dirty.ratio", "0.1")];
    let topic = CreatableTopic {
        name: TOPIC.into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: configs.map(config).into(),
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 30_000, ..Default::default() };
    refused(client.call(5, &request).await?.topics[0].error_code)
}

/// A value says at which offset it belongs, and to which key.
async fn produce(client: &mut Client, from: i64, keys: &[u64]) -> io::Result<()> {
    let mut batch = BatchBuilder::new();
    for (offset, key) in (from..).zip(keys) {
        let value = format!("{offset} {key} {}", "x".repeat(60));
        batch.record(0, Some(&key.to_be_bytes()), Some(value.as_bytes()));
    }
    let partition = PartitionProduceData { index: 0, records: Some(batch.build().to_bytes()) };
    let topic =
        TopicProduceData { name: TOPIC.into(), partition_data: vec![partition], ..Default::default() };
    let request =
        ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() };
    let response = client.call(9, &request).await?;
    let answer = &response.responses[0].partition_responses[0];
    refused(answer.error_code)?;
    assert_eq!(answer.base_offset, from);
    Ok(())
}

fn refused(error_code: ErrorCode) -> io::Result<()> {
    if error_code.is_none() { Ok(()) } else { Err(io::Error::other(format!("refused: {error_code}"))) }
}

/// Reads from anywhere, again and again, until the node is gone.
struct Reader {
    seed: u64,
    rng: Rng,
    clock: Clock,
    /// Dropped at the end.
    _alive: Sender<()>,
}

impl Reader {
    async fn run(mut self, connector: MemoryConnector, number: u16) {
        let _until_the_node_is_gone = self.read(&connector, number).await;
    }

    async fn read(&mut self, connector: &MemoryConnector, number: u16) -> io::Result<()> {
        let mut client = Client::connect(connector, 20 + number).await?;
        loop {
            self.clock.sleep(Duration::from_millis(1 + self.rng.below(READER_PAUSE_MS))).await;
            let from = i64::try_from(self.rng.below(80)).expect("small");
            read_from(self.seed, &mut client, from).await?;
        }
    }
}

/// Offset and key of every record from `offset` on. As consumers do, it goes on behind the last batch, whatever compaction left in it.
async fn read_from(seed: u64, client: &mut Client, mut offset: i64) -> io::Result<Vec<(i64, u64)>> {
    let mut found = Vec::new();
    while let Ok((batches, high_watermark)) = client.fetch_batches(TOPIC, offset, 0).await? {
        let mut rest = batches.clone();
        let mut next = offset;
        while let Ok(batch) = RecordBatch::read(&mut rest) {
            next = batch.header.next_offset();
        }
        if next == offset {
            assert!(offset >= high_watermark, "seed {seed}: nothing at {offset} of {high_watermark}");
            break;
        }
        found.extend(sound(seed, &values(batches, offset)));
        offset = next;
    }
    Ok(found)
}

/// Every value is where it was produced, in order. Returns offset and key of each.
fn sound(seed: u64, records: &[(i64, String)]) -> Vec<(i64, u64)> {
    assert!(records.is_sorted_by(|(a, _), (b, _)| a < b), "seed {seed}: {records:?}");
    let parse = |(offset, value): &(i64, String)| {
        let mut words = value.split(' ');
        assert_eq!(words.next().map(str::parse), Some(Ok(*offset)), "seed {seed}: {value} at {offset}");
        (*offset, words.next().and_then(|key| key.parse().ok()).expect("a key"))
    };
    records.iter().map(parse).collect()
}

/// A node on what the disk kept has the last value of every key, and goes on. Returns how many records are gone.
async fn check(seed: u64, disk: &SimDisk, rng: Rng, acknowledged: &BTreeMap<i64, u64>) -> usize {
    let shared: Arc<dyn chronik_log::Disk> = Arc::new(disk.clone());
    let clock = Clock::starting_at(EPOCH_MS + 3_600_000);
    let started = start(disk, &clock, rng).await;
    let (node, connector, shutdown) =
        started.unwrap_or_else(|error| panic!("seed {seed}: no second start: {error}"));
    let mut node_ended = Spawner::simulated().task(async move {
        let _ = node.run().await;
    });
    let mut gone = 0;
    if !acknowledged.is_empty() {
        let mut client = Client::connect(&connector, 99).await.expect("a connection");
        let found = read_from(seed, &mut client, 0).await;
        let found = found.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let last: BTreeMap<u64, i64> = found.iter().map(|(offset, key)| (*key, *offset)).collect();
        for (offset, key) in acknowledged {
            let is_there = last.get(key).is_some_and(|last| last >= offset);
            assert!(is_there, "seed {seed}: key {key} was written at {offset}, and nothing is left of it");
        }
        let next = found.last().map_or(0, |(offset, _)| offset + 1);
        gone = usize::try_from(next).expect("small") - found.len();
        produce(&mut client, next, &[0]).await.expect("life goes on");
    }
    shutdown.request();
    let _ = node_ended.wait().await;
    assert_eq!(chronik_log::dump::verify(&shared).expect("readable").damage, [], "seed {seed}");
    gone
}
