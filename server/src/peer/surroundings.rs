//! What connections between nodes stand on.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use concurrency_models::image::Image;
use uuid::Uuid;

use super::error::ConnectionError;
use super::handler::Handler;
use super::hello::{Hello, Purpose};
use super::{NodeId, hello};
use crate::clock::Clock;
use crate::config::Config;
use crate::spawn::Spawner;
use crate::telemetry::Metrics;

/// How patient connections are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `inter.node.connection.timeout.ms`
    pub connection_timeout: Duration,
    /// `inter.node.keepalive.ms`
    pub keepalive: Duration,
    /// `inter.node.max.silence.ms`
    pub max_silence: Duration,
}

impl Settings {
    /// As configured.
    pub fn new(config: &Config) -> Self {
        let ms = |ms: i64| Duration::from_millis(ms.unsigned_abs());
        Self {
            connection_timeout: ms(config.inter_node_connection_timeout_ms),
            keepalive: ms(config.inter_node_keepalive_ms),
            max_silence: ms(config.inter_node_max_silence_ms),
        }
    }
}

/// Who this node is, as it says to others. Clones are the same.
#[derive(Clone, Debug)]
pub struct Identity {
    node_id: NodeId,
    incarnation: u64,
    /// Nil until the node belongs to a cluster. Written once, by whoever joins or founds it.
    cluster_id: Arc<Image<Uuid>>,
}

impl Identity {
    /// Node `node_id`, whose process has started as number `incarnation`: a later start has a larger number. `None` if it belongs to no cluster yet.
    pub fn new(node_id: NodeId, incarnation: u64, cluster_id: Option<Uuid>) -> Self {
        let cluster_id = Arc::new(Image::new(cluster_id.unwrap_or(Uuid::nil())));
        Self { node_id, incarnation, cluster_id }
    }

    /// The node belongs to a cluster from now on. Connections that there are stay.
    pub fn join(&self, cluster_id: Uuid) {
        self.cluster_id.replace(cluster_id);
    }

    /// Its number.
    pub fn node_id(&self) -> NodeId {
        self.node_id
    }

    /// Nil while it belongs to none.
    pub fn cluster_id(&self) -> Uuid {
        *self.cluster_id.load()
    }

    /// What it says to node `to`.
    pub(super) fn hello(&self, to: NodeId, purpose: Purpose) -> Hello {
        let (node_id, incarnation) = (self.node_id, self.incarnation);
        Hello { cluster_id: self.cluster_id(), node_id, to, incarnation, purpose, features: 0 }
    }

    /// Whether it may have a connection with whoever says `hello`.
    pub(super) fn admit(&self, hello: &Hello) -> Result<(), hello::Refusal> {
        hello.admit(self.node_id, self.cluster_id())
    }
}

/// What connections stand on. Cheap to clone.
#[derive(Clone)]
pub struct Surroundings {
    /// Who this node is.
    pub identity: Identity,
    /// Takes what comes.
    pub handler: Arc<dyn Handler>,
    /// How long things may take.
    pub settings: Settings,
    /// Measures it.
    pub clock: Clock,
    /// Where connections run.
    pub spawner: Spawner,
    /// Counts.
    pub metrics: Metrics,
}

impl Surroundings {
    pub(super) fn now(&self) -> Duration {
        self.clock.uptime()
    }

    /// A connection that is being made has a time limit as a whole.
    pub(super) async fn in_time<T>(
        &self,
        making: impl Future<Output = Result<T, ConnectionError>>,
    ) -> Result<T, ConnectionError> {
        tokio::select! {
            biased;
            made = making => made,
            () = self.clock.sleep(self.settings.connection_timeout) =>
                Err(ConnectionError::TimedOut(self.settings.connection_timeout)),
        }
    }
}
