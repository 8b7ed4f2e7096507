//! `bench consume`: a topic read from its beginning, as fast as asked.
//!
//! A fetch names the offset it wants, which is known only when the one before is answered. To have several under way, we
//! guess: a fetch brings as many records as the one before. A wrong guess costs the fetches behind it, which do not count.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use chronik_kafka::ApiKey;
use chronik_kafka::message::FetchResponse;
use chronik_kafka::record_batch::BatchHeader;
use futures_util::future::try_join_all;

use super::Machine;
use super::args::{ConsumeBench, LoadArgs};
use super::pace::Pace;
use super::recorder::Recorder;
use super::report::{Before, Measured};
use crate::cli::progress::Progress;
use crate::cli::units::{counted, float, show_size};
use crate::client::{Client, Connection, Isolation, Offsets, Options, Pending, fetch_request, fetched};

/// How long the server may wait for a record, in milliseconds.
const MAX_WAIT_MS: i32 = 100;

pub(super) async fn run(args: &ConsumeBench, machine: &Machine) -> anyhow::Result<Measured> {
    let load = &args.load;
    let readers = readers(args, machine).await?;
    let before = Before::take(&args.report).await;
    let progress = Progress::bytes("reading", load.bytes.unwrap_or(0), &machine.clock);
    let recorder = Recorder::start(&machine.clock, progress);
    try_join_all(readers.into_iter().map(|reader| reader.run(&recorder))).await?;
    let title = format!(
        "consume from '{}': fetches of {}, {}, {} in flight",
        load.topic,
        show_size(float(args.fetch_size)),
        counted(load.connections.into(), "connection"),
        load.in_flight
    );
    Ok(before.measured(title, load, &args.report, &recorder).await)
}

async fn readers<'a>(args: &'a ConsumeBench, machine: &Machine) -> anyhow::Result<Vec<Reader<'a>>> {
    let load = &args.load;
    let options = load.options(machine);
    let client = Client::connect(&load.server.bootstrap_server, options.clone()).await?;
    let cluster = client.cluster(Some(&[&load.topic])).await?;
    let partitions = i32::try_from(cluster.topic(&load.topic)?.partitions.len())?;
    let mut readers = Vec::new();
    for index in 0..load.connections {
        let partition = i32::try_from(index)? % partitions.max(1);
        let (_, address) = cluster.leader_of(&load.topic, partition)?;
        let connection = Connection::open(&address, options.clone()).await?;
        let ask = async |which| connection.offset(&load.topic, partition, which, Isolation::default()).await;
        let (first, end) = (ask(Offsets::Earliest).await?, ask(Offsets::Latest).await?);
        if first == end {
            bail!(
                "partition {partition} of '{}' is empty; write to it first: chronik-server bench produce",
                load.topic
            );
        }
        let pace = Pace::new(&machine.clock, load, index, None);
        readers.push(Reader {
            args,
            connection,
            partition,
            first,
            end,
            pace,
            guess: Guess::at(first),
            under_way: VecDeque::new(),
        });
    }
    Ok(readers)
}

impl LoadArgs {
    pub(super) fn options(&self, machine: &Machine) -> Options {
        let options = self.server.options(machine.clock.clone(), machine.spawner.clone());
        Options { client_id: "chronik-bench".to_owned(), max_in_flight: self.in_flight as usize, ..options }
    }

    /// Whether reading goes on from the beginning once the end is reached.
    fn goes_round(&self) -> bool {
        self.bytes.is_some() || self.duration.is_some()
    }
}

struct Reader<'a> {
    args: &'a ConsumeBench,
    connection: Connection,
    partition: i32,
    /// Where the partition began and ended at the start.
    first: i64,
    end: i64,
    pace: Pace,
    guess: Guess,
    under_way: VecDeque<UnderWay>,
}

/// Where the next fetches go.
struct Guess {
    /// Offset of the record that comes next.
    position: i64,
    /// Where the next fetch is sent to.
    next: i64,
    /// Records that a fetch brings; not known before the first one.
    span: Option<i64>,
}

struct UnderWay {
    offset: i64,
    counts_from: Duration,
    answer: Pending<FetchResponse>,
}

impl Guess {
    fn at(position: i64) -> Self {
        Self { position, next: position, span: None }
    }
}

impl Reader<'_> {
    async fn run(mut self, recorder: &Recorder) -> anyhow::Result<()> {
        loop {
            while self.may_send() && !self.enough(recorder) {
                let Some(due) = self.pace.next().await else { break };
                self.send(due).await?;
            }
            let Some(oldest) = self.under_way.pop_front() else { return Ok(()) };
            let offset = oldest.offset;
            let answer = fetched(&self.args.load.topic, oldest.answer.wait().await?)?;
            if offset == self.guess.position
                && let Some(answer) = answer.into_iter().next()
            {
                self.take(oldest.counts_from, &answer.records, recorder)?;
            }
        }
    }

    fn may_send(&self) -> bool {
        let most = if self.guess.span.is_some() { self.args.load.in_flight as usize } else { 1 };
        self.under_way.len() < most && self.guess.next < self.end
    }

    fn enough(&self, recorder: &Recorder) -> bool {
        let load = &self.args.load;
        load.bytes.is_some_and(|bytes| recorder.bytes.get() >= bytes)
            || load.duration.is_some_and(|seconds| recorder.running_for() >= Duration::from_secs(seconds))
    }

    async fn send(&mut self, due: Duration) -> anyhow::Result<()> {
        let (offset, version) = (self.guess.next, self.connection.version(ApiKey::Fetch)?);
        let max_bytes = i32::try_from(self.args.fetch_size).unwrap_or(i32::MAX);
        let request =
            fetch_request(&self.args.load.topic, &[(self.partition, offset)], MAX_WAIT_MS, max_bytes);
        let counts_from = self.pace.counts_from(due);
        let answer = self.connection.submit(request, version).await?;
        self.under_way.push_back(UnderWay { offset, counts_from, answer });
        self.guess.next = offset + self.guess.span.unwrap_or(0);
        Ok(())
    }

    /// Counts what came, and corrects the guess if it was wrong.
    fn take(&mut self, counts_from: Duration, records: &Bytes, recorder: &Recorder) -> anyhow::Result<()> {
        let (came, bytes, next) = walk(records, self.guess.position)?;
        recorder.answered(counts_from, came, bytes);
        let span = next - self.guess.position;
        if self.guess.span != Some(span) {
            self.under_way.clear(); // their answers are read and dropped
            self.guess = Guess { position: next, next, span: (span > 0).then_some(span) };
        }
        self.guess.position = next;
        if next >= self.end && self.args.load.goes_round() {
            self.under_way.clear();
            self.guess = Guess { position: self.first, next: self.first, span: self.guess.span };
        }
        Ok(())
    }
}

/// Records, bytes and next offset of the whole batches from `position` on.
fn walk(records: &Bytes, position: i64) -> anyhow::Result<(u64, u64, i64)> {
    let (mut came, mut bytes, mut next) = (0, 0, position);
    let mut left = &records[..];
    while let Ok(header) = BatchHeader::parse(left) {
        let Some((_, rest)) = left.split_at_checked(header.total_len()) else { break };
        if header.next_offset() > next {
            came += u64::try_from(header.record_count)?;
            bytes += header.total_len() as u64;
            next = header.next_offset();
        }
        left = rest;
    }
    Ok((came, bytes, next))
}
