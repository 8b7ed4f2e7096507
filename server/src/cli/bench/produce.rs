//! `bench produce`: batches of records, written as fast as asked.

use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use chronik_kafka::message::ProduceResponse;
use chronik_kafka::record_batch::BatchBuilder;
use chronik_kafka::{ApiKey, ErrorCode};
use concurrency_models::budget::{Budget, Reservation};
use concurrency_models::mailbox::{self, Receiver, Sender};
use futures_util::future::{try_join, try_join_all};

use super::Machine;
use super::args::{LoadArgs, ProduceBench};
use super::pace::Pace;
use super::recorder::Recorder;
use super::report::{Before, Measured};
use crate::cli::progress::Progress;
use crate::cli::units::{counted, float, show_size};
use crate::client::{Client, Connection, NewTopic, Pending, produce_request, produced};
use crate::rng::Rng;

/// Written if neither bytes nor seconds are given.
const DEFAULT_BYTES: u64 = 1 << 30;

pub(super) async fn run(args: &ProduceBench, machine: &Machine) -> anyhow::Result<Measured> {
    let load = &args.load;
    let mut writers = writers(args, machine).await?;
    let batch = batch(args, machine.clock.now_ms())?;
    let total = total_bytes(load);
    let requests = total.map(|total| total.div_ceil(batch.bytes.len() as u64 * u64::from(load.connections)));
    for writer in &mut writers {
        writer.requests = requests;
    }
    let before = Before::take(&args.report).await;
    let progress = Progress::bytes("writing", total.unwrap_or(0), &machine.clock);
    let recorder = Recorder::start(&machine.clock, progress);
    try_join_all(writers.iter().map(|writer| writer.run(args, &batch, &recorder, machine))).await?;
    let title = format!(
        "produce to '{}': batches of {} ({} records of {}), {}, {} in flight, acks {}",
        load.topic,
        show_size(float(batch.bytes.len() as u64)),
        batch.records,
        show_size(float(args.record_size)),
        counted(load.connections.into(), "connection"),
        load.in_flight,
        args.acks
    );
    Ok(before.measured(title, load, &args.report, &recorder).await)
}

/// How many bytes are moved, unless the time says when to stop.
fn total_bytes(load: &LoadArgs) -> Option<u64> {
    match (load.bytes, load.duration) {
        (None, None) => Some(DEFAULT_BYTES),
        (bytes, _) => bytes,
    }
}

/// Creates the topic if need be, and opens a connection of its own for each writer.
async fn writers(args: &ProduceBench, machine: &Machine) -> anyhow::Result<Vec<Writer>> {
    let load = &args.load;
    let options = load.options(machine);
    let client = Client::connect(&load.server.bootstrap_server, options.clone()).await?;
    let partitions = ensure_topic(&client, load).await?;
    let cluster = client.cluster(Some(&[&load.topic])).await?;
    let mut writers = Vec::new();
    for index in 0..load.connections {
        let partition = i32::try_from(index)? % partitions;
        let (_, address) = cluster.leader_of(&load.topic, partition)?;
        let connection = Connection::open(&address, options.clone()).await?;
        writers.push(Writer { connection, partition, index, requests: None });
    }
    Ok(writers)
}

/// Creates the topic unless it is there; its number of partitions.
async fn ensure_topic(client: &Client, load: &LoadArgs) -> anyhow::Result<i32> {
    let new = NewTopic {
        name: load.topic.clone(),
        partitions: Some(load.partitions),
        replication_factor: None,
        configs: Vec::new(),
    };
    match client.create_topic(new).await {
        Err(error) if error.code() != Some(ErrorCode::TOPIC_ALREADY_EXISTS) => return Err(error.into()),
        _ => {}
    }
    let cluster = client.cluster(Some(&[&load.topic])).await?;
    Ok(i32::try_from(cluster.topic(&load.topic)?.partitions.len())?.max(1))
}

/// The batch that every request carries: the load is on the server, not on us.
struct Batch {
    bytes: Bytes,
    records: u64,
}

fn batch(args: &ProduceBench, now_ms: i64) -> anyhow::Result<Batch> {
    let mut rng = Rng::seeded(1);
    let value: Vec<u8> = (0..args.record_size).map(|_| rng.below(256).to_le_bytes()[0]).collect();
    let mut full = BatchBuilder::new();
    full.record(now_ms, None, Some(&value));
    let record_bytes = full.total_len() - BatchBuilder::new().total_len() + 4; // offset deltas grow
    let limit = usize::try_from(args.batch_size)?;
    if full.total_len() > limit {
        bail!(
            "a record of {} bytes does not fit into a batch of {limit} bytes: raise --batch-size",
            args.record_size
        );
    }
    while full.total_len() + record_bytes <= limit {
        full.record(now_ms, None, Some(&value));
    }
    let records = u64::try_from(full.record_count())?;
    Ok(Batch { bytes: full.build().to_bytes(), records })
}

struct Writer {
    connection: Connection,
    partition: i32,
    index: u32,
    requests: Option<u64>,
}

/// A request whose answer has not come.
struct UnderWay {
    answer: Option<Pending<ProduceResponse>>,
    counts_from: Duration,
    _slot: Reservation,
}

impl Writer {
    async fn run(
        &self,
        args: &ProduceBench,
        batch: &Batch,
        recorder: &Recorder,
        machine: &Machine,
    ) -> anyhow::Result<()> {
        let in_flight = args.load.in_flight as usize;
        let (sent, under_way) = mailbox::channel(in_flight);
        let pace = Pace::new(&machine.clock, &args.load, self.index, self.requests);
        let sending = self.send(args, batch, pace, Budget::new(in_flight), sent);
        let answered = self.receive(&args.load.topic, batch, recorder, under_way);
        try_join(sending, answered).await?;
        Ok(())
    }

    async fn send(
        &self,
        args: &ProduceBench,
        batch: &Batch,
        mut pace: Pace,
        slots: Budget,
        sent: Sender<UnderWay>,
    ) -> anyhow::Result<()> {
        let version = self.connection.version(ApiKey::Produce)?;
        let acks = args.acks.code();
        while let Some(due) = pace.next().await {
            let Ok(slot) = slots.reserve(1).await else { break };
            let counts_from = pace.counts_from(due);
            let request =
                produce_request(&args.load.topic, self.partition, acks, 30_000, batch.bytes.clone());
            let answer = if acks == 0 {
                self.connection.tell(request).await?;
                None
            } else {
                Some(self.connection.submit(request, version).await?)
            };
            let under_way = UnderWay { answer, counts_from, _slot: slot };
            if sent.send(under_way).await.is_err() {
                break; // the receiver has failed and says why
            }
        }
        Ok(())
    }

    async fn receive(
        &self,
        topic: &str,
        batch: &Batch,
        recorder: &Recorder,
        mut under_way: Receiver<UnderWay>,
    ) -> anyhow::Result<()> {
        while let Some(UnderWay { answer, counts_from, _slot }) = under_way.recv().await {
            if let Some(answer) = answer {
                produced(topic, self.partition, &answer.wait().await?)?;
            }
            recorder.answered(counts_from, batch.records, batch.bytes.len() as u64);
        }
        Ok(())
    }
}
