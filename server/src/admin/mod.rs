//! HTTP for people and monitors: a console page, metrics, health checks, and the state of the node as JSON.
//!
//! It only reads, so that it needs no credentials of its own; it listens on the loopback address unless told otherwise.

mod answer;
mod kafka_names;
mod pages;
mod pieces;
mod status;

pub use status::{BrokerStatus, NodeInfo, NodeStatus, PartitionStatus, TopicStatus};

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::telemetry::{Metrics, Watchdog};

/// What the pages are made from. Cheap to clone.
#[derive(Clone)]
pub struct Admin {
    /// The node that is shown.
    pub node: Arc<dyn NodeStatus>,
    /// Its metrics.
    pub metrics: Metrics,
    /// Knows the loops that stand still.
    pub watchdog: Watchdog,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

/// Every path that is served, with what it shows; `/` and the answer to a wrong path list them.
pub const PATHS: &[(&str, &str)] = &[
    ("/", "this node, as a page"),
    ("/metrics", "metrics for Prometheus"),
    ("/health/live", "200 while every loop of the server makes progress"),
    ("/health/ready", "200 while clients are served"),
    ("/api/v1/node", "this node, as JSON"),
    ("/api/v1/brokers", "brokers of the cluster, as JSON"),
    ("/api/v1/topics", "topics and partitions, as JSON"),
];

/// Serves the pages on `listener` until `stop` is ready; answers under way are finished.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    admin: Admin,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(admin)).with_graceful_shutdown(stop).await
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/", get(pages::console))
        .route("/metrics", get(pages::metrics))
        .route("/health/live", get(pages::live))
        .route("/health/ready", get(pages::ready))
        .route("/api/v1/node", get(pages::node))
        .route("/api/v1/brokers", get(pages::brokers))
        .route("/api/v1/topics", get(pages::topics))
        .fallback(pages::no_such_path)
        .method_not_allowed_fallback(pages::only_get)
        .with_state(admin)
}
