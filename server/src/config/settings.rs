//! The table: name, type, default, allowed values and documentation of every setting.

use chronik_log::CleanupPolicy;

use super::value::{
    Allowed, CompressionType, ConfigType, HostPort, LogFormat, ReplicaSelector, TimestampSource, Value,
    WalFlush,
};
use super::voters::Voters;

/// One row of the table.
#[derive(Debug)]
pub struct Setting {
    /// The dotted name.
    pub name: &'static str,
    /// Heading under which it is documented.
    pub section: &'static str,
    /// What it does, one or more lines.
    pub doc: &'static str,
    /// Kind of value, for readers.
    pub kind: &'static str,
    /// Kind of value, for clients.
    pub config_type: ConfigType,
    /// Whether its value is written without quotes in TOML.
    pub bare_in_toml: bool,
    /// The values allowed, for readers; empty if the kind says it all.
    pub allowed: fn() -> String,
    /// The value in `config`, as it would be written.
    pub get: fn(config: &Config) -> String,
    /// Reads and checks `text` and puts it into `config`; the error says what is wrong with `text`.
    pub set: fn(config: &mut Config, text: &str) -> Result<(), String>,
}

macro_rules! settings {
    ($( $section:literal { $(
        $(#[doc = $doc:literal])+
        $name:literal => $field:ident : $type:ty = $default:expr, $allowed:expr;
    )+ } )+) => {
        /// Every setting, by the name of its field. Comes checked out of [`Loader`](super::Loader).
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config { $($(
            #[doc = concat!("`", $name, "`:")]
            $(#[doc = $doc])+
            pub $field: $type,
        )+)+ }

        impl Default for Config {
            fn default() -> Self {
                Self { $($( $field: $default, )+)+ }
            }
        }

        /// The table, in the order in which it is documented.
        pub static SETTINGS: &[Setting] = &[ $($( Setting {
            name: $name,
            section: $section,
            doc: concat!($( $doc, "\n" ),+),
            kind: <$type as Value>::KIND,
            config_type: <$type as Value>::TYPE,
            bare_in_toml: <$type as Value>::BARE_IN_TOML,
            allowed: || $allowed.describe(),
            get: |config| config.$field.show(),
            set: |config, text| { config.$field = $allowed.check(<$type as Value>::read(text)?)?; Ok(()) },
        }, )+)+ ];
    };
}

/// Settings that other nodes go by too: they are in the metadata, or nowhere.
const ONLY_WHILE_IT_RUNS: &[&str] =
    &["leader.replication.throttled.rate", "follower.replication.throttled.rate"];

/// Whether a setting can only be given while the broker runs, by a request.
pub fn is_only_dynamic(name: &str) -> bool {
    ONLY_WHILE_IT_RUNS.contains(&name)
}

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

settings! {
    "Node" {
        /// Number of this node in the cluster.
        "node.id" => node_id: i32 = 1, Allowed::AtLeast(0);
        /// Name of the cluster, shown to clients. Empty: a random one is made when the data directory is created.
        "cluster.id" => cluster_id: String = String::new(), Allowed::Any;
        /// The data directory. It is created if it does not exist, and locked while the server runs. Exactly one.
        "log.dirs" => log_dirs: String = "./chronik-data".to_owned(), Allowed::NotEmpty;
        /// How long a graceful stop may take before the server gives up waiting for clients.
        "shutdown.timeout.ms" => shutdown_timeout_ms: i64 = 30_000, Allowed::Between(0, HOUR_MS);
    }
    "Network" {
        /// Where Kafka clients connect: host:port, or PLAINTEXT://host:port; a list is separated by commas. Port 0 takes any free one.
        "listeners" => listeners: Vec<HostPort> = vec![HostPort::new("127.0.0.1", 9092)], Allowed::NotEmpty;
        /// The addresses that clients are told, in the order of `listeners`. Empty: those of `listeners`.
        /// Needed when the listener is 0.0.0.0 or `[::]`, which nobody can connect to.
        "advertised.listeners" => advertised_listeners: Vec<HostPort> = Vec::new(), Allowed::Any;
        /// Connections open at a time; further ones are closed as soon as they are accepted.
        "max.connections" => max_connections: usize = 20_000, Allowed::AtLeast(1);
        /// Connections open at a time from one address.
        "max.connections.per.ip" => max_connections_per_ip: usize = 20_000, Allowed::AtLeast(1);
        /// A connection without a request for this long is closed. -1: never.
        "connections.max.idle.ms" => connections_max_idle_ms: i64 = 10 * MINUTE_MS, Allowed::AtLeast(-1);
        /// Bytes of the largest request; a connection that announces a larger one is closed.
        "socket.request.max.bytes" => socket_request_max_bytes: usize = 104_857_600, Allowed::Between(1_024, 1 << 30);
        /// Bytes that all requests in flight and their answers may use together; beyond it, connections are not read.
        "queued.max.bytes" => queued_max_bytes: usize = 512 << 20, Allowed::AtLeast(1 << 20);
        /// Requests of one connection in flight; beyond it, the connection is not read.
        "max.in.flight.requests.per.connection" => max_in_flight_requests_per_connection: usize = 64, Allowed::Between(1, 10_000);
    }
    "Cluster" {
        /// The nodes that the cluster begins with, each with the place where the others reach it: 1@host:port,2@host:port,... The same on every node of it, and `node.id`
        /// is one of them. An odd number of them: three go on without one, five without two. All must be there when the cluster is first started, and none may have data;
        /// later it says where they are. Empty: this node is a cluster of its own, or joins one.
        "controller.quorum.voters" => controller_quorum_voters: Voters = Voters::default(), Allowed::Any;
        /// Where clients reach nodes of a cluster that there is: host:port,... This node joins it when it is first started (start --join), gets the metadata, and votes on it
        /// once it has caught up. Its `node.id` is one that no node of that cluster ever had.
        "controller.quorum.bootstrap.servers" => controller_quorum_bootstrap_servers: Vec<HostPort> = Vec::new(), Allowed::Any;
        /// Where this node stands, such as a zone or a rack: the replicas of a partition are spread over racks. Empty: nobody knows.
        "broker.rack" => broker_rack: Option<String> = None, Allowed::Any;
        /// Which replica a consumer reads from. Empty: the leader. org.apache.kafka.common.replica.RackAwareReplicaSelector: one in the consumer's own rack (client.rack), if
        /// there is one that is in sync; `broker.rack` of each node says where it stands (KIP-392).
        "replica.selector.class" => replica_selector_class: ReplicaSelector = ReplicaSelector::Leader, Allowed::Any;
        /// A replica that has not had everything that its leader has for this long leaves the in-sync set.
        "replica.lag.time.max.ms" => replica_lag_time_max_ms: i64 = 10_000, Allowed::Between(100, HOUR_MS);
        /// Whether leadership goes back to the preferred replicas once they are in sync again.
        "auto.leader.rebalance.enable" => auto_leader_rebalance_enable: bool = true, Allowed::Any;
        /// How often the controller looks for partitions that are not led by their preferred replica.
        "leader.imbalance.check.interval.seconds" => leader_imbalance_check_interval_seconds: i64 = 300, Allowed::Between(1, 86_400);
        /// How many percent of the partitions that a node should lead may be led by others before it gets them back.
        "leader.imbalance.per.broker.percentage" => leader_imbalance_per_broker_percentage: usize = 10, Allowed::Between(0, 100);
    }
    "Throttled replication" {
        /// Bytes per second that this node, as a leader, sends to replicas that are not in sync; of the topics and partitions that leader.replication.throttled.replicas
        /// names (KIP-73). Not set: as many as there are. 0: none. It is changed while the broker runs, and cannot stand in a file.
        "leader.replication.throttled.rate" => leader_replication_throttled_rate: Option<i64> = None, Allowed::AtLeast(0);
        /// Bytes per second that this node, as a follower, is sent for its replicas that are not in sync; of those that follower.replication.throttled.replicas
        /// names. Not set: as many as there are. 0: none. It is changed while the broker runs, and cannot stand in a file.
        "follower.replication.throttled.rate" => follower_replication_throttled_rate: Option<i64> = None, Allowed::AtLeast(0);
    }
    "Between nodes" {
        /// Where this node listens for the others of its cluster: host:port. Empty: on the port of its entry in `controller.quorum.voters`, at every address, or
        /// at that of the entry if it is a loopback address; if it joins a cluster, on port 9192 at the address of the first listener. A node that is a cluster of its own and is
        /// to grow needs it; otherwise nobody listens there. Others are told this address, or that of `advertised.listeners` in place of 0.0.0.0. There is no encryption and no password: only the
        /// nodes of the cluster should be able to reach it.
        "inter.node.listener" => inter_node_listener: Option<HostPort> = None, Allowed::Any;
        /// How long a connection between two nodes may take until both know who the other one is.
        "inter.node.connection.timeout.ms" => inter_node_connection_timeout_ms: i64 = 1_000, Allowed::Between(10, MINUTE_MS);
        /// A node that has nothing to say on a connection says so after this time, so that the other one knows that it is there. At most half of
        /// `inter.node.max.silence.ms`, of the other nodes too.
        "inter.node.keepalive.ms" => inter_node_keepalive_ms: i64 = 500, Allowed::Between(10, MINUTE_MS);
        /// A connection on which nothing came, or nothing was taken, for this long is closed: the other node stands still or is cut off.
        "inter.node.max.silence.ms" => inter_node_max_silence_ms: i64 = 3_000, Allowed::Between(20, HOUR_MS);
    }
    "Topics" {
        /// Whether a topic is created when a client first asks for it.
        "auto.create.topics.enable" => auto_create_topics_enable: bool = true, Allowed::Any;
        /// Whether topics can be deleted.
        "delete.topic.enable" => delete_topic_enable: bool = true, Allowed::Any;
        /// Partitions of a topic that is created without a number.
        "num.partitions" => num_partitions: i32 = 1, Allowed::Between(1, 10_000);
        /// Replicas of a topic that is created without a number.
        "default.replication.factor" => default_replication_factor: i16 = 1, Allowed::Between(1, 32);
        /// Replicas that must have a record before acks=all is answered.
        "min.insync.replicas" => min_insync_replicas: i32 = 1, Allowed::Between(1, 32);
        /// Bytes of the largest record batch.
        "message.max.bytes" => message_max_bytes: usize = 1_048_588, Allowed::Between(1_024, 512 << 20);
        /// Who sets the timestamp of a record: the producer, or the server when it appends.
        "log.message.timestamp.type" => log_message_timestamp_type: TimestampSource = TimestampSource::CreateTime, Allowed::Any;
        /// How much older than the server's clock the timestamp of a record may be, where the producer sets it.
        "log.message.timestamp.before.max.ms" => log_message_timestamp_before_max_ms: i64 = i64::MAX, Allowed::AtLeast(0);
        /// How much later than the server's clock it may be.
        "log.message.timestamp.after.max.ms" => log_message_timestamp_after_max_ms: i64 = HOUR_MS, Allowed::AtLeast(0);
        /// How batches are compressed on disk: as their producers have compressed them.
        "compression.type" => compression_type: CompressionType = CompressionType::Producer, Allowed::Any;
        /// A producer id that wrote nothing for this long is forgotten, and its sequence numbers with it.
        "producer.id.expiration.ms" => producer_id_expiration_ms: i64 = 24 * HOUR_MS, Allowed::AtLeast(1);
    }
    "Consumer groups" {
        /// How long an empty group waits for more members before its first rebalance. 0: not at all.
        "group.initial.rebalance.delay.ms" => group_initial_rebalance_delay_ms: i64 = 3_000, Allowed::Between(0, HOUR_MS);
        /// The shortest session.timeout.ms of a member.
        "group.min.session.timeout.ms" => group_min_session_timeout_ms: i32 = 6_000, Allowed::AtLeast(1);
        /// The longest session.timeout.ms of a member.
        "group.max.session.timeout.ms" => group_max_session_timeout_ms: i32 = 1_800_000, Allowed::AtLeast(1);
        /// Members of one group.
        "group.max.size" => group_max_size: i32 = i32::MAX, Allowed::AtLeast(1);
        /// How long committed offsets are kept once their group has no members.
        "offsets.retention.minutes" => offsets_retention_minutes: i32 = 10_080, Allowed::AtLeast(1);
        /// How often offsets are looked through for those that have expired.
        "offsets.retention.check.interval.ms" => offsets_retention_check_interval_ms: i64 = 10 * MINUTE_MS, Allowed::AtLeast(1);
        /// Bytes of the text that a client may keep with a committed offset.
        "offset.metadata.max.bytes" => offset_metadata_max_bytes: usize = 4_096, Allowed::Between(0, 32_767);
        /// Partitions of __consumer_offsets. It counts when that topic is created, and not again.
        "offsets.topic.num.partitions" => offsets_topic_num_partitions: i32 = 50, Allowed::Between(1, 10_000);
        /// Replicas of __consumer_offsets. It is created when there are so many brokers; on a node that is a cluster of its own, with one replica.
        "offsets.topic.replication.factor" => offsets_topic_replication_factor: i16 = 3, Allowed::Between(1, 32);
        /// Bytes of a segment file of __consumer_offsets.
        "offsets.topic.segment.bytes" => offsets_topic_segment_bytes: i32 = 104_857_600, Allowed::Between(16_384, 2_147_483_647);
    }
    "Fetch" {
        /// Bytes of records in one answer to a fetch, whatever the client asks for.
        "fetch.max.bytes" => fetch_max_bytes: usize = 57_671_680, Allowed::Between(1_024, 1 << 30);
        /// Incremental fetch sessions kept (KIP-227).
        "max.incremental.fetch.session.cache.slots" => max_incremental_fetch_session_cache_slots: usize = 1_000, Allowed::Between(0, 1_000_000);
    }
    "Segments and retention" {
        /// Bytes of a segment file.
        "log.segment.bytes" => log_segment_bytes: u64 = 1 << 30, Allowed::Between(16_384, 2_147_483_647);
        /// A segment is closed when it is this old. Wins over `log.roll.hours`.
        "log.roll.ms" => log_roll_ms: Option<i64> = None, Allowed::AtLeast(1);
        /// A segment is closed when it is this old.
        "log.roll.hours" => log_roll_hours: i64 = 168, Allowed::Between(1, 1_000_000);
        /// Bytes of log between two entries of its index.
        "log.index.interval.bytes" => log_index_interval_bytes: u64 = 4_096, Allowed::Between(0, 2_147_483_647);
        /// Records older than this are deleted, in whole segments. -1: never. Wins over the two below.
        "log.retention.ms" => log_retention_ms: Option<i64> = None, Allowed::AtLeast(-1);
        /// The same in minutes. Wins over `log.retention.hours`.
        "log.retention.minutes" => log_retention_minutes: Option<i64> = None, Allowed::Between(-1, 100_000_000);
        /// The same in hours.
        "log.retention.hours" => log_retention_hours: i64 = 168, Allowed::Between(-1, 1_000_000);
        /// Bytes that a partition keeps; the oldest segments beyond it are deleted. -1: all.
        "log.retention.bytes" => log_retention_bytes: i64 = -1, Allowed::AtLeast(-1);
        /// How often retention is enforced.
        "log.retention.check.interval.ms" => log_retention_check_interval_ms: i64 = 5 * MINUTE_MS, Allowed::Between(100, 24 * HOUR_MS);
        /// What becomes of old records: delete, compact, or both.
        "log.cleanup.policy" => log_cleanup_policy: CleanupPolicy = CleanupPolicy::DELETE, Allowed::Any;
        /// The share of a log that has not been compacted, from which on it is.
        "log.cleaner.min.cleanable.ratio" => log_cleaner_min_cleanable_ratio: f64 = 0.5, Allowed::Fraction;
        /// How long a record stays uncompacted.
        "log.cleaner.min.compaction.lag.ms" => log_cleaner_min_compaction_lag_ms: i64 = 0, Allowed::AtLeast(0);
        /// How long a record waits at most until it can be compacted.
        "log.cleaner.max.compaction.lag.ms" => log_cleaner_max_compaction_lag_ms: i64 = i64::MAX, Allowed::AtLeast(1);
        /// How long a tombstone stays after its log was compacted, so that consumers can see it.
        "log.cleaner.delete.retention.ms" => log_cleaner_delete_retention_ms: i64 = 24 * HOUR_MS, Allowed::AtLeast(0);
        /// Whether topics with `cleanup.policy=compact` are compacted.
        "log.cleaner.enable" => log_cleaner_enable: bool = true, Allowed::Any;
        /// Time between two looks for a log to compact, when there was none.
        "log.cleaner.backoff.ms" => log_cleaner_backoff_ms: i64 = 15_000, Allowed::Between(1, HOUR_MS);
        /// Bytes of memory, while a log is compacted, for the offsets of its keys: 30 for each. With more keys it takes several passes.
        "log.cleaner.dedupe.buffer.size" => log_cleaner_dedupe_buffer_size: usize = 128 << 20, Allowed::Between(1 << 20, 1 << 36);
        /// Bytes that compaction reads and writes in a second, at most. Empty: as many as it can.
        "log.cleaner.io.max.bytes.per.second" => log_cleaner_io_max_bytes_per_second: Option<u64> = None, Allowed::AtLeast(1);
        /// Segment files held open.
        "max.open.files" => max_open_files: usize = 1_024, Allowed::Between(16, 1_000_000);
    }
    "Write-ahead log" {
        /// When a write is synced to disk. commit: before it is acknowledged. interval: every `wal.flush.interval.ms`. os: when the
        /// operating system likes. Only `commit` keeps what was acknowledged through a power cut.
        "wal.flush" => wal_flush: WalFlush = WalFlush::Commit, Allowed::Any;
        /// Time between two syncs with `wal.flush = "interval"`.
        "wal.flush.interval.ms" => wal_flush_interval_ms: i64 = 100, Allowed::Between(1, MINUTE_MS);
        /// Bytes of a segment of the write-ahead log.
        "wal.segment.bytes" => wal_segment_bytes: u64 = 64 << 20, Allowed::Between(1 << 20, 1 << 30);
        /// Time between two checkpoints: the longer, the less is written and the longer a restart after a crash takes.
        "checkpoint.interval.ms" => checkpoint_interval_ms: i64 = MINUTE_MS, Allowed::Between(100, 24 * HOUR_MS);
    }
    "Watching it run" {
        /// Where the console page, metrics and health checks are served over HTTP. Empty: nowhere.
        "admin.listener" => admin_listener: Option<HostPort> = Some(HostPort::new("127.0.0.1", 9644)), Allowed::Any;
        /// What is logged: error, warn, info, debug or trace, also per module: info,chronik_server::net=debug
        "log.level" => log_level: String = "info".to_owned(), Allowed::NotEmpty;
        /// How it is logged: lines for people, or a JSON object a line.
        "log.format" => log_format: LogFormat = LogFormat::Human, Allowed::Any;
        /// A loop of the server that stands still for this long is reported, and fails /health/live.
        "stall.threshold.ms" => stall_threshold_ms: i64 = 10_000, Allowed::Between(10, HOUR_MS);
    }
}

/// The setting of that name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The known name that is most like `name`, if one is like it at all.
pub fn nearest(name: &str) -> Option<&'static str> {
    nearest_of(name, SETTINGS.iter().map(|setting| setting.name))
}

/// The one of `known` that is most like `name`, if one is like it at all.
pub fn nearest_of(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let name = name.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&name, known);
    known.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|best| likeness(best) > 0.8)
}
