//! What everything else of a node stands on, and how its parts are started on it.

use std::sync::Arc;
use std::time::Duration;

use chronik_log::{Disk, Log, Progress};
use concurrency_models::budget::Budget;
use concurrency_models::gate::Gate;
use concurrency_models::mailbox;
use tokio::net::TcpListener;

use super::recovered::{self, Recovered};
use super::status::{Progress as Stages, Status};
use super::{StartError, from_config};
use crate::admin::{self, Admin};
use crate::broker::{Broker, Parts, producer_ids};
use crate::clock::Clock;
use crate::cluster::{Controller, Links, NodeSettings};
use crate::config::Config;
use crate::group::{self, GroupCoordinator};
use crate::limits;
use crate::maintenance::{Cleaner, Maintenance};
use crate::net::listener::Acceptor;
use crate::replication;
use crate::rng::Rng;
use crate::shutdown::Shutdown;
use crate::spawn::{Ended, Spawner};
use crate::storage::{self, Flusher, FlusherSurroundings, Storage};
use crate::telemetry::{Metrics, Pulse, Watchdog};
use crate::transport::Listener;

/// What everything else stands on.
pub(super) struct Foundation {
    pub(super) clock: Clock,
    pub(super) spawner: Spawner,
    pub(super) metrics: Metrics,
    pub(super) watchdog: Watchdog,
    pub(super) shutdown: Shutdown,
}

impl Foundation {
    pub(super) fn new(config: &Config, clock: Clock, spawner: Spawner, shutdown: Shutdown) -> Self {
        let metrics = Metrics::new();
        let stall_threshold = Duration::from_millis(config.stall_threshold_ms.unsigned_abs());
        let watchdog = Watchdog::new(clock.clone(), metrics.clone(), stall_threshold);
        let _ends_at_shutdown = spawner.task(watchdog.clone().run(shutdown.clone()));
        Self { clock, spawner, metrics, watchdog, shutdown }
    }

    /// A sign of life for a loop of this name.
    pub(super) fn pulse(&self, name: &str) -> Pulse {
        self.watchdog.register(name, limits::LOOP_INTERVAL)
    }

    pub(super) async fn open_log(
        &self,
        config: &Config,
        disk: Arc<dyn Disk>,
        rng: &mut Rng,
        mut progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<(Log, Recovered), StartError> {
        let log_config = from_config::log_config(config, rng);
        let open = move || Log::open(disk, log_config, &mut progress);
        let (log, recovery) = self.spawner.blocking(open).await?;
        recovered::report(&recovery);
        Ok((log, Recovered::of(recovery)?))
    }

    /// Publishes what recovery found and starts the two workers of storage.
    pub(super) fn start_flusher(
        &self,
        mut flusher: Flusher,
        storage: &Storage,
        recovered: &Recovered,
    ) -> Result<Ended, StartError> {
        for partition in &recovered.partitions {
            flusher.publish_recovered(partition.id, partition.log_end_offset, partition.high_watermark);
        }
        let (jobs, to_do) = mailbox::channel(limits::MAX_FILE_JOBS);
        let files = storage::run_files(to_do, storage.clone());
        let _ends_with_the_flusher = self.spawner.worker("files", files).map_err(StartError::Thread)?;
        let surroundings = FlusherSurroundings {
            spawner: self.spawner.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            pulse: self.pulse("flusher"),
            files: jobs,
        };
        self.spawner.worker("flusher", flusher.run(surroundings)).map_err(StartError::Thread)
    }

    pub(super) fn start_streams(
        &self,
        config: &Config,
        roles: &Arc<replication::Roles>,
        links: Links,
    ) -> replication::Running {
        let watchdog = self.watchdog.clone();
        let parts = replication::Parts {
            links,
            max_lag_ms: config.replica_lag_time_max_ms,
            spawner: self.spawner.clone(),
            metrics: self.metrics.clone(),
            pulse: Box::new(move |name| watchdog.register(name, limits::LOOP_INTERVAL)),
        };
        replication::start(roles, parts)
    }

    pub(super) fn start_maintenance(&self, config: &Config, storage: &Storage) {
        let maintenance = Maintenance {
            storage: storage.clone(),
            clock: self.clock.clone(),
            spawner: self.spawner.clone(),
            intervals: from_config::intervals(config),
            metrics: self.metrics.clone(),
        };
        let _ends_with_storage = self.spawner.task(maintenance.run(self.pulse("maintenance")));
    }

    pub(super) fn start_leader_rebalance(&self, config: &Config, controller: &Controller) {
        if !config.auto_leader_rebalance_enable {
            return;
        }
        let rebalance = from_config::leader_rebalance(config, controller, &self.clock, &self.shutdown);
        let _ends_with_shutdown = self.spawner.task(rebalance.run(self.pulse("leader-rebalance")));
    }

    pub(super) async fn start_groups(
        &self,
        settings: &NodeSettings,
        storage: &Storage,
        controller: &Controller,
        rng: Rng,
    ) -> GroupCoordinator {
        let config = settings.started_with();
        let parts = group::Parts {
            node_id: config.node_id,
            storage: storage.clone(),
            controller: controller.clone(),
            settings: settings.clone(),
            clock: self.clock.clone(),
            spawner: self.spawner.clone(),
            rng,
            metrics: self.metrics.clone(),
            config: from_config::groups(config),
            topic: from_config::offsets_topic(config),
        };
        group::start(parts, self.pulse("groups")).await
    }

    pub(super) fn start_cleaner(&self, config: &Config, storage: &Storage) {
        if !config.log_cleaner_enable {
            return;
        }
        let cleaner = Cleaner {
            storage: storage.clone(),
            clock: self.clock.clone(),
            spawner: self.spawner.clone(),
            settings: from_config::cleaner_settings(config),
            metrics: self.metrics.clone(),
        };
        let _ends_with_storage = self.spawner.task(cleaner.run(self.pulse("cleaner")));
    }

    pub(super) fn start_broker(
        &self,
        storage: Storage,
        controller: Controller,
        groups: GroupCoordinator,
        disk: Arc<dyn Disk>,
        settings: &NodeSettings,
    ) -> Broker {
        let config = settings.started_with();
        let (producer_ids, task) = producer_ids::new(controller.clone());
        let _ends_with_the_broker = self.spawner.task(task.run());
        Broker::new(Parts {
            node_id: config.node_id,
            storage,
            controller,
            groups,
            disk,
            producer_ids,
            clock: self.clock.clone(),
            spawner: self.spawner.clone(),
            metrics: self.metrics.clone(),
            shutdown: self.shutdown.clone(),
            request_memory: Budget::new(config.queued_max_bytes),
            response_memory: Budget::new(config.queued_max_bytes),
            settings: from_config::settings(config, settings.clone()),
        })
    }

    pub(super) fn status(&self, config: &Config, kafka_addresses: Vec<String>, stages: &Stages) -> Status {
        Status::new(config, kafka_addresses, self.clock.clone(), self.shutdown.clone(), stages.clone())
    }

    pub(super) fn start_admin(&self, listener: TcpListener, status: Status, stop: Shutdown) -> Ended {
        let (metrics, watchdog) = (self.metrics.clone(), self.watchdog.clone());
        self.spawner.task(serve_admin(listener, Admin { node: Arc::new(status), metrics, watchdog }, stop))
    }

    pub(super) fn start_listener(
        &self,
        config: &Config,
        number: usize,
        listener: Listener,
        broker: &Broker,
        connections: &Gate,
    ) {
        let acceptor = Acceptor {
            shared: from_config::shared(config, broker),
            gate: connections.clone(),
            limits: from_config::connection_limits(config),
            spawner: self.spawner.clone(),
        };
        let pulse = self.pulse(&format!("listener-{number}"));
        let _ends_at_shutdown = self.spawner.task(acceptor.run(listener, pulse));
    }
}

async fn serve_admin(listener: TcpListener, admin: Admin, stop: Shutdown) {
    let stop = async move { stop.requested().await };
    if let Err(error) = admin::serve(listener, admin, stop).await {
        tracing::error!(%error, "the admin server has failed");
    }
}
