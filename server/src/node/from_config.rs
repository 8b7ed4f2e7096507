//! What the configuration means to each part of the node.

use std::sync::Arc;
use std::time::Duration;

use chronik_group::GroupConfig;
use chronik_log::{FlushPolicy, LogConfig};

use crate::broker::{Broker, Settings};
use crate::clock::Clock;
use crate::cluster::{Controller, LeaderRebalance, NodeSettings, topic_config};
use crate::config::{Config, WalFlush};
use crate::group::InternalTopic;
use crate::limits;
use crate::maintenance::{CleanerSettings, Intervals};
use crate::net::connection::Shared;
use crate::net::listener::ConnectionLimits;
use crate::rng::Rng;
use crate::shutdown::Shutdown;

pub(super) fn connection_limits(config: &Config) -> ConnectionLimits {
    ConnectionLimits { total: config.max_connections, per_ip: config.max_connections_per_ip }
}

pub(super) fn shared(config: &Config, broker: &Broker) -> Shared {
    Shared {
        broker: broker.clone(),
        clock: broker.clock.clone(),
        shutdown: broker.shutdown.clone(),
        max_idle: config.max_idle(),
        max_request_bytes: config.socket_request_max_bytes,
        max_in_flight: config.max_in_flight_requests_per_connection,
    }
}

pub(super) fn settings(config: &Config, node: NodeSettings) -> Settings {
    Settings {
        auto_create_topics: config.auto_create_topics_enable,
        delete_topics: config.delete_topic_enable,
        num_partitions: config.num_partitions,
        default_replication_factor: config.default_replication_factor,
        fetch_max_bytes: config.fetch_max_bytes,
        fetch_sessions: config.max_incremental_fetch_session_cache_slots > 0,
        node,
        log_dir: std::path::absolute(config.data_dir())
            .unwrap_or_else(|_| config.data_dir())
            .display()
            .to_string(),
        cluster_id: Some(config.cluster_id.clone()).filter(|id| !id.is_empty()),
    }
}

/// The settings of groups.
pub(super) fn groups(config: &Config) -> GroupConfig {
    GroupConfig {
        initial_rebalance_delay_ms: config.group_initial_rebalance_delay_ms,
        min_session_timeout_ms: config.group_min_session_timeout_ms,
        max_session_timeout_ms: config.group_max_session_timeout_ms,
        max_size: usize::try_from(config.group_max_size).unwrap_or(usize::MAX),
        max_offset_metadata_bytes: config.offset_metadata_max_bytes,
        offsets_retention_ms: i64::from(config.offsets_retention_minutes) * 60_000,
        retention_check_interval_ms: config.offsets_retention_check_interval_ms,
    }
}

/// The settings of `__consumer_offsets`.
pub(super) fn offsets_topic(config: &Config) -> InternalTopic {
    InternalTopic {
        partitions: config.offsets_topic_num_partitions,
        replication_factor: usize::try_from(config.offsets_topic_replication_factor).unwrap_or(1),
        segment_bytes: config.offsets_topic_segment_bytes.unsigned_abs().into(),
    }
}

pub(super) fn intervals(config: &Config) -> Intervals {
    let ms = |ms: i64| Duration::from_millis(ms.unsigned_abs());
    let tick = match config.wal_flush {
        WalFlush::Interval => ms(config.wal_flush_interval_ms).min(limits::MAINTENANCE_TICK),
        WalFlush::Commit | WalFlush::Os => limits::MAINTENANCE_TICK,
    };
    Intervals {
        tick,
        retention: ms(config.log_retention_check_interval_ms),
        checkpoint: ms(config.checkpoint_interval_ms),
        checkpoint_wal_bytes: limits::CHECKPOINT_WAL_BYTES,
    }
}

pub(super) fn leader_rebalance(
    config: &Config,
    controller: &Controller,
    clock: &Clock,
    shutdown: &Shutdown,
) -> LeaderRebalance {
    LeaderRebalance {
        controller: controller.clone(),
        clock: clock.clone(),
        shutdown: shutdown.clone(),
        interval: Duration::from_secs(config.leader_imbalance_check_interval_seconds.unsigned_abs()),
        tolerated_percentage: config.leader_imbalance_per_broker_percentage,
    }
}

pub(super) fn cleaner_settings(config: &Config) -> CleanerSettings {
    CleanerSettings {
        backoff: Duration::from_millis(config.log_cleaner_backoff_ms.unsigned_abs()),
        dedupe_buffer_bytes: config.log_cleaner_dedupe_buffer_size,
        max_bytes_per_second: config.log_cleaner_io_max_bytes_per_second,
    }
}

pub(super) fn log_config(config: &Config, rng: &mut Rng) -> LogConfig {
    LogConfig {
        new_dir_id: rng.uuid(),
        flush: match config.wal_flush {
            WalFlush::Commit => FlushPolicy::Commit,
            WalFlush::Interval => FlushPolicy::Interval(config.wal_flush_interval_ms),
            WalFlush::Os => FlushPolicy::Os,
        },
        wal_segment_bytes: config.wal_segment_bytes,
        index_interval_bytes: config.log_index_interval_bytes,
        max_open_files: config.max_open_files,
        producer_id_expiration_ms: config.producer_id_expiration_ms,
        topic_defaults: Arc::new(topic_config::inherited(config)),
        ..LogConfig::default()
    }
}
