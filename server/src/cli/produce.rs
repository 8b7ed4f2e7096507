//! `produce TOPIC`: lines from standard input, one record a line.
//!
//! A thread reads what there is and hands on whole lines; what has come is sent when a batch is full or nothing more waits,
//! so that a pipe gets large batches and a person sees every line go.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::{Bytes, BytesMut};
use chronik_kafka::ErrorCode;
use chronik_kafka::message::ProduceResponse;
use chronik_kafka::record_batch::BatchBuilder;
use concurrency_models::mailbox::{self, Receiver, Sender};

use super::args::ProduceArgs;
use super::murmur2;
use super::units::counted;
use crate::client::{Client, ClientError, Connection, Pending, produce_request, produced};
use crate::clock::Clock;
use crate::spawn::Spawner;

/// Bytes read from standard input at once.
const READ_BYTES: usize = 256 << 10;
/// Reads that may wait to be sent.
const READS_AHEAD: usize = 8;
/// Requests under way for all partitions together.
const MAX_IN_FLIGHT: usize = 5;
/// How often a new topic is asked for before we give up.
const TOPIC_TRIES: u32 = 50;
const TOPIC_PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn run(args: ProduceArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    let mut client = args.server.connect(clock.clone(), spawner.clone()).await?;
    let leaders = leaders(&mut client, &args.topic, &clock).await?;
    let partitions = leaders.len();
    if let Some(asked) =
        args.partition.filter(|asked| usize::try_from(*asked).is_ok_and(|asked| asked >= partitions))
    {
        let partitions = counted(partitions as u64, "partition");
        bail!("topic '{}' has {partitions}, numbered from 0: there is no partition {asked}", args.topic);
    }
    let (lines, mut read) = mailbox::channel(READS_AHEAD);
    let _reading = spawner
        .worker("stdin", read_lines(lines))
        .context("starting the thread that reads standard input")?;
    let mut producer = Producer::new(args, clock, leaders);
    let sent = producer.send_all(&mut read).await;
    let acknowledged = producer.acknowledged;
    sent.with_context(|| format!("stopped after {}", counted(acknowledged, "acknowledged record")))
}

/// Asks for the topic, which may create it, until all its partitions have a leader.
async fn leaders(client: &mut Client, topic: &str, clock: &Clock) -> anyhow::Result<Vec<Connection>> {
    client.cluster_creating(topic).await?;
    let mut tries = 1;
    loop {
        match client.leaders(topic).await {
            Ok(leaders) if !leaders.is_empty() => {
                return Ok(leaders.into_iter().map(|(_, leader)| leader).collect());
            }
            Err(error) if !error.code().is_some_and(ErrorCode::is_retriable) || tries == TOPIC_TRIES => {
                return Err(error.into());
            }
            _ => tries += 1,
        }
        clock.sleep(TOPIC_PAUSE).await;
    }
}

/// Whole lines, each with its end, or why there are no more.
type Lines = io::Result<Bytes>;

async fn read_lines(lines: Sender<Lines>) {
    let mut held = BytesMut::new();
    loop {
        let (chunk, end) = match read_some(&mut held) {
            Ok(0) => (Ok(held.split().freeze()), true),
            Ok(_) => (Ok(whole_lines(&mut held)), false),
            Err(error) => (Err(error), true),
        };
        let something = !chunk.as_ref().is_ok_and(Bytes::is_empty);
        if (something && lines.send(chunk).await.is_err()) || end {
            return;
        }
    }
}

/// Reads what there is, at least a byte unless the input has ended.
fn read_some(held: &mut BytesMut) -> io::Result<usize> {
    let begun = held.len();
    held.resize(begun + READ_BYTES, 0);
    let read = loop {
        match io::stdin().read(&mut held[begun..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    held.truncate(begun + read.as_ref().map_or(0, |read| *read));
    read
}

fn whole_lines(held: &mut BytesMut) -> Bytes {
    let end = held.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    held.split_to(end).freeze()
}

struct Producer {
    args: ProduceArgs,
    clock: Clock,
    /// By partition.
    leaders: Vec<Connection>,
    /// The batch being filled for each partition.
    batches: Vec<BatchBuilder>,
    /// Where records without a key go until the batch is full.
    current: usize,
    batch_bytes: usize,
    under_way: VecDeque<UnderWay>,
    line: u64,
    acknowledged: u64,
}

struct UnderWay {
    partition: i32,
    records: u64,
    answer: Pending<ProduceResponse>,
}

impl Producer {
    fn new(args: ProduceArgs, clock: Clock, leaders: Vec<Connection>) -> Self {
        let batch_bytes = usize::try_from(args.batch_size).unwrap_or(usize::MAX);
        let (batches, under_way) = (vec![BatchBuilder::new(); leaders.len()], VecDeque::new());
        Self { args, clock, leaders, batches, current: 0, batch_bytes, under_way, line: 0, acknowledged: 0 }
    }

    /// Sends what comes; a line that cannot be sent ends it, after all lines before it.
    async fn send_all(&mut self, read: &mut Receiver<Lines>) -> anyhow::Result<()> {
        while let Some(lines) = read.recv().await {
            let mut put = self.put(lines).await;
            while put.is_ok()
                && let Some(lines) = read.try_recv()
            {
                put = self.put(lines).await;
            }
            self.flush().await?;
            if put.is_err() {
                self.settle(0).await?;
                return put;
            }
        }
        self.settle(0).await
    }

    async fn put(&mut self, lines: Lines) -> anyhow::Result<()> {
        let lines = lines.context("reading standard input")?;
        let now_ms = self.clock.now_ms();
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            self.line += 1;
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let (key, value) = self.split(line)?;
            let partition = self.choose(key);
            let batch = &mut self.batches[partition];
            let bytes = line.len() + 32; // a record's own fields take less
            if batch.record_count() > 0 && batch.total_len() + bytes > self.batch_bytes {
                self.send(partition).await?;
            }
            self.batches[partition].record(now_ms, key, Some(value));
        }
        Ok(())
    }

    fn split<'a>(&self, line: &'a [u8]) -> anyhow::Result<(Option<&'a [u8]>, &'a [u8])> {
        let Some(separator) = self.args.key_separator.as_deref().filter(|text| !text.is_empty()) else {
            return Ok((None, line));
        };
        let at = line.windows(separator.len()).position(|part| part == separator.as_bytes());
        match at {
            Some(at) => Ok((Some(&line[..at]), &line[at + separator.len()..])),
            None => bail!("line {} of the input has no key separator '{separator}'", self.line),
        }
    }

    fn choose(&self, key: Option<&[u8]>) -> usize {
        match (self.args.partition, key) {
            (Some(partition), _) => usize::try_from(partition).unwrap_or(0),
            (None, Some(key)) => murmur2::partition(key, self.batches.len()),
            (None, None) => self.current,
        }
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        for partition in 0..self.batches.len() {
            if self.batches[partition].record_count() > 0 {
                self.send(partition).await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self, index: usize) -> anyhow::Result<()> {
        let batch = std::mem::take(&mut self.batches[index]);
        self.current = (self.current + 1) % self.batches.len();
        let records = u64::try_from(batch.record_count())?;
        let partition = i32::try_from(index)?;
        self.settle(MAX_IN_FLIGHT - 1).await?;
        match self.ask(&self.leaders[index], partition, batch.build().to_bytes()).await? {
            Some(answer) => self.under_way.push_back(UnderWay { partition, records, answer }),
            None => self.acknowledged += records,
        }
        Ok(())
    }

    async fn ask(
        &self,
        leader: &Connection,
        partition: i32,
        batch: Bytes,
    ) -> Result<Option<Pending<ProduceResponse>>, ClientError> {
        let timeout_ms = i32::try_from(self.args.server.timeout * 1000).unwrap_or(i32::MAX);
        let acks = self.args.acks.code();
        let request = produce_request(&self.args.topic, partition, acks, timeout_ms, batch);
        if acks == 0 {
            leader.tell(request).await?;
            return Ok(None);
        }
        let version = leader.version(chronik_kafka::ApiKey::Produce)?;
        Ok(Some(leader.submit(request, version).await?))
    }

    /// Waits until at most `left` requests are under way.
    async fn settle(&mut self, left: usize) -> anyhow::Result<()> {
        while self.under_way.len() > left {
            let Some(oldest) = self.under_way.pop_front() else { break };
            produced(&self.args.topic, oldest.partition, &oldest.answer.wait().await?)?;
            self.acknowledged += oldest.records;
        }
        Ok(())
    }
}
