//! Not a bad day but a busy one: nothing happens to anybody, and producers take whatever the machine gives. Nobody may be replaced for being slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::day::{self, patiently, servers};
use crate::load::{PARTITIONS, TOPIC};
use crate::support::cluster::Cluster;
use crate::support::metrics::Scrape;
use crate::{PATIENCE, number};

/// Each with a thread and connections of its own.
const PRODUCERS: usize = 2;
const RECORD_BYTES: usize = 1_000;
/// The disk is not to be full in the evening.
const RETENTION: [&str; 3] =
    ["log.retention.bytes=268435456", "log.segment.bytes=33554432", "log.retention.check.interval.ms=2000"];

/// Counts records that were acknowledged, and those that were not.
#[derive(Clone, Default)]
struct Counts {
    acknowledged: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
}

impl ClientContext for Counts {}

impl ProducerContext for Counts {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.acknowledged } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_cluster_under_load_elects_nobody() {
    let _turn = day::turn();
    let cluster = Cluster::with(3, &RETENTION);
    day::create_topic(&cluster);
    day::wait_until_in_sync(&cluster, TOPIC);
    let time = Duration::from_secs(number("CHRONIK_BAD_DAYS_LOADED_SECONDS", 10));
    let before = look(&cluster);
    let (begun, counts) = (Instant::now(), Counts::default());
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for _ in 0..PRODUCERS {
            scope.spawn(|| produce(&cluster, &counts, &goes_on));
        }
        let mut minutes = 0;
        while begun.elapsed() < time {
            std::thread::sleep(Duration::from_secs(1).min(time.saturating_sub(begun.elapsed())));
            if begun.elapsed().as_secs() / 60 > minutes {
                minutes += 1;
                eprintln!("loaded: {minutes} min, {} records", counts.acknowledged.load(Ordering::Relaxed));
            }
        }
        goes_on.store(false, Ordering::Relaxed);
    });
    let (seconds, acknowledged) =
        (begun.elapsed().as_secs_f64(), counts.acknowledged.load(Ordering::Relaxed));
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let megabytes = acknowledged as f64 * RECORD_BYTES as f64 / 1e6;
    eprintln!(
        "loaded: {acknowledged} records acknowledged by all in {seconds:.0} s, {:.1} MB/s",
        megabytes / seconds
    );
    assert_eq!(counts.failed.load(Ordering::Relaxed), 0, "every record was acknowledged");
    let after = look(&cluster);
    for ((id, before), after) in cluster.ids().into_iter().zip(&before.counted).zip(&after.counted) {
        judge(id, &after.since(before));
    }
    assert_eq!(before.leaders, after.leaders, "partition, leader and leader epoch");
}

/// What can be seen of elections.
struct Look {
    /// Number, leader and leader epoch of each partition, as node 1 knows them.
    leaders: Vec<(i32, i32, i32)>,
    /// By each node.
    counted: Vec<Scrape>,
}

fn look(cluster: &Cluster) -> Look {
    let topic = cluster.connect(1).topic(TOPIC, false);
    let mut leaders: Vec<_> =
        topic.partitions.iter().map(|p| (p.partition_index, p.leader_id, p.leader_epoch)).collect();
    leaders.sort_unstable();
    // A node that has just heard who leads counts the term at its next tick.
    let knows = |scrape: &Scrape| scrape.get("chronik_raft_leader") > 0.0;
    let scrape = |id| patiently("a leader", || Some(Scrape::of(cluster.admin(id))).filter(knows));
    Look { leaders, counted: cluster.ids().into_iter().map(scrape).collect() }
}

fn judge(node: i32, counted: &Scrape) {
    let (rounds, round) = counted.below("chronik_raft_round_duration_seconds", "");
    let (_, interval) = counted.below("chronik_raft_round_interval_seconds", "");
    let [elected, suspected, stalls] = ["leader_elections", "leader_suspicions", "loop_stalls"]
        .map(|name| counted.sum(&format!("chronik_{name}_total")));
    let (terms, isr) = (counted.get("chronik_raft_term"), counted.get("chronik_isr_changes_total"));
    eprintln!(
        "loaded:   node {node}: {elected} leaders elected, {terms} Raft terms, {suspected} suspicions, {isr} changes of in-sync sets, {rounds} Raft rounds, none over {round} s, begun within {interval} s of each other"
    );
    assert_eq!(elected, 0.0, "node {node} had leaders elected, and all were there");
    assert_eq!(terms, 0.0, "node {node} saw the leader of the metadata change, and it was there");
    assert_eq!(stalls, 0.0, "node {node} had a loop that stood still");
    assert!(round <= 1.0, "node {node} had a Raft round of up to {round} s");
}

/// Produces as much as is taken.
fn produce(cluster: &Cluster, counts: &Counts, goes_on: &AtomicBool) {
    let servers: Vec<String> = servers(cluster).iter().map(ToString::to_string).collect();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers.join(",")).set("acks", "all").set("enable.idempotence", "true");
    config.set("linger.ms", "5").set("message.timeout.ms", PATIENCE.as_millis().to_string());
    let producer: ThreadedProducer<Counts> = config.create_with_context(counts.clone()).expect("a producer");
    let value = vec![b'.'; RECORD_BYTES];
    for partition in (0..PARTITIONS).cycle() {
        let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(TOPIC).partition(partition).payload(&value);
        let mut unsent = producer.send(record).err();
        while let Some((error, record)) = unsent {
            assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull), "producing: {error}");
            std::thread::sleep(Duration::from_millis(1));
            unsent = producer.send(record).err();
        }
        if !goes_on.load(Ordering::Relaxed) {
            break;
        }
    }
    producer.flush(PATIENCE).expect("everything was acknowledged");
}
