//! The composition root: what a node is made of, in which order it starts, and in which order it stops.

mod foundation;
mod from_config;
mod recovered;
mod status;

use std::sync::Arc;
use std::time::Duration;

use chronik_log::{Disk, LogError, Progress};
use concurrency_models::gate::Gate;
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::cluster::raft::{Quorum, UnreadableLog};
use crate::cluster::{Controller, Member, MemberEnd, MemberError, MemberParts, NodeSettings};
use crate::config::{HostPort, Loaded};
use crate::group::GroupCoordinator;
use crate::limits;
use crate::replication;
use crate::rng::Rng;
use crate::shutdown::Shutdown;
use crate::spawn::{Ended, Spawner};
use crate::storage::Storage;
use crate::telemetry::Watchdog;
use crate::transport::Listener;
use foundation::Foundation;
use status::Progress as Stages;

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
    /// The cluster that this node belongs to; `None` if it is one of its own.
    pub quorum: Option<Quorum>,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory.
    #[error("{0}")]
    Log(#[from] LogError),
    /// What the data directory says of the cluster cannot be understood.
    #[error("the metadata in the data directory cannot be read: {0}")]
    Metadata(#[from] UnreadableLog),
    /// The first steps in the cluster.
    #[error(transparent)]
    Member(#[from] MemberError),
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
    clock: Clock,
    watchdog: Watchdog,
    storage: Storage,
    /// Its loop ends when it is stopped, or when the metadata makes no sense.
    member: Member,
    /// To and from other nodes, if there are any.
    streams: Option<replication::Running>,
    groups: GroupCoordinator,
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
    /// The Raft loop has ended by itself.
    RaftFailed,
    /// The node was removed from its cluster.
    Removed,
}

impl Node {
    /// Recovers the data directory, registers, opens for clients. `progress` hears how far recovery is. The admin server answers from the beginning.
    ///
    /// # Errors
    /// What went wrong, and what to do.
    pub async fn start(
        loaded: &Loaded,
        seams: Seams,
        shutdown: Shutdown,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Self, StartError> {
        let config = &loaded.config;
        let Seams { clock, spawner, mut rng, disk, listeners, admin, quorum } = seams;
        let advertised =
            listeners.first().map(|(_, address)| address.clone()).ok_or(StartError::NoListener)?;
        let foundation = Foundation::new(config, clock, spawner, shutdown);
        let (stages, admin_stop) = (Stages::recovering(), Shutdown::new());
        let addresses = listeners.iter().map(|(_, address)| address.to_string()).collect();
        let status = foundation.status(config, addresses, &stages);
        let admin = admin.map(|listener| foundation.start_admin(listener, status, admin_stop.clone()));

        let (log, recovered) = foundation.open_log(config, disk.clone(), &mut rng, progress).await?;
        let directory_id = log.dir_id();
        let (storage, flusher) = Storage::new(config.node_id, log);
        let settings = NodeSettings::new(loaded);
        let logs = recovered.logs();
        let flusher = foundation.start_flusher(flusher, &storage, &recovered)?;
        let replicas = replication::new(config.node_id, storage.clone(), foundation.clock.clone());
        let roles = replicas.clone();
        let mut streams = None;
        stages.joining();
        let member = Member::start(MemberParts {
            node_id: config.node_id,
            advertised: &advertised,
            rack: config.broker_rack.clone(),
            directory_id,
            quorum,
            log: recovered.raft,
            logs,
            storage: storage.clone(),
            settings: settings.clone(),
            clock: foundation.clock.clone(),
            spawner: foundation.spawner.clone(),
            rng: rng.fork(),
            metrics: foundation.metrics.clone(),
            shutdown: foundation.shutdown.clone(),
            replicas,
            linked: Box::new(|links| streams = Some(foundation.start_streams(config, &roles, links))),
            pulse: &|name| foundation.pulse(name),
        })
        .await;
        let member = match (member, &mut streams) {
            (Err(error), Some(streams)) => {
                streams.stop().await;
                return Err(error.into());
            }
            (member, _) => member?,
        };
        let controller = member.controller.clone();
        foundation.start_maintenance(config, &storage);
        let groups = foundation.start_groups(&settings, &storage, &controller, rng.fork()).await;
        foundation.start_cleaner(config, &storage);
        foundation.start_leader_rebalance(config, &controller);
        let broker =
            foundation.start_broker(storage.clone(), controller.clone(), groups.clone(), disk, &settings);

        stages.serving(broker.clone(), member.committed.clone());
        let connections = Gate::new();
        for (number, (listener, _)) in listeners.into_iter().enumerate() {
            foundation.start_listener(config, number, listener, &broker, &connections);
        }
        let Foundation { clock, shutdown, watchdog, .. } = foundation;
        let shutdown_timeout = Duration::from_millis(config.shutdown_timeout_ms.unsigned_abs());
        Ok(Self {
            shutdown,
            clock,
            watchdog,
            storage,
            member,
            streams,
            groups,
            connections,
            shutdown_timeout,
            flusher,
            admin_stop,
            admin,
        })
    }

    /// Knows the loops that stand still.
    pub fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    /// Where the metadata is read and changed.
    pub fn controller(&self) -> &Controller {
        &self.member.controller
    }

    /// Where the partitions are.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Runs until somebody asks to stop or storage fails, then stops in the order that [`Shutdown`] states.
    pub async fn run(mut self) -> End {
        tokio::select! {
            biased;
            () = self.shutdown.requested() => {}
            _ = self.flusher.wait() => {
                self.shutdown.request();
                self.member.stop().await; // it may not vote or acknowledge without a disk
                if let Some(streams) = &mut self.streams {
                    streams.stop().await;
                }
                self.stop_admin().await;
                return End::StorageFailed;
            }
            ended = self.member.ended() => {
                self.shutdown.request();
                self.stop().await;
                return match ended {
                    MemberEnd::Raft => End::RaftFailed,
                    MemberEnd::Removed => End::Removed,
                };
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
        self.groups.close().await;
        if let Some(streams) = &mut self.streams {
            streams.stop().await;
        }
        self.member.stop().await;
        self.storage.close();
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
}
