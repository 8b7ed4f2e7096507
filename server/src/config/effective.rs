//! What several settings mean together.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::Config;
use super::value::HostPort;

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// Kafka's -1: `None` stands for "without limit".
pub trait Unlimited {
    /// The limit, if there is one.
    fn limit(self) -> Option<u64>;
}

impl Unlimited for i64 {
    fn limit(self) -> Option<u64> {
        u64::try_from(self).ok()
    }
}

impl Config {
    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        Path::new(&self.log_dirs).to_owned()
    }

    /// How long records are kept, in milliseconds: `log.retention.ms`, else `.minutes`, else `.hours`. `None`: for ever.
    pub fn retention_ms(&self) -> Option<i64> {
        let minutes = || self.log_retention_minutes.map(|minutes| scaled(minutes, MINUTE_MS));
        let ms = self.log_retention_ms.or_else(minutes);
        let ms = ms.unwrap_or_else(|| scaled(self.log_retention_hours, HOUR_MS));
        (ms >= 0).then_some(ms)
    }

    /// How many bytes a partition keeps. `None`: all.
    pub fn retention_bytes(&self) -> Option<u64> {
        self.log_retention_bytes.limit()
    }

    /// After how long a segment is closed, in milliseconds: `log.roll.ms`, else `log.roll.hours`.
    pub fn roll_ms(&self) -> i64 {
        self.log_roll_ms.unwrap_or_else(|| scaled(self.log_roll_hours, HOUR_MS))
    }

    /// After how long without a request a connection is closed. `None`: never.
    pub fn max_idle(&self) -> Option<Duration> {
        self.connections_max_idle_ms.limit().map(Duration::from_millis)
    }

    /// What clients are told to connect to instead of the listener with this index, which is bound to `bound`.
    pub fn advertised(&self, listener: usize, bound: &HostPort) -> HostPort {
        self.advertised_listeners.get(listener).unwrap_or(bound).clone()
    }

    /// Where this node listens for the others of its cluster; `None` if it is a cluster of its own, and will be.
    pub fn inter_node_address(&self) -> Option<HostPort> {
        let own = self.controller_quorum_voters.place_of(self.node_id).map(listening_for);
        let joins = !self.controller_quorum_bootstrap_servers.is_empty();
        let newcomers = || joins.then(|| HostPort::new(self.host(), INTER_NODE_PORT));
        self.inter_node_listener.clone().or(own).or_else(newcomers)
    }

    /// Where the others reach this node, which listens for them at `bound`.
    pub fn inter_node_endpoint(&self, bound: &HostPort) -> HostPort {
        match self.controller_quorum_voters.place_of(self.node_id) {
            Some(own) => own.clone(),
            None if bound.is_wildcard() => {
                let clients = self.advertised_listeners.first().or_else(|| self.listeners.first());
                HostPort::new(clients.map_or("localhost", |address| &address.host), bound.port)
            }
            None => bound.clone(),
        }
    }

    /// Of the first listener for clients.
    fn host(&self) -> &str {
        self.listeners.first().map_or("0.0.0.0", |listener| &listener.host)
    }

    /// What no single setting shows to be wrong.
    ///
    /// # Errors
    /// Two settings that contradict each other, and what to do about it.
    pub fn check_together(&self) -> Result<(), String> {
        let unreachable = |(index, listener): &(usize, &HostPort)| {
            listener.is_wildcard() && self.advertised_listeners.get(*index).is_none()
        };
        if let Some((_, listener)) = self.listeners.iter().enumerate().find(unreachable) {
            return Err(format!(
                "listeners: {listener} accepts connections on every address, but clients cannot connect to it by that name; \
                 set advertised.listeners to the host:port that clients should use"
            ));
        }
        let advertised = self.advertised_listeners.len();
        if advertised > 0 && advertised != self.listeners.len() {
            return Err(format!(
                "advertised.listeners has {advertised} addresses and listeners has {}; give one for each",
                self.listeners.len()
            ));
        }
        if let Some(wildcard) = self.advertised_listeners.iter().find(|address| address.is_wildcard()) {
            return Err(format!(
                "advertised.listeners: clients cannot connect to {wildcard}; give a name or an address"
            ));
        }
        if self.inter_node_max_silence_ms < 2 * self.inter_node_keepalive_ms {
            return Err(format!(
                "inter.node.max.silence.ms = {} is less than twice inter.node.keepalive.ms = {}: a connection would be closed because one sign of \
                 life is late; raise the first or lower the second",
                self.inter_node_max_silence_ms, self.inter_node_keepalive_ms
            ));
        }
        self.check_cluster()?;
        if self.log_dirs.contains(',') {
            return Err(format!(
                "log.dirs: '{}' names several directories; Chronik uses exactly one",
                self.log_dirs
            ));
        }
        if self.queued_max_bytes < self.socket_request_max_bytes {
            return Err(format!(
                "queued.max.bytes = {} is less than socket.request.max.bytes = {}: a request of the largest size would wait for ever; \
                 raise the first or lower the second",
                self.queued_max_bytes, self.socket_request_max_bytes
            ));
        }
        if self.log_cleaner_min_compaction_lag_ms > self.log_cleaner_max_compaction_lag_ms {
            return Err(format!(
                "log.cleaner.min.compaction.lag.ms = {} is more than log.cleaner.max.compaction.lag.ms = {}; \
                 lower the first or raise the second",
                self.log_cleaner_min_compaction_lag_ms, self.log_cleaner_max_compaction_lag_ms
            ));
        }
        if self.message_max_bytes as u64 > self.log_segment_bytes {
            return Err(format!(
                "message.max.bytes = {} is more than log.segment.bytes = {}: such a batch fits in no segment; \
                 lower the first or raise the second",
                self.message_max_bytes, self.log_segment_bytes
            ));
        }
        Ok(())
    }

    fn check_cluster(&self) -> Result<(), String> {
        let voters = &self.controller_quorum_voters;
        if !voters.is_empty() && !self.controller_quorum_bootstrap_servers.is_empty() {
            return Err(
                "both controller.quorum.voters and controller.quorum.bootstrap.servers (start --join) are set: give the first to the nodes that a cluster begins \
                 with, and the second to those that join it later"
                    .to_owned(),
            );
        }
        if !voters.is_empty() && voters.place_of(self.node_id).is_none() {
            return Err(format!(
                "controller.quorum.voters names the nodes {}, and node.id = {} is none of them; set node.id to the number that this node has there, or add it there, \
                 on every node",
                voters.ids(),
                self.node_id
            ));
        }
        Ok(())
    }
}

/// Where a node listens for the others if nothing else is said.
const INTER_NODE_PORT: u16 = 9192;

/// Where a node listens that the others reach at `own`: behind a name there may be any address of the machine, but loopback is loopback.
fn listening_for(own: &HostPort) -> HostPort {
    let host = match own.host.parse() {
        _ if own.host == "localhost" => &own.host,
        Ok(IpAddr::V4(address)) if address.is_loopback() => &own.host,
        Ok(IpAddr::V6(address)) if address.is_loopback() => &own.host,
        Ok(IpAddr::V6(_)) => "::",
        _ => "0.0.0.0",
    };
    HostPort::new(host, own.port)
}

fn scaled(count: i64, unit_ms: i64) -> i64 {
    if count < 0 { -1 } else { count.saturating_mul(unit_ms) }
}
