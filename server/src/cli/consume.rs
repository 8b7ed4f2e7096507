//! `consume TOPIC`: records to standard output, one a line.

use std::io::Write;

use anyhow::{Context, bail};
use bytes::Bytes;
use chronik_kafka::record_batch::{HEADER_LEN, RecordBatch, Records};
use chronik_log::limits::MAX_DECOMPRESSED_BYTES;

use super::args::ConsumeArgs;
use super::output;
use super::units::counted;
use crate::client::{Client, Connection, Fetched, Isolation, Offsets, fetch_request, fetched};
use crate::clock::Clock;
use crate::spawn::Spawner;

/// How long the servers together may wait for a record, in milliseconds.
const MAX_WAIT_MS: i32 = 500;
/// Bytes that one answer may bring.
const FETCH_BYTES: i32 = 8 << 20;

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// With the first record.
    Earliest,
    /// With the first that comes from now on.
    Latest,
    /// At an offset.
    Offset(i64),
    /// So many records before the end.
    BeforeEnd(i64),
    /// With the first record not older than this, in milliseconds since the epoch.
    Timestamp(i64),
}

impl From {
    /// Reads it as the command line has it.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
        let parsed = match text {
            "earliest" | "beginning" => Some(Self::Earliest),
            "latest" | "end" => Some(Self::Latest),
            _ => match (text.strip_prefix('-'), text.strip_prefix('@')) {
                (Some(count), _) => number(count).map(Self::BeforeEnd),
                (_, Some(timestamp)) => number(timestamp).map(Self::Timestamp),
                _ => number(text).map(Self::Offset),
            },
        };
        parsed.ok_or_else(|| "it must be earliest, latest, an offset, -N or @MILLISECONDS".to_owned())
    }
}

pub(super) async fn run(args: ConsumeArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    let mut client = args.server.connect(clock, spawner).await?;
    let mut readers = readers(&mut client, &args).await?;
    let mut printer =
        Printer { out: output::buffered(), separator: args.key_separator.clone(), left: args.max_messages };
    let wait_ms = MAX_WAIT_MS / i32::try_from(readers.len())?;
    while !printer.done() && !readers.iter().all(|reader| args.exit_at_end && reader.at_end()) {
        for reader in &mut readers {
            reader.read(&args.topic, wait_ms, &mut printer).await?;
        }
        printer.out.flush()?;
    }
    Ok(())
}

/// One reader for each leader, over its partitions.
async fn readers(client: &mut Client, args: &ConsumeArgs) -> anyhow::Result<Vec<Reader>> {
    let leaders = client.leaders(&args.topic).await?;
    let count = leaders.len();
    let mut readers: Vec<Reader> = Vec::new();
    for (partition, leader) in leaders {
        if args.partition.is_some_and(|wanted| wanted != partition) {
            continue;
        }
        let place = Place { partition, next: begin(&leader, args, partition).await?, high_watermark: None };
        match readers.iter_mut().find(|reader| reader.leader.address() == leader.address()) {
            Some(reader) => reader.places.push(place),
            None => readers.push(Reader { leader, places: vec![place] }),
        }
    }
    if readers.is_empty() {
        bail!("topic '{}' has {}, numbered from 0", args.topic, counted(count as u64, "partition"));
    }
    Ok(readers)
}

async fn begin(leader: &Connection, args: &ConsumeArgs, partition: i32) -> anyhow::Result<i64> {
    let ask = async |which| leader.offset(&args.topic, partition, which, Isolation::default()).await;
    Ok(match args.offset {
        From::Earliest => ask(Offsets::Earliest).await?,
        From::Latest => ask(Offsets::Latest).await?,
        From::Offset(offset) => offset,
        From::BeforeEnd(count) => {
            let first = ask(Offsets::Earliest).await?;
            (ask(Offsets::Latest).await? - count).max(first)
        }
        From::Timestamp(timestamp_ms) => match ask(Offsets::NotBefore(timestamp_ms)).await? {
            -1 => ask(Offsets::Latest).await?, // nothing is that late yet
            offset => offset,
        },
    })
}

struct Reader {
    leader: Connection,
    places: Vec<Place>,
}

struct Place {
    partition: i32,
    /// Offset of the record that is printed next.
    next: i64,
    /// As of the last answer.
    high_watermark: Option<i64>,
}

impl Reader {
    fn at_end(&self) -> bool {
        self.places.iter().all(|place| place.high_watermark.is_some_and(|end| place.next >= end))
    }

    async fn read(&mut self, topic: &str, wait_ms: i32, printer: &mut Printer) -> anyhow::Result<()> {
        let from: Vec<(i32, i64)> = self.places.iter().map(|place| (place.partition, place.next)).collect();
        let response = self.leader.call(fetch_request(topic, &from, wait_ms, FETCH_BYTES)).await?;
        for answer in fetched(topic, response)? {
            let place = self.places.iter_mut().find(|place| place.partition == answer.partition);
            if let Some(place) = place {
                place.print(topic, answer, printer)?;
            }
        }
        self.places.rotate_left(1); // a server fills its answer in order: nobody is always last
        Ok(())
    }
}

impl Place {
    fn print(&mut self, topic: &str, answer: Fetched, printer: &mut Printer) -> anyhow::Result<()> {
        self.high_watermark = Some(answer.high_watermark);
        let mut records = answer.records;
        while let Some(batch) = next_batch(&mut records).with_context(|| self.describe(topic))? {
            if batch.header.next_offset() <= self.next {
                continue; // below what was asked for: fetches bring whole batches
            }
            if !batch.header.is_control() {
                self.print_batch(topic, &batch, printer)?;
            }
            if printer.done() {
                return Ok(());
            }
            self.next = batch.header.next_offset();
        }
        Ok(())
    }

    fn print_batch(&self, topic: &str, batch: &RecordBatch, printer: &mut Printer) -> anyhow::Result<()> {
        batch.check_crc().with_context(|| self.describe(topic))?;
        let plain = batch.plain_body(MAX_DECOMPRESSED_BYTES).with_context(|| self.describe(topic))?;
        for record in Records::new(&plain, batch.header.record_count) {
            let record = record.with_context(|| self.describe(topic))?;
            if batch.header.base_offset + i64::from(record.offset_delta) >= self.next {
                printer.print(record.key, record.value)?;
            }
            if printer.done() {
                break;
            }
        }
        Ok(())
    }

    fn describe(&self, topic: &str) -> String {
        format!("partition {} of '{topic}' at offset {}", self.partition, self.next)
    }
}

/// The next batch; `None` at the end or if what is left is a batch that was cut.
fn next_batch(records: &mut Bytes) -> anyhow::Result<Option<RecordBatch>> {
    use chronik_kafka::record_batch::BatchError;
    if records.len() < HEADER_LEN {
        return Ok(None);
    }
    match RecordBatch::read(records) {
        Ok(batch) => Ok(Some(batch)),
        Err(BatchError::Truncated { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

struct Printer {
    out: std::io::BufWriter<std::io::StdoutLock<'static>>,
    separator: Option<String>,
    /// Records that may still be printed.
    left: Option<u64>,
}

impl Printer {
    fn done(&self) -> bool {
        self.left == Some(0)
    }

    fn print(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> std::io::Result<()> {
        if let Some(separator) = &self.separator {
            self.out.write_all(key.unwrap_or_default())?;
            self.out.write_all(separator.as_bytes())?;
        }
        self.out.write_all(value.unwrap_or_default())?;
        self.out.write_all(b"\n")?;
        self.left = self.left.map(|left| left - 1);
        Ok(())
    }
}
