//! The table: name, type, default, allowed values and documentation of every setting of a topic. What clients are told, what is refused and
//! what applies all come from here.

use chronik_kafka::record_batch::TimestampType;
use chronik_log::{CleanupPolicy, TopicLogConfig};

use crate::cluster::replication_throttle::ThrottledReplicas;
use crate::config::{Allowed, CompressionType, Config, ConfigType, TimestampSource, Value};

/// One row of the table.
#[derive(Debug)]
pub struct TopicSetting {
    /// Kafka's name.
    pub name: &'static str,
    /// What it does, one or more lines.
    pub doc: &'static str,
    /// Kind of value, for clients.
    pub config_type: ConfigType,
    /// The broker's settings that stand behind it; of those that are set, the first applies.
    pub synonyms: &'static [&'static str],
    /// Why it cannot be changed, where it cannot: it is listed with what this server does.
    pub fixed: Option<&'static str>,
    /// What it is where a topic does not say.
    pub default: fn(config: &Config) -> String,
    /// Reads and checks a value; the error says what it must be.
    pub check: fn(text: &str) -> Result<(), String>,
    /// Gives the log what the broker's settings say.
    pub(super) inherit: fn(log: &mut TopicLogConfig, config: &Config),
    /// Gives the log what the topic says.
    pub(super) set: fn(log: &mut TopicLogConfig, text: &str) -> Result<(), String>,
}

macro_rules! topic_settings {
    (
        settable { $( $(#[doc = $doc:literal])+ $name:literal [$($synonym:literal),*] : $type:ty, $allowed:expr, $default:expr => $apply:expr; )+ }
        fixed { $( $(#[doc = $fixed_doc:literal])+ $fixed_name:literal [$($fixed_synonym:literal),*] : $fixed_type:ty, $value:expr, $why:literal; )+ }
    ) => {
        /// The table.
        pub static TOPIC_SETTINGS: &[TopicSetting] = &[
            $( TopicSetting {
                name: $name,
                doc: concat!($( $doc, "\n" ),+),
                config_type: <$type as Value>::TYPE,
                synonyms: &[$( $synonym ),*],
                fixed: None,
                default: |config| { let default: fn(&Config) -> $type = $default; default(config).show() },
                check: |text| $allowed.check(<$type as Value>::read(text)?).map(drop),
                inherit: |log, config| {
                    let (default, apply): (fn(&Config) -> $type, fn(&mut TopicLogConfig, $type)) = ($default, $apply);
                    apply(log, default(config));
                },
                set: |log, text| {
                    let apply: fn(&mut TopicLogConfig, $type) = $apply;
                    apply(log, $allowed.check(<$type as Value>::read(text)?)?);
                    Ok(())
                },
            }, )+
            $( TopicSetting {
                name: $fixed_name,
                doc: concat!($( $fixed_doc, "\n" ),+),
                config_type: <$fixed_type as Value>::TYPE,
                synonyms: &[$( $fixed_synonym ),*],
                fixed: Some($why),
                default: |config| { let value: fn(&Config) -> $fixed_type = $value; value(config).show() },
                check: |text| <$fixed_type as Value>::read(text).map(drop),
                inherit: |_, _| {},
                set: |_, _| Ok(()),
            }, )+
        ];
    };
}

/// Most settings are not about the log of a partition: whoever they concern asks for them.
fn elsewhere<T>(_: &mut TopicLogConfig, _: T) {}

/// A size on the wire has 32 bits.
fn int(bytes: impl TryInto<i32>) -> i32 {
    bytes.try_into().unwrap_or(i32::MAX)
}

fn unlimited(limit: Option<u64>) -> i64 {
    limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX))
}

topic_settings! {
    settable {
        /// What becomes of old records: delete, compact, or both with a comma between.
        "cleanup.policy" ["log.cleanup.policy"]: CleanupPolicy, Allowed::Any,
            |config| config.log_cleanup_policy => |log, policy| log.cleanup_policy = policy;
        /// With cleanup.policy=compact, how long a tombstone stays after its log was compacted, so that consumers can see it.
        "delete.retention.ms" ["log.cleaner.delete.retention.ms"]: i64, Allowed::AtLeast(0),
            |config| config.log_cleaner_delete_retention_ms => |log, ms| log.delete_retention_ms = ms;
        /// Followers that get what they lack no faster than their brokers' follower.replication.throttled.rate, until they are in sync: partition:broker,... or * for all.
        "follower.replication.throttled.replicas" []: ThrottledReplicas, Allowed::Any,
            |_| ThrottledReplicas::default() => elsewhere;
        /// Leaders that send what others lack no faster than their brokers' leader.replication.throttled.rate, until these are in sync: partition:broker,... or * for all.
        "leader.replication.throttled.replicas" []: ThrottledReplicas, Allowed::Any,
            |_| ThrottledReplicas::default() => elsewhere;
        /// With cleanup.policy=compact, how long a record waits at most until it can be compacted.
        "max.compaction.lag.ms" ["log.cleaner.max.compaction.lag.ms"]: i64, Allowed::AtLeast(1),
            |config| config.log_cleaner_max_compaction_lag_ms => |log, ms| log.max_compaction_lag_ms = ms;
        /// Bytes of the largest record batch.
        "max.message.bytes" ["message.max.bytes"]: i32, Allowed::AtLeast(0),
            |config| int(config.message_max_bytes) => |log, bytes| log.max_message_bytes = usize::try_from(bytes).unwrap_or_default();
        /// How much later than the server's clock the timestamp of a record may be, with message.timestamp.type=CreateTime.
        "message.timestamp.after.max.ms" ["log.message.timestamp.after.max.ms"]: i64, Allowed::AtLeast(0),
            |config| config.log_message_timestamp_after_max_ms => elsewhere;
        /// How much older than the server's clock the timestamp of a record may be, with message.timestamp.type=CreateTime.
        "message.timestamp.before.max.ms" ["log.message.timestamp.before.max.ms"]: i64, Allowed::AtLeast(0),
            |config| config.log_message_timestamp_before_max_ms => elsewhere;
        /// Who sets the timestamp of a record: the producer (CreateTime), or the server when it appends (LogAppendTime).
        "message.timestamp.type" ["log.message.timestamp.type"]: TimestampSource, Allowed::Any,
            |config| config.log_message_timestamp_type => |log, source| log.timestamp_type = timestamp_type(source);
        /// With cleanup.policy=compact, the share of a log that has not been compacted, from which on it is.
        "min.cleanable.dirty.ratio" ["log.cleaner.min.cleanable.ratio"]: f64, Allowed::Fraction,
            |config| config.log_cleaner_min_cleanable_ratio => |log, ratio| log.min_cleanable_dirty_ratio = ratio;
        /// With cleanup.policy=compact, how long a record stays uncompacted.
        "min.compaction.lag.ms" ["log.cleaner.min.compaction.lag.ms"]: i64, Allowed::AtLeast(0),
            |config| config.log_cleaner_min_compaction_lag_ms => |log, ms| log.min_compaction_lag_ms = ms;
        /// In-sync replicas that a produce with acks=all needs.
        "min.insync.replicas" ["min.insync.replicas"]: i32, Allowed::AtLeast(1),
            |config| config.min_insync_replicas => elsewhere;
        /// Bytes that a partition keeps; the oldest segments beyond it are deleted. -1: all.
        "retention.bytes" ["log.retention.bytes"]: i64, Allowed::AtLeast(-1),
            |config| unlimited(config.retention_bytes()) => |log, bytes| log.retention_bytes = u64::try_from(bytes).ok();
        /// Records older than this are deleted, in whole segments. -1: never.
        "retention.ms" ["log.retention.ms", "log.retention.minutes", "log.retention.hours"]: i64, Allowed::AtLeast(-1),
            |config| config.retention_ms().unwrap_or(-1) => |log, ms| log.retention_ms = (ms >= 0).then_some(ms);
        /// Bytes of a segment file.
        "segment.bytes" ["log.segment.bytes"]: i32, Allowed::AtLeast(14),
            |config| int(config.log_segment_bytes) => |log, bytes| log.segment_bytes = bytes.unsigned_abs().into();
        /// A segment is closed when a record comes this much later than its first one.
        "segment.ms" ["log.roll.ms", "log.roll.hours"]: i64, Allowed::AtLeast(1),
            |config| config.roll_ms() => |log, ms| log.segment_ms = ms;
        /// Whether a replica that is not in sync becomes leader when there is no other: what it has not got is lost.
        "unclean.leader.election.enable" []: bool, Allowed::Any,
            |_| false => elsewhere;
    }
    fixed {
        /// How batches are compressed on disk.
        "compression.type" ["compression.type"]: CompressionType, |config| config.compression_type,
            "batches are stored as their producers have compressed them";
        /// Level of gzip, where the server compresses.
        "compression.gzip.level" []: i32, |_| -1, "batches are stored as their producers have compressed them";
        /// Level of lz4, where the server compresses.
        "compression.lz4.level" []: i32, |_| 9, "batches are stored as their producers have compressed them";
        /// Level of zstd, where the server compresses.
        "compression.zstd.level" []: i32, |_| 3, "batches are stored as their producers have compressed them";
        /// How long the files of a deleted segment stay.
        "file.delete.delay.ms" []: i64, |_| 0, "files are unlinked at once; who reads them keeps them open";
        /// Messages after which a log is synced, beside what `wal.flush` says.
        "flush.messages" []: i64, |_| i64::MAX, "wal.flush decides when writes are synced; by default that is before they are acknowledged";
        /// Time after which a log is synced, beside what `wal.flush` says.
        "flush.ms" []: i64, |_| i64::MAX, "wal.flush decides when writes are synced; by default that is before they are acknowledged";
        /// Bytes of log between two entries of its index.
        "index.interval.bytes" ["log.index.interval.bytes"]: i32, |config| int(config.log_index_interval_bytes),
            "it is the same for all topics of a node (log.index.interval.bytes)";
        /// Bytes kept here of what is in remote storage.
        "local.retention.bytes" []: i64, |_| -2, "there is no remote storage";
        /// How long records are kept here that are in remote storage.
        "local.retention.ms" []: i64, |_| -2, "there is no remote storage";
        /// Whether segments are preallocated.
        "preallocate" []: bool, |_| false, "segments are not preallocated: the write-ahead log is";
        /// Whether old segments go to remote storage.
        "remote.storage.enable" []: bool, |_| false, "there is no remote storage";
        /// Largest random part of segment.ms.
        "segment.jitter.ms" []: i64, |_| 0, "segments are closed exactly when segment.ms says";
    }
}

fn timestamp_type(source: TimestampSource) -> TimestampType {
    match source {
        TimestampSource::CreateTime => TimestampType::CreateTime,
        TimestampSource::LogAppendTime => TimestampType::LogAppendTime,
    }
}

/// The setting of that name.
pub fn find(name: &str) -> Option<&'static TopicSetting> {
    TOPIC_SETTINGS.iter().find(|setting| setting.name == name)
}

/// The setting of a topic that stands behind a setting of the broker, if that one can be changed.
pub fn behind(broker_setting: &str) -> Option<&'static TopicSetting> {
    TOPIC_SETTINGS
        .iter()
        .find(|setting| setting.fixed.is_none() && setting.synonyms.first() == Some(&broker_setting))
}
