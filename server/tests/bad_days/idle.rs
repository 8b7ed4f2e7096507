//! What partitions cost to which nothing happens. A measurement with bounds:
//! `cargo test --release -p chronik-server --test bad_days idle -- --ignored --nocapture`

use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_server::telemetry::process_usage;

use crate::network::Network;
use crate::support::cluster::Cluster;
use crate::support::metrics::Scrape;
use crate::thousands::creation;
use crate::{day, number};

const PARTITIONS_OF_A_TOPIC: i32 = 1_000;
/// Until what came of the creation is over: a sync, a look, a checkpoint.
const SETTLING: Duration = Duration::from_secs(10);
/// How often Prometheus comes while nothing else happens.
const SCRAPES: usize = 20;
/// Of one processor, by each node; a build that is not optimized has twice as much to do.
const MAX_CPU_PERCENT: f64 = if cfg!(debug_assertions) { 10.0 } else { 5.0 };
/// Between two nodes, in both directions together.
const MAX_PAIR_BYTES_PER_SECOND: f64 = 100_000.0;
/// Resident, of a replica.
const MAX_BYTES_PER_PARTITION: f64 = 8_192.0;

#[test]
#[ignore = "a measurement"]
fn idle_partitions_cost_next_to_nothing() {
    let _turn = day::turn();
    let network = Network::new(3);
    let mut cluster = match &network {
        Ok(network) => Cluster::placed(network.places(), &[]),
        Err(why) => {
            eprintln!(
                "idle: no network namespaces here ({why}): only what the nodes count themselves is known"
            );
            Cluster::not_started(3, &[])
        }
    };
    cluster.ids().into_iter().for_each(|id| cluster.spawn(id));
    cluster.ids().into_iter().for_each(|id| cluster.wait_until_ready(id));
    let network = network.ok();
    std::thread::sleep(SETTLING);
    scrape_often(&cluster);
    let empty = resident(&cluster);
    let partitions = i32::try_from(number("CHRONIK_BAD_DAYS_IDLE", 10_000)).expect("few");
    for topic in 0..partitions / PARTITIONS_OF_A_TOPIC {
        let name = format!("idle-{topic}");
        let request = creation(&name, PARTITIONS_OF_A_TOPIC, 3);
        assert_eq!(cluster.connect(1).ask(7, &request).topics[0].error_code, ErrorCode::NONE, "{name}");
        day::wait_until_in_sync(&cluster, &name);
    }
    std::thread::sleep(SETTLING);
    scrape_often(&cluster);
    let seconds = number("CHRONIK_BAD_DAYS_IDLE_SECONDS", 30);
    let (before, carried) = (scrape(&cluster), carried(&cluster, network.as_ref()));
    let cpu = cpu(&cluster);
    std::thread::sleep(Duration::from_secs(seconds));
    let measured = Measured {
        partitions: partitions.into(),
        seconds: Duration::from_secs(seconds).as_secs_f64(),
        cpu: difference(&cpu, &self::cpu(&cluster)),
        carried: difference(&carried, &self::carried(&cluster, network.as_ref())),
        resident: difference(&empty, &resident(&cluster)),
        counted: scrape(&cluster).iter().zip(&before).map(|(after, before)| after.since(before)).collect(),
    };
    judge(&cluster, &measured);
}

/// By node, in order of their ids.
struct Measured {
    partitions: f64,
    seconds: f64,
    /// Seconds on a processor.
    cpu: Vec<f64>,
    /// Bytes that came and went at its interface; nothing if it has none of its own.
    carried: Vec<f64>,
    /// More bytes than when it was empty.
    resident: Vec<f64>,
    counted: Vec<Scrape>,
}

fn judge(cluster: &Cluster, measured: &Measured) {
    let Measured { partitions, seconds, cpu, carried, resident, counted } = measured;
    let ids = cluster.ids();
    for ((id, cpu), resident) in ids.iter().zip(cpu).zip(resident) {
        let (percent, each) = (100.0 * cpu / seconds, resident / partitions);
        eprintln!(
            "idle: node {id}, {partitions} replicas: {percent:.2} % of a processor, {each:.0} bytes resident for each"
        );
        assert!(percent < MAX_CPU_PERCENT, "node {id} is busy with nothing");
        assert!(each < MAX_BYTES_PER_PARTITION, "node {id} takes too much memory");
    }
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let sent = said(&counted[one], ids[other]) + said(&counted[other], ids[one]);
        eprintln!(
            "idle: nodes {} and {}: {:.0} bytes/s, as they count",
            ids[one],
            ids[other],
            sent / seconds
        );
        assert!(sent / seconds < MAX_PAIR_BYTES_PER_SECOND, "idle nodes say too much to each other");
    }
    for (id, carried) in ids.iter().zip(carried) {
        eprintln!(
            "idle: node {id}: {:.0} bytes/s at its interface, to and from both others",
            carried / seconds
        );
        assert!(carried / seconds < 2.0 * MAX_PAIR_BYTES_PER_SECOND, "idle nodes say too much to each other");
    }
}

/// Bytes that a node has written to another one, and read from it as answers.
fn said(counted: &Scrape, to: i32) -> f64 {
    let to = format!("node=\"{to}\"");
    let of =
        |name| counted.by_labels(name).filter(|(labels, _)| labels.contains(&to)).map(|(_, bytes)| bytes);
    of("chronik_peer_sent_bytes_total").chain(of("chronik_peer_received_bytes_total")).sum()
}

fn scrape(cluster: &Cluster) -> Vec<Scrape> {
    cluster.ids().into_iter().map(|id| Scrape::of(cluster.admin(id))).collect()
}

/// What that takes of memory is a node's, too.
fn scrape_often(cluster: &Cluster) {
    (0..SCRAPES).for_each(|_| drop(scrape(cluster)));
}

fn cpu(cluster: &Cluster) -> Vec<f64> {
    cluster
        .ids()
        .into_iter()
        .map(|id| process_usage(Some(cluster.pid(id))).expect("Linux").cpu_seconds)
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn resident(cluster: &Cluster) -> Vec<f64> {
    let of = |id| process_usage(Some(cluster.pid(id))).expect("Linux").resident_bytes as f64;
    cluster.ids().into_iter().map(of).collect()
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn carried(cluster: &Cluster, network: Option<&Network>) -> Vec<f64> {
    let of = |network: &Network| cluster.ids().iter().map(|id| network.carried(*id) as f64).collect();
    network.map(of).unwrap_or_default()
}

fn difference(before: &[f64], after: &[f64]) -> Vec<f64> {
    before.iter().zip(after).map(|(before, after)| after - before).collect()
}
