//! `start`: a node in this process, until a signal stops it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use chronik_log::disk::RealDisk;
use tokio::net::TcpListener;

use super::args::ConfigArgs;
use super::notify::ServiceManager;
use super::{banner, open_files, output, recovery};
use crate::client::{Joining, NewVoter, Options};
use crate::clock::Clock;
use crate::cluster::raft::Quorum;
use crate::cluster::{Join, JoinError, MemberError, Newcomer, Origin};
use crate::config::{Config, HostPort, Loaded, LogFormat};
use crate::node::{End, Node, Seams, StartError};
use crate::peer;
use crate::rng::Rng;
use crate::shutdown::{self, Shutdown};
use crate::spawn::Spawner;
use crate::telemetry;
use crate::transport::{Connector, Listener};

pub(super) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let loaded = args.load(std::env::vars())?;
    let config = &loaded.config;
    telemetry::init_logs(&config.log_level, config.log_format)?;
    open_files::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("chronik")
        .enable_all()
        .build()
        .context("starting threads")?;
    runtime.block_on(serve(&loaded))
}

async fn serve(loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let config = &loaded.config;
    let (clock, spawner, shutdown) = (Clock::system(), Spawner::threads(), Shutdown::new());
    match shutdown::on_signals(shutdown.clone()) {
        Ok(heed) => drop(spawner.task(heed)),
        Err(error) => tracing::error!(%error, "signals cannot be handled: they end the server at once"),
    }
    let manager = ServiceManager::of(|name| std::env::var(name).ok());
    let bound = Bound::bind(config).await?;
    let addresses = bound.addresses(config);
    let seams = seams(config, bound, &addresses, (&clock, &spawner))?;
    if seams.quorum.is_some() {
        tracing::info!(
            node_id = config.node_id,
            "a majority of the cluster has to be there before clients are served"
        );
    }
    let node = match Node::start(loaded, seams, shutdown.clone(), recovery::shown(clock.clone())).await {
        Err(StartError::Member(MemberError::Stopped)) => {
            tracing::info!("stopped while waiting for a majority of the cluster");
            return Ok(ExitCode::SUCCESS);
        }
        started => started.with_context(|| {
            format!("cannot start on the data directory {} (--data-dir)", config.data_dir().display())
        })?,
    };
    announce(config, &addresses);
    if let Some(manager) = manager {
        manager.ready();
        drop(spawner.task(manager.keep_told(clock, node.watchdog().clone(), shutdown)));
    }
    exit(node.run().await)
}

fn seams(
    config: &Config,
    bound: Bound,
    addresses: &Addresses,
    (clock, spawner): (&Clock, &Spawner),
) -> anyhow::Result<Seams> {
    let disk = RealDisk::open(config.data_dir()).with_context(|| {
        format!(
            "cannot use the data directory {}; choose another with --data-dir",
            config.data_dir().display()
        )
    })?;
    let listeners = bound.kafka.into_iter().map(|(listener, _)| Listener::Tcp(listener));
    Ok(Seams {
        clock: clock.clone(),
        spawner: spawner.clone(),
        rng: Rng::from_entropy(),
        disk: Arc::new(disk),
        listeners: listeners.zip(addresses.kafka.clone()).collect(),
        admin: bound.admin,
        quorum: bound.peers.map(|(listener, place)| quorum(config, (listener, &place), (clock, spawner))),
    })
}

fn exit(end: End) -> anyhow::Result<ExitCode> {
    match end {
        End::Stopped => Ok(ExitCode::SUCCESS),
        End::Removed => Err(anyhow!(
            "this node was removed from its cluster and has stopped. Nothing of its data directory is needed any more; to come back, it needs an empty one, and a \
             node.id that nobody has had"
        )),
        End::StorageFailed => Err(anyhow!(
            "storage has failed and the server has stopped; what was acknowledged is on disk. The log says what failed: \
             see to it, then start again"
        )),
        End::RaftFailed => Err(anyhow!(
            "the metadata could not be applied or written and the server has stopped; what was acknowledged is on disk. The log says what is wrong: a log \
             written by a newer version needs that version"
        )),
    }
}

/// The cluster that this node belongs to. It listens for the others at `place`.
fn quorum(
    config: &Config,
    (listener, place): (Listener, &HostPort),
    (clock, spawner): (&Clock, &Spawner),
) -> Quorum {
    let endpoint = config.inter_node_endpoint(place);
    let (voters, known) = (&config.controller_quorum_voters.0, &config.controller_quorum_bootstrap_servers);
    let origin = match (voters.is_empty(), known.is_empty()) {
        (false, _) => Origin::Voters(voters.clone()),
        (true, false) => Origin::Joins(join(known.clone(), clock, spawner)),
        (true, true) => Origin::Voters([(config.node_id, endpoint.clone())].into()),
    };
    Quorum { endpoint, origin, listener, connector: Connector::Tcp, settings: peer::Settings::new(config) }
}

/// Has a newcomer taken in by the cluster that clients reach there, however long that takes.
fn join(bootstrap: Vec<HostPort>, clock: &Clock, spawner: &Spawner) -> Join {
    let (clock, spawner) = (clock.clone(), spawner.clone());
    Box::new(move |newcomer: Newcomer| {
        let Newcomer { node_id, directory_id, endpoint } = newcomer;
        let place = HostPort::new(&endpoint.host, endpoint.port);
        let node = NewVoter { node_id, directory_id, place };
        let joining = Joining { bootstrap: bootstrap.clone(), node, cluster_id: None };
        let options = Options::new(clock.clone(), spawner.clone());
        Box::pin(async move {
            let joined = joining.join(Duration::MAX, options, &Shutdown::new()).await;
            joined.map(|joined| joined.nodes).map_err(|error| JoinError(error.to_string()))
        })
    })
}

/// Where the node can be reached, as others should name it.
pub(super) struct Addresses {
    /// One for each listener.
    pub(super) kafka: Vec<HostPort>,
    /// The admin server, if there is one.
    pub(super) admin: Option<SocketAddr>,
}

/// The sockets of a node.
struct Bound {
    kafka: Vec<(TcpListener, HostPort)>,
    admin: Option<TcpListener>,
    /// Where the other nodes of the cluster connect, if there can be any.
    peers: Option<(Listener, HostPort)>,
}

impl Bound {
    async fn bind(config: &Config) -> anyhow::Result<Self> {
        let mut kafka = Vec::new();
        for address in &config.listeners {
            let listener = bind(address, "listeners", "with --listen").await?;
            let port = listener.local_addr()?.port();
            kafka.push((listener, HostPort { port, ..address.clone() }));
        }
        let admin = match &config.admin_listener {
            Some(address) => Some(bind(address, "admin.listener", "with --admin-listen").await?),
            None => None,
        };
        let peers = match config.inter_node_address() {
            Some(address) => Some(bind_for_peers(config, &address).await?),
            None => None,
        };
        Ok(Self { kafka, admin, peers })
    }

    fn addresses(&self, config: &Config) -> Addresses {
        let advertised = |(index, (_, bound)): (usize, &(_, HostPort))| config.advertised(index, bound);
        Addresses {
            kafka: self.kafka.iter().enumerate().map(advertised).collect(),
            admin: self.admin.as_ref().and_then(|listener| listener.local_addr().ok()),
        }
    }
}

/// Listens for the other nodes of the cluster.
async fn bind_for_peers(config: &Config, address: &HostPort) -> anyhow::Result<(Listener, HostPort)> {
    let otherwise = match &config.inter_node_listener {
        Some(_) => "in its place",
        None => {
            "with --set inter.node.listener=HOST:PORT, or change this node's entry in controller.quorum.voters on every node"
        }
    };
    let listener = bind(address, "inter.node.listener", otherwise).await?;
    let port = listener.local_addr()?.port();
    Ok((Listener::Tcp(listener), HostPort { port, ..address.clone() }))
}

async fn bind(address: &HostPort, setting: &str, how: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind((address.host.as_str(), address.port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "cannot listen on {address} ({setting}): another process does; stop it, or choose another address {how}"
        ),
        _ => anyhow!("cannot listen on {address} ({setting}): {error}; choose another address {how}"),
    })
}

/// Says where everything is: to people in words, to machines as an event.
fn announce(config: &Config, addresses: &Addresses) {
    match config.log_format {
        LogFormat::Human => output::complain(&banner::text(config, addresses, &program())),
        LogFormat::Json => tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            node_id = config.node_id,
            kafka = ?addresses.kafka,
            admin = ?addresses.admin,
            data_directory = %config.data_dir().display(),
            "ready"
        ),
    }
}

/// How this program was called.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "chronik-server".to_owned())
}
