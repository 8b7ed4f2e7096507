//! The composition root: what a node is made of, in which order it starts, and in which order it stops.

mod recovered;
mod status;

use std::sync::Arc;
use std::time::Duration;

use chronik_kafka::record_batch::TimestampType;
use chronik_log::{Disk, FlushPolicy, Log, LogConfig, LogError, Progress, TopicLogConfig};
use concurrency_models::budget::Budget;
use concurrency_models::gate::Gate;
use concurrency_models::mailbox;
use tokio::net::TcpListener;

use crate::admin::{self, Admin};
use crate::broker::{Broker, Parts, Settings, producer_ids};
use crate::clock::Clock;
use crate::cluster::{Command, Controller, ProposeError, controller, topic_config};
use crate::config::{Config, HostPort, TimestampSource, WalFlush};
use crate::limits;
use crate::maintenance::{Intervals, Maintenance};
use crate::net::connection::Shared;
use crate::net::listener::{Acceptor, ConnectionLimits};
use crate::net::transport::Listener;
use crate::rng::Rng;
use crate::shutdown::Shutdown;
use crate::spawn::{Ended, Spawner};
use crate::storage::{self, Flusher, FlusherTelemetry, Storage, StorageError};
use crate::telemetry::{Metrics, Watchdog};
use recovered::Recovered;

/// Everything a node reaches the world through.
pub struct Seams {
    /// What time it is.
    pub clock: Clock,
    /// How tasks and threads start.
    pub spawner: Spawner,
    /// Where randomness comes from.
    pub rng: Rng,
    /// The data directory.
    pub disk: Arc<dyn Disk>,
    /// Where clients connect, with the address that they are told.
    pub listeners: Vec<(Listener, HostPort)>,
    /// Where the admin server listens, if anywhere.
    pub admin: Option<TcpListener>,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory.
    #[error("{0}")]
    Log(#[from] LogError),
    /// What the data directory says of the cluster cannot be understood.
    #[error("the metadata in the data directory cannot be read: {0}")]
    Metadata(String),
    /// The first steps in the log.
    #[error("the node could not register: {0}")]
    Register(#[from] ProposeError),
    /// As above.
    #[error("partitions could not be made ready: {0}")]
    Storage(#[from] StorageError),
    /// A thread.
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
    /// No listener was given.
    #[error("there is no listener for clients")]
    NoListener,
}

/// A node that serves.
pub struct Node {
    shutdown: Shutdown,
    spawner: Spawner,
    clock: Clock,
    storage: Storage,
    controller: Controller,
    /// Every connection is inside.
    connections: Gate,
    shutdown_timeout: Duration,
    /// Ends when the log is closed, or when storage has failed.
    flusher: Ended,
    /// Ends after everything else.
    admin_stop: Shutdown,
    admin: Option<Ended>,
}

/// How a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As asked.
    Stopped,
    /// The disk has failed.
    StorageFailed,
}

impl Node {
    /// Recovers the data directory, registers, opens for clients. `progress` hears how far recovery is.
    ///
    /// # Errors
    /// What went wrong, and what to do.
    pub async fn start(
        config: &Config,
        seams: Seams,
        shutdown: Shutdown,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Self, StartError> {
        let Seams { clock, spawner, mut rng, disk, listeners, admin } = seams;
        let metrics = Metrics::new();
        let stall_threshold = Duration::from_millis(config.stall_threshold_ms.unsigned_abs());
        let watchdog = Watchdog::new(clock.clone(), metrics.clone(), stall_threshold);
        let advertised =
            listeners.first().map(|(_, address)| address.clone()).ok_or(StartError::NoListener)?;

        let log_defaults = Arc::new(topic_defaults(config));
        let (log, recovered) = open_log(config, disk, &mut rng, &spawner, progress).await?;
        let (storage, flusher) = Storage::new(log);
        let flusher_ended = start_flusher(
            flusher,
            &storage,
            &recovered,
            &log_defaults,
            &spawner,
            &clock,
            &metrics,
            &watchdog,
        )?;
        let (controller, task) =
            controller::new(recovered.state.clone(), storage.clone(), log_defaults.clone(), rng.fork());
        let _ = spawner.task(task.run(watchdog.register("controller", limits::LOOP_INTERVAL)));
        register(config, &controller, &mut rng, &advertised).await?;
        recovered.reconcile(&storage, &controller.state(), &log_defaults).await?;

        let (producer_ids, task) = producer_ids::new(controller.clone());
        let _ = spawner.task(task.run());
        let maintenance = Maintenance {
            storage: storage.clone(),
            controller: controller.clone(),
            clock: clock.clone(),
            spawner: spawner.clone(),
            intervals: intervals(config),
            metrics: metrics.clone(),
        };
        let _ = spawner.task(maintenance.run(watchdog.register("maintenance", limits::LOOP_INTERVAL)));
        let _ = spawner.task(watchdog.clone().run(shutdown.clone()));

        let broker = Broker::new(Parts {
            node_id: config.node_id,
            storage: storage.clone(),
            controller: controller.clone(),
            producer_ids,
            clock: clock.clone(),
            spawner: spawner.clone(),
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
            request_memory: Budget::new(config.queued_max_bytes),
            response_memory: Budget::new(config.queued_max_bytes),
            settings: settings(config, log_defaults),
        });
        let admin_stop = Shutdown::new();
        let addresses = listeners.iter().map(|(_, address)| address.to_string()).collect();
        let status = status::Status::new(config, broker.clone(), addresses);
        let admin = admin.map(|listener| {
            let admin =
                Admin { node: Arc::new(status), metrics: metrics.clone(), watchdog: watchdog.clone() };
            spawner.task(serve_admin(listener, admin, admin_stop.clone()))
        });
        let connections = Gate::new();
        for (number, (listener, _)) in listeners.into_iter().enumerate() {
            let acceptor = Acceptor {
                shared: shared(config, &broker),
                gate: connections.clone(),
                limits: ConnectionLimits {
                    total: config.max_connections,
                    per_ip: config.max_connections_per_ip,
                },
                spawner: spawner.clone(),
            };
            let pulse = watchdog.register(&format!("listener-{number}"), limits::LOOP_INTERVAL);
            let _ = spawner.task(acceptor.run(listener, pulse));
        }
        Ok(Self {
            shutdown,
            spawner,
            clock,
            storage,
            controller,
            connections,
            shutdown_timeout: Duration::from_millis(config.shutdown_timeout_ms.unsigned_abs()),
            flusher: flusher_ended,
            admin_stop,
            admin,
        })
    }

    /// Runs until somebody asks to stop or storage fails, then stops in the order that [`Shutdown`] states.
    pub async fn run(mut self) -> End {
        tokio::select! {
            biased;
            () = self.shutdown.requested() => {}
            _ = self.flusher.wait() => {
                self.shutdown.request();
                self.stop_admin().await;
                return End::StorageFailed;
            }
        }
        self.stop().await;
        End::Stopped
    }

    async fn stop(&mut self) {
        // Readiness, listeners and the reading of requests end by `shutdown` itself; what connections owe is still answered.
        self.connections.close();
        tokio::select! {
            biased;
            () = self.connections.drained() => {}
            () = self.clock.sleep(self.shutdown_timeout) => {
                tracing::warn!(open = self.connections.inside(), "shutdown.timeout.ms is over: the connections that are left are cut");
            }
        }
        if let Some(snapshot) = self.controller.close().await {
            self.storage.close(snapshot);
        }
        let _ended = self.flusher.wait().await;
        self.stop_admin().await;
        tracing::info!("stopped");
    }

    async fn stop_admin(&mut self) {
        self.admin_stop.request();
        if let Some(admin) = &mut self.admin {
            tokio::select! {
                biased;
                _ = admin.wait() => {}
                () = self.clock.sleep(limits::ADMIN_STOP) => {}
            }
        }
    }

    /// Starts a task beside the node, on the same seam.
    pub fn spawner(&self) -> &Spawner {
        &self.spawner
    }
}

async fn open_log(
    config: &Config,
    disk: Arc<dyn Disk>,
    rng: &mut Rng,
    spawner: &Spawner,
    mut progress: impl FnMut(Progress) + Send + 'static,
) -> Result<(Log, Recovered), StartError> {
    let log_config = log_config(config, rng);
    let (log, recovery) = spawner.blocking(move || Log::open(disk, log_config, &mut progress)).await?;
    recovered::report(&recovery);
    Ok((log, Recovered::fold(recovery)?))
}

fn start_flusher(
    mut flusher: Flusher,
    storage: &Storage,
    recovered: &Recovered,
    log_defaults: &TopicLogConfig,
    spawner: &Spawner,
    clock: &Clock,
    metrics: &Metrics,
    watchdog: &Watchdog,
) -> Result<Ended, StartError> {
    for partition in &recovered.partitions {
        let topic = recovered.state.topic_by_id(&partition.id.topic_id);
        let config = topic.map(|topic| Arc::new(topic_config::log_config_of(log_defaults, topic)));
        flusher.publish_recovered(partition.id, partition.log_end_offset, config);
    }
    let (jobs, to_do) = mailbox::channel(limits::MAX_FILE_JOBS);
    let _ends_with_the_flusher =
        spawner.worker("files", storage::run_files(to_do, storage.clone())).map_err(StartError::Thread)?;
    let telemetry = FlusherTelemetry {
        clock: clock.clone(),
        metrics: metrics.clone(),
        pulse: watchdog.register("flusher", limits::LOOP_INTERVAL),
    };
    spawner.worker("flusher", flusher.run(jobs, telemetry)).map_err(StartError::Thread)
}

/// Names the cluster if it is new, and makes this node known under a new epoch.
async fn register(
    config: &Config,
    controller: &Controller,
    rng: &mut Rng,
    advertised: &HostPort,
) -> Result<(), ProposeError> {
    if controller.state().cluster_id.is_none() {
        controller.propose(Command::NameCluster { cluster_id: rng.uuid() }).await?;
    }
    let register = Command::RegisterBroker {
        node_id: config.node_id,
        host: advertised.host.clone(),
        port: advertised.port,
    };
    controller.propose(register).await?;
    Ok(())
}

async fn serve_admin(listener: TcpListener, admin: Admin, stop: Shutdown) {
    let stop = async move { stop.requested().await };
    if let Err(error) = admin::serve(listener, admin, stop).await {
        tracing::error!(%error, "the admin server has failed");
    }
}

fn shared(config: &Config, broker: &Broker) -> Shared {
    Shared {
        broker: broker.clone(),
        clock: broker.clock.clone(),
        shutdown: broker.shutdown.clone(),
        max_idle: config.max_idle(),
        max_request_bytes: config.socket_request_max_bytes,
        max_in_flight: config.max_in_flight_requests_per_connection,
    }
}

fn settings(config: &Config, log_defaults: Arc<TopicLogConfig>) -> Settings {
    Settings {
        auto_create_topics: config.auto_create_topics_enable,
        delete_topics: config.delete_topic_enable,
        num_partitions: config.num_partitions,
        default_replication_factor: config.default_replication_factor,
        min_insync_replicas: usize::try_from(config.min_insync_replicas).unwrap_or(1),
        fetch_max_bytes: config.fetch_max_bytes,
        fetch_sessions: config.max_incremental_fetch_session_cache_slots > 0,
        log_defaults,
        cluster_id: Some(config.cluster_id.clone()).filter(|id| !id.is_empty()),
    }
}

fn intervals(config: &Config) -> Intervals {
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

fn log_config(config: &Config, rng: &mut Rng) -> LogConfig {
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
        topic_defaults: Arc::new(topic_defaults(config)),
        ..LogConfig::default()
    }
}

fn topic_defaults(config: &Config) -> TopicLogConfig {
    TopicLogConfig {
        segment_bytes: config.log_segment_bytes,
        segment_ms: config.roll_ms(),
        retention_ms: config.retention_ms(),
        retention_bytes: config.retention_bytes(),
        timestamp_type: match config.log_message_timestamp_type {
            TimestampSource::CreateTime => TimestampType::CreateTime,
            TimestampSource::LogAppendTime => TimestampType::LogAppendTime,
        },
        max_message_bytes: config.message_max_bytes,
    }
}
