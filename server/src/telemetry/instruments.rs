//! The metrics, by their own names. The admin server prints the same numbers under Kafka's names too.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::groups::GroupMetrics;
use super::labels::{ApiErrorLabels, ApiLabels, LoopLabels, NodeLabels, PeerLabels, ReasonLabels};
use super::latencies::Latencies;
use super::process::ProcessCollector;
use super::traffic::TopicTraffic;

/// All instruments and the registry that prints them. Cheap to clone; clones are the same instruments.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    instruments: Instruments,
    registry: Registry,
    groups: GroupMetrics,
}

impl Deref for Metrics {
    type Target = Instruments;

    fn deref(&self) -> &Instruments {
        &self.0.instruments
    }
}

impl Metrics {
    /// Instruments at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let ours = registry.sub_registry_with_prefix("chronik");
        let instruments = Instruments::registered(ours);
        ours.register("build", "What runs", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        register_cleaner(&mut registry, &instruments);
        registry.register_collector(Box::new(ProcessCollector));
        let groups = GroupMetrics::default();
        registry.register_collector(Box::new(groups.clone()));
        Self(Arc::new(Inner { instruments, registry, groups }))
    }

    /// Everything, and what `also` has, in the text format of OpenMetrics, which Prometheus reads.
    ///
    /// # Panics
    /// `out` does not take it.
    pub fn write_with(&self, also: &Registry, out: &mut impl fmt::Write) {
        let written = text::encode_registry(out, &self.0.registry)
            .and_then(|()| text::encode_registry(out, also))
            .and_then(|()| text::encode_eof(out));
        written.expect("memory takes all that is written");
    }

    /// The same as one text.
    pub fn encode_with(&self, also: &Registry) -> String {
        let mut out = String::new();
        self.write_with(also, &mut out);
        out
    }

    /// What is known of consumer groups.
    pub fn groups(&self) -> &GroupMetrics {
        &self.0.groups
    }

    /// Counts one answered request.
    pub fn request_done(&self, api: &'static str, error: &'static str, took: Duration) {
        self.requests.get_or_create(&ApiErrorLabels { api, error }).inc();
        self.request_duration.get_or_create(&ApiLabels { api }).observe(took.as_secs_f64());
        self.request_times.get_or_create(&ApiLabels { api }).observe(took);
    }

    /// Counts a frame that was refused, for a reason of a few words joined by `_`.
    pub fn frame_rejected(&self, reason: &'static str) {
        self.frames_rejected.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts a suspicion that a leader is gone, or what came of it.
    pub fn suspicion(&self, reason: &'static str) {
        self.suspicions.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts leaders that were elected: because a broker was fenced, was unfenced or has registered, or because somebody asked for it.
    pub fn leaders_elected(&self, reason: &'static str, count: usize) {
        if count > 0 {
            self.leader_elections.get_or_create(&ReasonLabels { reason }).inc_by(count as u64);
        }
    }

    /// Counts a connection of another node that was refused, for a reason of a few words joined by `_`.
    pub fn peer_refused(&self, reason: &'static str) {
        self.peer_refused.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts a connection that was refused, for a reason of a few words joined by `_`.
    pub fn connection_refused(&self, reason: &'static str) {
        self.connections_refused.get_or_create(&ReasonLabels { reason }).inc();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

macro_rules! instruments {
    ($( $field:ident : $type:ty = $make:expr, $name:literal, $help:literal $(, $unit:expr)?; )+) => {
        /// Every instrument, by field. The metric of field `f` is called `chronik_` and the name in the table, and the unit.
        #[derive(Debug)]
        pub struct Instruments {
            $( #[doc = $help] pub $field: $type, )+
            /// By topic. Printed under Kafka's names alone.
            pub traffic: TopicTraffic,
            /// `request_duration`, to be read.
            pub request_times: Family<ApiLabels, Latencies>,
        }

        impl Instruments {
            fn registered(registry: &mut Registry) -> Self {
                let all = Self {
                    $( $field: $make, )+
                    traffic: TopicTraffic::default(),
                    request_times: Family::default(),
                };
                $( instruments!(@register registry, $name, $help, all.$field $(, $unit)?); )+
                all
            }
        }
    };
    (@register $registry:ident, $name:literal, $help:literal, $metric:expr) => {
        $registry.register($name, $help, $metric.clone());
    };
    (@register $registry:ident, $name:literal, $help:literal, $metric:expr, $unit:expr) => {
        $registry.register_with_unit($name, $help, $unit, $metric.clone());
    };
}

instruments! {
    requests: Family<ApiErrorLabels, Counter> = Family::default(), "requests", "Requests answered, by API and error";
    request_duration: Family<ApiLabels, Histogram> = Family::new_with_constructor(latencies), "request_duration", "Time from a request read to its answer handed to the socket", Unit::Seconds;
    request_bytes: Counter = Counter::default(), "request", "Bytes of requests read", Unit::Bytes;
    response_bytes: Counter = Counter::default(), "response", "Bytes of answers written", Unit::Bytes;
    connections_open: Gauge = Gauge::default(), "connections_open", "Connections open now";
    connections_accepted: Counter = Counter::default(), "connections_accepted", "Connections accepted";
    connections_refused: Family<ReasonLabels, Counter> = Family::default(), "connections_refused", "Connections closed as soon as they came, by reason";
    frames_rejected: Family<ReasonLabels, Counter> = Family::default(), "frames_rejected", "Frames that closed their connection, by reason";
    produced_bytes: Counter = Counter::default(), "produced", "Bytes of record batches appended", Unit::Bytes;
    produced_records: Counter = Counter::default(), "produced_records", "Records appended";
    fetched_bytes: Counter = Counter::default(), "fetched", "Bytes of record batches sent to consumers", Unit::Bytes;
    wal_groups: Counter = Counter::default(), "wal_groups", "Commit groups written to the write-ahead log";
    wal_group_entries: Histogram = counts(), "wal_group_entries", "Operations in a commit group";
    wal_sync_duration: Histogram = latencies(), "wal_sync_duration", "Time of a write and sync of the write-ahead log", Unit::Seconds;
    checkpoints: Counter = Counter::default(), "checkpoints", "Checkpoints written";
    checkpoint_duration: Histogram = latencies(), "checkpoint_duration", "Time of a checkpoint", Unit::Seconds;
    compactions: Counter = Counter::default(), "compactions", "Compactions of a log carried out";
    compaction_failures: Counter = Counter::default(), "compaction_failures", "Compactions that failed";
    compaction_duration: Histogram = latencies(), "compaction_duration", "Time of a compaction", Unit::Seconds;
    compaction_read_bytes: Counter = Counter::default(), "compaction_read", "Bytes of record batches that compactions filtered", Unit::Bytes;
    compaction_kept_bytes: Counter = Counter::default(), "compaction_kept", "Bytes of record batches that compactions kept", Unit::Bytes;
    compaction_recopy_percent: Gauge = Gauge::default(), "compaction_recopy_percent", "Share of its bytes that the last compaction kept";
    compaction_max_seconds: Gauge = Gauge::default(), "compaction_max_seconds", "Time of the longest compaction";
    compaction_max_dirty_percent: Gauge = Gauge::default(), "compaction_max_dirty_percent", "Largest share of a log that is not compacted and could be";
    compaction_uncleanable_partitions: Gauge = Gauge::default(), "compaction_uncleanable_partitions", "Logs that cannot be compacted";
    storage_errors: Counter = Counter::default(), "storage_errors", "Operations refused by the disk";
    budget_available_bytes: Gauge = Gauge::default(), "budget_available", "Bytes free for requests in flight", Unit::Bytes;
    budget_total_bytes: Gauge = Gauge::default(), "budget_total", "Bytes for requests in flight (queued.max.bytes)", Unit::Bytes;
    raft_round_duration: Histogram = turns(), "raft_round_duration", "Time of a round of the Raft loop, or of a few without a pause", Unit::Seconds;
    raft_round_interval: Histogram = turns(), "raft_round_interval", "Time from the beginning of a round of the Raft loop to that of the next: a tick (50 ms), or less, unless one of them or the whole process stands still", Unit::Seconds;
    raft_term: Gauge = Gauge::default(), "raft_term", "Raft term of the metadata";
    raft_is_leader: Gauge = Gauge::default(), "raft_is_leader", "Whether this node leads the metadata (1)";
    raft_leader: Gauge = Gauge::default(), "raft_leader", "Node id of who leads the metadata; -1 for nobody";
    raft_commit_index: Gauge = Gauge::default(), "raft_commit_index", "Index up to which the Raft log is committed";
    raft_applied_index: Gauge = Gauge::default(), "raft_applied_index", "Index up to which the Raft log is applied";
    raft_proposal_duration: Histogram = latencies(), "raft_proposal_duration", "Time from a proposal to its outcome", Unit::Seconds;
    fenced_brokers: Gauge = Gauge::default(), "fenced_brokers", "Brokers that are fenced, as far as this node knows";
    broker_lease_remaining: Gauge = Gauge::default(), "broker_lease_remaining_milliseconds", "How long this node may still lead partitions if its lease is not renewed";
    broker_heartbeats_granted: Counter = Counter::default(), "broker_heartbeats_granted", "Leases of brokers that this node has renewed, as the leader of the metadata";
    broker_heartbeats_refused: Counter = Counter::default(), "broker_heartbeats_refused", "Heartbeats of brokers that it has refused, because it does not lead or they are of an earlier life";
    leader_elections: Family<ReasonLabels, Counter> = Family::default(), "leader_elections", "Leaders of partitions elected by commands that this node has proposed, by why";
    leader_heartbeat_age: Gauge = Gauge::default(), "leader_heartbeat_age_milliseconds", "For how long nothing was heard of the node that leads something that this one follows and was silent for longest";
    suspicions: Family<ReasonLabels, Counter> = Family::default(), "leader_suspicions", "Leaders of partitions that were suspected, and what came of it: asked, led, refused, unanswered";
    leader_election_duration: Histogram = turns(), "leader_election_duration", "Time in which whoever leads the metadata has answered a suspicion", Unit::Seconds;
    topics: Gauge = Gauge::default(), "topics", "Topics";
    partitions: Gauge = Gauge::default(), "partitions", "Partitions";
    peer_connected: Family<PeerLabels, Gauge> = Family::default(), "peer_connected", "Whether the connection to a node stands (1)";
    peer_connections: Family<PeerLabels, Counter> = Family::default(), "peer_connections", "Connections made to a node; all but the first are reconnects";
    peer_sent_bytes: Family<PeerLabels, Counter> = Family::default(), "peer_sent", "Bytes written to a node", Unit::Bytes;
    peer_received_bytes: Family<PeerLabels, Counter> = Family::default(), "peer_received", "Bytes that a node answered on the connection to it", Unit::Bytes;
    peer_dropped: Family<PeerLabels, Counter> = Family::default(), "peer_dropped_messages", "Messages to a node that were not written";
    peer_last_heard: Family<PeerLabels, Gauge> = Family::default(), "peer_last_heard_milliseconds", "When a node was last heard, in milliseconds of uptime; -1 if never";
    peer_incoming: Gauge = Gauge::default(), "peer_incoming_connections", "Connections open from other nodes";
    peer_incoming_bytes: Counter = Counter::default(), "peer_incoming", "Bytes read from other nodes", Unit::Bytes;
    peer_refused: Family<ReasonLabels, Counter> = Family::default(), "peer_refused", "Connections from other nodes that were refused, by reason";
    stream_sent_bytes: Family<NodeLabels, Counter> = Family::default(), "stream_sent", "Bytes of record batches sent to a follower", Unit::Bytes;
    stream_throttled_bytes: Family<NodeLabels, Counter> = Family::default(), "stream_throttled", "Bytes among them that were sent at a rate, to replicas that are not in sync (replication.throttled.rate)", Unit::Bytes;
    stream_throttled_milliseconds: Family<NodeLabels, Counter> = Family::default(), "stream_throttled_milliseconds", "Time in which something for a follower waited for a rate";
    stream_received_bytes: Family<NodeLabels, Counter> = Family::default(), "stream_received", "Bytes of record batches that came from a leader", Unit::Bytes;
    stream_sessions: Family<NodeLabels, Counter> = Family::default(), "stream_sessions", "Streams that a follower has begun; all but the first follow a reconnect";
    isr_changes: Counter = Counter::default(), "isr_changes", "Changes of in-sync sets that this node had committed as a leader";
    loop_turn_duration: Family<LoopLabels, Histogram> = Family::new_with_constructor(turns), "loop_turn_duration", "Time of a turn of a loop that waits for nothing within one: timeout-monitor, election-worker", Unit::Seconds;
    loop_last_beat: Family<LoopLabels, Gauge> = Family::default(), "loop_last_beat_milliseconds", "When a loop last showed life, in milliseconds of uptime; -1 while it waits";
    loop_stalled: Family<LoopLabels, Gauge> = Family::default(), "loop_stalled", "Whether a loop stands still (1)";
    loop_stalls: Family<LoopLabels, Counter> = Family::default(), "loop_stalls", "How often a loop was found standing still";
}

/// The gauges of the cleaner, by the names that dashboards for Kafka ask for (`kafka.log:type=LogCleaner` and `LogCleanerManager`).
fn register_cleaner(registry: &mut Registry, instruments: &Instruments) {
    let kafka = registry.sub_registry_with_prefix("kafka_log");
    let mut register = |name: &str, help: &str, gauge: &Gauge| kafka.register(name, help, gauge.clone());
    register(
        "logcleaner_cleaner_recopy_percent",
        "Share of its bytes that the last compaction kept",
        &instruments.compaction_recopy_percent,
    );
    register(
        "logcleaner_max_clean_time_secs",
        "Time of the longest compaction",
        &instruments.compaction_max_seconds,
    );
    register(
        "logcleanermanager_max_dirty_percent",
        "Largest share of a log that is not compacted and could be",
        &instruments.compaction_max_dirty_percent,
    );
    register(
        "logcleanermanager_uncleanable_partitions_count",
        "Logs that cannot be compacted",
        &instruments.compaction_uncleanable_partitions,
    );
}

/// 50 us to 26 s, doubling.
fn latencies() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 2.0, 20))
}

/// 100 us to 10 s, so that a second is a bound: what has not taken as long is told from what has.
fn turns() -> Histogram {
    let [ms, tens, hundreds, seconds] = [0.001, 0.01, 0.1, 1.0].map(|unit| [unit, 2.0 * unit, 5.0 * unit]);
    Histogram::new(
        [[0.000_1, 0.000_2, 0.000_5], ms, tens, hundreds, seconds].into_iter().flatten().chain([10.0]),
    )
}

/// 1 to 32768, doubling.
fn counts() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 16))
}
