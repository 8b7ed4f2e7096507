//! A producer that goes on through everything, and a consumer that reads all of it afterwards: librdkafka's, or those of another client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::PATIENCE;
use crate::foreign::{self, Foreign};
use crate::ledger::{Acknowledged, Ledger, parse, value};

/// Partitions of the topic.
pub(crate) const PARTITIONS: i32 = 6;
/// The topic.
pub(crate) const TOPIC: &str = "orders";

/// How much is produced.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) record_bytes: usize,
    /// Between two records of a partition.
    pub(crate) every: Duration,
}

/// An idempotent producer with acks=all, and what is known of its records.
pub(crate) struct Load {
    pub(crate) ledger: Arc<Ledger>,
    producing: Producing,
}

enum Producing {
    Ours(Ours),
    Theirs(Foreign),
}

/// librdkafka's, in a thread.
struct Ours {
    producer: Arc<ThreadedProducer<Reports>>,
    goes_on: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Notes what becomes of records.
struct Reports(Arc<Ledger>);

struct Sent {
    partition: i32,
    sequence: u64,
    at: Instant,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, topic: &str, what: &str) {
        self.0.hear(&format!("{level:?} {topic}: {what}"));
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Sent>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Box<Sent>) {
        let Sent { partition, sequence, at: sent } = *sent;
        match result {
            Ok(message) => {
                let offset = message.offset();
                self.0.acknowledge(partition, Acknowledged { sequence, offset, sent, at: Instant::now() });
            }
            Err((error, _)) => self.0.fail(format!("record {sequence} of partition {partition}: {error}")),
        }
    }
}

/// Clients that look for a new leader at once. librdkafka forgets for up to a second who leads a partition when the broker that led it before is not named any more.
fn config(servers: &[SocketAddr]) -> ClientConfig {
    let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers.join(","));
    config.set("reconnect.backoff.ms", "20").set("reconnect.backoff.max.ms", "100");
    config.set("retry.backoff.ms", "20").set("retry.backoff.max.ms", "100");
    config.set("topic.metadata.refresh.fast.interval.ms", "50").set("socket.timeout.ms", "3000");
    config.set("socket.connection.setup.timeout.ms", "1000").set("topic.metadata.refresh.interval.ms", "200");
    config
}

impl Load {
    /// Begins to produce.
    pub(crate) fn start(servers: &[SocketAddr], pace: Pace) -> Self {
        let ledger = Arc::new(Ledger::new(usize::try_from(PARTITIONS).expect("some")));
        let producing = match Foreign::start(servers, pace, &ledger) {
            Some(foreign) => Producing::Theirs(foreign),
            None => Producing::Ours(Ours::start(servers, pace, &ledger)),
        };
        Self { ledger, producing }
    }

    /// Produces no more, and waits until it is known what became of each record.
    pub(crate) fn finish(&mut self) {
        match &mut self.producing {
            Producing::Ours(ours) => ours.finish(),
            Producing::Theirs(foreign) => foreign.finish(),
        }
    }
}

impl Ours {
    fn start(servers: &[SocketAddr], pace: Pace, ledger: &Arc<Ledger>) -> Self {
        let mut config = config(servers);
        config.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "2");
        config.set("request.timeout.ms", "3000").set("debug", "eos");
        config.set_log_level(RDKafkaLogLevel::Debug);
        config.set("message.timeout.ms", (2 * PATIENCE).as_millis().to_string());
        let producer = config.create_with_context(Reports(ledger.clone())).expect("a producer");
        let producer: Arc<ThreadedProducer<Reports>> = Arc::new(producer);
        let goes_on = Arc::new(AtomicBool::new(true));
        let (sender, flag) = (producer.clone(), goes_on.clone());
        let run = move || produce(&sender, pace, &flag);
        let thread = std::thread::Builder::new().spawn(run).expect("a thread");
        Self { producer, goes_on, thread: Some(thread) }
    }

    fn finish(&mut self) {
        self.goes_on.store(false, Ordering::SeqCst);
        let thread = self.thread.take().expect("not yet finished");
        thread.join().expect("it produced");
        self.producer.flush(2 * PATIENCE).expect("everything was reported");
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::SeqCst);
    }
}

fn produce(producer: &ThreadedProducer<Reports>, pace: Pace, goes_on: &AtomicBool) {
    for sequence in 0.. {
        for partition in 0..PARTITIONS {
            let value = value(partition, sequence, pace.record_bytes);
            let sent = Box::new(Sent { partition, sequence, at: Instant::now() });
            let record: BaseRecord<'_, [u8], [u8], Box<Sent>> =
                BaseRecord::with_opaque_to(TOPIC, sent).partition(partition).payload(&value);
            let mut unsent = producer.send(record).err();
            while let Some((error, record)) = unsent {
                let full = error.rdkafka_error_code() == Some(rdkafka::error::RDKafkaErrorCode::QueueFull);
                assert!(full, "producing: {error}");
                std::thread::sleep(pace.every);
                unsent = producer.send(record).err();
            }
        }
        if !goes_on.load(Ordering::SeqCst) {
            return;
        }
        std::thread::sleep(pace.every);
    }
}

/// Everything that is in the topic: of each partition, offsets and the numbers in the values.
pub(crate) fn read_all(servers: &[SocketAddr]) -> Vec<Vec<(i64, u64)>> {
    foreign::read_all(servers).unwrap_or_else(|| read_by_librdkafka(servers))
}

fn read_by_librdkafka(servers: &[SocketAddr]) -> Vec<Vec<(i64, u64)>> {
    let mut config = config(servers);
    config.set("group.id", "checker").set("enable.auto.commit", "false").set("check.crcs", "true");
    config.set("enable.partition.eof", "true").set("auto.offset.reset", "error");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let mut assignment = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assignment.add_partition_offset(TOPIC, partition, Offset::Beginning).expect("an offset");
    }
    consumer.assign(&assignment).expect("assigned");
    let mut read: Vec<Vec<(i64, u64)>> = vec![Vec::new(); usize::try_from(PARTITIONS).expect("some")];
    let mut at_end = std::collections::BTreeSet::new();
    let deadline = Instant::now() + PATIENCE;
    while at_end.len() < read.len() {
        match consumer.poll(Duration::from_millis(500)) {
            Some(Ok(message)) => {
                let (partition, sequence) = parse(message.payload().expect("a value"));
                assert_eq!(partition, message.partition(), "a record is in its own partition");
                read[usize::try_from(partition).expect("from 0 on")].push((message.offset(), sequence));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                at_end.insert(partition);
            }
            Some(Err(_)) | None => assert!(Instant::now() < deadline, "only partitions {at_end:?} were read"),
        }
    }
    read
}
