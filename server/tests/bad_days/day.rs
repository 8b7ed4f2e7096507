//! A bad day from its beginning to its end: a cluster, a producer, and what must be true in the evening.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::load::{Load, PARTITIONS, Pace, TOPIC, read_all};
use crate::support::cluster::Cluster;

/// Some thousand records each second.
pub(crate) const CALM: Pace = Pace { record_bytes: 100, every: Duration::from_millis(4) };
/// Every topic is on three nodes, of which two must have a record.
const REPLICATED: [&str; 4] = ["--replication-factor", "3", "--config", "min.insync.replicas=2"];

pub(crate) struct Day {
    name: String,
    begun: Instant,
    pub(crate) load: Load,
    pub(crate) cluster: Cluster,
    /// Days come one after the other, or their figures would be about each other.
    _turn: MutexGuard<'static, ()>,
}

impl Day {
    /// Three nodes on loopback addresses.
    pub(crate) fn begin(name: &str) -> Self {
        Self::begin_with(name, CALM, || Cluster::start(3))
    }

    /// A cluster of its own.
    pub(crate) fn begin_with(name: &str, pace: Pace, cluster: impl FnOnce() -> Cluster) -> Self {
        let turn = turn();
        let (begun, cluster) = (Instant::now(), cluster());
        create_topic(&cluster);
        let load = Load::start(&servers(&cluster), pace);
        let day = Self { name: name.to_owned(), begun, load, cluster, _turn: turn };
        day.wait_until_whole();
        day.wait_until_served();
        day
    }

    /// Partitions that `node` leads, as `seen_by` knows it.
    pub(crate) fn led_by(&self, node: i32, seen_by: i32) -> Vec<i32> {
        let topic = self.cluster.connect(seen_by).topic(TOPIC, false);
        let led = topic.partitions.iter().filter(|partition| partition.leader_id == node);
        led.map(|partition| partition.partition_index).collect()
    }

    /// Who leads a partition, as `seen_by` knows it.
    pub(crate) fn leader(&self, partition: i32, seen_by: i32) -> i32 {
        patiently(&format!("partition {partition} to have a leader"), || {
            let topic = self.cluster.connect(seen_by).topic(TOPIC, false);
            let mut partitions = topic.partitions.iter();
            let found = partitions.find(|found| found.partition_index == partition)?;
            Some(found.leader_id).filter(|leader| *leader > 0)
        })
    }

    /// Who leads the metadata, as `seen_by` knows it.
    pub(crate) fn controller(&self, seen_by: i32) -> i32 {
        patiently("somebody to lead the metadata", || {
            let page = self.cluster.http(seen_by, "/api/v1/node");
            let number = page.split("\"controller_id\":").nth(1)?.split(',').next()?;
            number.parse().ok().filter(|id| *id > 0)
        })
    }

    /// The nodes besides one.
    pub(crate) fn others(&self, node: i32) -> Vec<i32> {
        self.cluster.ids().into_iter().filter(|id| *id != node).collect()
    }

    /// How long each of the partitions was not served from `since` on, once all are.
    pub(crate) fn failover(&self, partitions: &[i32], since: Instant) -> Vec<Duration> {
        let gap = |partition: &i32| {
            let what = format!("{}: partition {partition} to be served", self.name);
            patiently(&what, || self.load.ledger.served(*partition, since))
        };
        partitions.iter().map(gap).collect()
    }

    /// Waits until a record of every partition that is sent from now on is acknowledged.
    pub(crate) fn wait_until_served(&self) {
        self.failover(&(0..PARTITIONS).collect::<Vec<_>>(), Instant::now());
    }

    /// Waits until a node says that it is ready.
    pub(crate) fn wait_until_ready(&self, node: i32) {
        patiently(&format!("{}: node {node} to be ready", self.name), || {
            self.cluster.http(node, "/health/ready").starts_with("HTTP/1.1 200").then_some(())
        });
    }

    /// Waits until every node says that every replica of every partition is in sync.
    pub(crate) fn wait_until_whole(&self) {
        wait_until_in_sync(&self.cluster, TOPIC);
    }

    /// The evening: the cluster is whole, every partition is served, nothing is lost, doubled or disordered.
    pub(crate) fn end(mut self) {
        self.wait_until_whole();
        self.wait_until_served();
        self.load.finish();
        let ledger = &self.load.ledger;
        let verdict = ledger.judge(&read_all(&servers(&self.cluster)));
        let (gap, each) = ledger.gaps();
        let failures = ledger.failures();
        let ms: Vec<String> = each.iter().map(|gap| gap.as_millis().to_string()).collect();
        eprintln!(
            "{}: {} records acknowledged, {} not, {} lost, {} duplicates, {} disordered, {} moved; longest gap {} ms, by partition {} ms; {:.1} s",
            self.name,
            verdict.acknowledged,
            failures.len(),
            verdict.lost,
            verdict.duplicates,
            verdict.disordered,
            verdict.moved,
            gap.as_millis(),
            ms.join(" "),
            self.begun.elapsed().as_secs_f64(),
        );
        assert!(verdict.acknowledged > 0, "{}: nothing was acknowledged", self.name);
        let wrong = verdict.lost + verdict.duplicates + verdict.disordered + verdict.moved;
        assert_eq!(
            wrong,
            0,
            "{}: a record that was acknowledged is there once, where it was put; the producer says:\n{}",
            self.name,
            ledger.said()
        );
        assert!(
            failures.is_empty(),
            "{}: {} records failed, first {}",
            self.name,
            failures.len(),
            failures[0]
        );
    }
}

/// For as long as it is held, no other day begins.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates the topic, on every node.
pub(crate) fn create_topic(cluster: &Cluster) {
    patiently("the topic to be created", || {
        let partitions = PARTITIONS.to_string();
        let words = ["topics", "create", TOPIC, "--partitions", &partitions];
        let created = cluster.command(1, &[&words[..], &REPLICATED].concat());
        let said = String::from_utf8_lossy(&created.stderr);
        let done = created.status.success() || said.contains("already exists");
        assert!(done || said.contains("REQUEST_TIMED_OUT"), "creating the topic: {said}");
        done.then_some(())
    });
}

/// Waits until every node says that every replica of every partition of a topic is in sync.
pub(crate) fn wait_until_in_sync(cluster: &Cluster, name: &str) {
    for node in cluster.ids() {
        let mut last = String::new();
        let whole = within(PATIENCE, || {
            let topic = cluster.connect(node).topic(name, false);
            let all = |ids: &[i32]| ids.iter().collect::<BTreeSet<_>>().len() == 3;
            let lags = topic.partitions.iter().find(|partition| {
                partition.leader_id <= 0 || !all(&partition.isr_nodes) || !all(&partition.replica_nodes)
            });
            last = format!("{lags:?}");
            (lags.is_none() && !topic.partitions.is_empty()).then_some(())
        });
        assert!(whole.is_some(), "not all of {name:?} is in sync, node {node} says: {last}");
    }
}

/// Where clients reach the nodes.
pub(crate) fn servers(cluster: &Cluster) -> Vec<SocketAddr> {
    cluster.ids().into_iter().map(|id| cluster.kafka(id)).collect()
}

/// Looks again and again until `look` finds something.
pub(crate) fn patiently<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("waited {PATIENCE:?} for {what}"))
}

fn within<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        let found = look();
        if found.is_some() || Instant::now() > deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
