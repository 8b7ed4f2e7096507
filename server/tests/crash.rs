//! `kill -9` again and again under load: what was acknowledged is there, once, in order. `CHRONIK_KILL_ROUNDS` says how often,
//! `CHRONIK_KILL_SEED` at which moments.
#![cfg(not(any(loom, shuttle)))]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the load comes from threads of the test's own, which end when a flag says so"
)]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use support::Server;
use support::raw::Raw;

const TOPIC: &str = "numbers";
const PARTITIONS: i32 = 4;
const PRODUCERS: usize = 2;
/// Small files, so that they roll, and are deleted and used again, while the server dies.
const SETTINGS: &[&str] =
    &["log.segment.bytes=262144", "message.max.bytes=65536", "checkpoint.interval.ms=200"];

/// How often the server is killed unless the environment says otherwise.
const ROUNDS: u64 = 8;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().expect(name))
}

/// Where a record is that was acknowledged: partition and offset.
type Place = (i32, i64);

/// What the server has promised: the place of each record, by its value.
#[derive(Clone, Default)]
struct Acknowledged(Arc<Mutex<BTreeMap<String, Place>>>);

impl rdkafka::ClientContext for Acknowledged {
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {} // of lost connections there will be many
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let message = result.as_ref().unwrap_or_else(|(error, _)| panic!("given up: {error}"));
        let value = String::from_utf8(message.payload().expect("a value").to_vec()).expect("UTF-8");
        let place = (message.partition(), message.offset());
        assert_eq!(self.0.lock().expect("intact").insert(name_of(&value), place), None, "acknowledged twice");
    }
}

/// A value is `producer:number:padding`; without the padding it is its name.
fn name_of(value: &str) -> String {
    value.rsplit_once(':').expect("a name").0.to_owned()
}

/// Produces numbered records to all partitions until `stop`, then waits for the last acknowledgement. How many there were.
fn produce(
    server: &str,
    producer: usize,
    acknowledged: Acknowledged,
    stop: &AtomicBool,
    pace: Duration,
) -> u64 {
    let client: BaseProducer<Acknowledged> = ClientConfig::new()
        .set("bootstrap.servers", server)
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        .set("batch.size", "30000")
        .set("message.timeout.ms", "0")
        .set("reconnect.backoff.ms", "10")
        .set("reconnect.backoff.max.ms", "50")
        .set("retry.backoff.ms", "20")
        .set("queue.buffering.max.messages", "2000")
        .create_with_context(acknowledged)
        .expect("a producer");
    let mut rng = fastrand::Rng::with_seed(producer as u64);
    let mut number = 0;
    while !stop.load(SeqCst) {
        let value = format!("{producer}:{number}:{}", "x".repeat(rng.usize(..1_000)));
        let partition = i32::try_from(number % 4).expect("small");
        let record: BaseRecord<'_, str, str> = BaseRecord::to(TOPIC).partition(partition).payload(&value);
        match client.send(record) {
            Ok(()) => number += 1,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                client.poll(Duration::from_millis(5));
            }
            Err((error, _)) => panic!("{error}"),
        }
        client.poll(pace);
    }
    client.flush(Duration::from_secs(60)).expect("everything is acknowledged in the end");
    number
}

/// Runs producers while `disturb` does what it wants with the server; what was acknowledged, and how many records each producer sent.
fn under_load(server: &mut Server, disturb: impl FnOnce(&mut Server)) -> (BTreeMap<String, Place>, Vec<u64>) {
    let (acknowledged, stop) = (Acknowledged::default(), AtomicBool::new(false));
    let address = server.kafka.to_string();
    let produce = |number| produce(&address, number, acknowledged.clone(), &stop, Duration::from_micros(200));
    let sent = std::thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS).map(|number| scope.spawn(move || produce(number))).collect();
        disturb(server);
        stop.store(true, SeqCst);
        producers.into_iter().map(|producer| producer.join().expect("all went well")).collect()
    });
    (std::mem::take(&mut *acknowledged.0.lock().expect("intact")), sent)
}

/// What reading everything back showed.
#[derive(Debug, Default, PartialEq)]
struct Verdict {
    lost: usize,
    duplicates: usize,
    out_of_order: usize,
    moved: usize,
}

/// Compares what is in the log with what was acknowledged.
fn judge(server: &Server, acknowledged: &BTreeMap<String, Place>) -> Verdict {
    let mut verdict = Verdict::default();
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    let mut client = Raw::connect(server);
    for partition in 0..PARTITIONS {
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for (offset, value) in client.read_all(TOPIC, partition) {
            let name = name_of(&value);
            let (producer, number) = name.split_once(':').expect("a name");
            let number = number.parse().expect("a number");
            verdict.out_of_order += usize::from(last.get(producer).is_some_and(|last| *last >= number));
            last.insert(producer.to_owned(), number);
            verdict.duplicates += usize::from(places.insert(name, (partition, offset)).is_some());
        }
    }
    for (name, place) in acknowledged {
        verdict.lost += usize::from(!places.contains_key(name));
        verdict.moved += usize::from(places.get(name).is_some_and(|found| found != place));
    }
    verdict
}

#[test]
fn kill_9_under_load_loses_and_doubles_nothing() {
    let rounds = from_environment("CHRONIK_KILL_ROUNDS", ROUNDS);
    let seed = from_environment("CHRONIK_KILL_SEED", 1);
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut server = Server::with(SETTINGS);
    Raw::connect(&server).create_topic(TOPIC, PARTITIONS, &[]);
    let mut slowest = Duration::ZERO;
    let (acknowledged, sent) = under_load(&mut server, |server| {
        for _ in 0..rounds {
            std::thread::sleep(Duration::from_millis(rng.u64(50..600)));
            server.kill();
            if rng.u8(..4) == 0 {
                server.start_and_kill(Duration::from_millis(rng.u64(..60))); // in the middle of the recovery
            }
            let started = Instant::now();
            server.restart();
            slowest = slowest.max(started.elapsed());
        }
    });
    let verdict = judge(&server, &acknowledged);
    println!(
        "kill -9: {rounds} rounds (seed {seed}), {} records acknowledged, {verdict:?}; slowest recovery {slowest:?}",
        acknowledged.len()
    );
    assert_eq!(verdict, Verdict::default());
    assert_eq!(acknowledged.len() as u64, sent.iter().sum::<u64>(), "everything was acknowledged in the end");
}

#[test]
fn sigterm_under_load_loses_nothing_and_leaves_a_clean_log() {
    let mut server = Server::with(SETTINGS);
    Raw::connect(&server).create_topic(TOPIC, PARTITIONS, &[]);
    let (acknowledged, sent) = under_load(&mut server, |server| {
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(300));
            assert_eq!(server.terminate().code(), Some(0));
            server.restart();
            assert!(!server.log().contains("unclean"), "{}", server.log());
        }
    });
    assert_eq!(judge(&server, &acknowledged), Verdict::default());
    assert_eq!(acknowledged.len() as u64, sent.iter().sum::<u64>());
}
