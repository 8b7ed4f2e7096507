//! Accepts connections, within limits.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use concurrency_models::gate::{Gate, Pass};

use super::connection::{self, Shared};
use crate::spawn::Spawner;
use crate::telemetry::Pulse;
use crate::transport::{Accepted, Listener};

/// How long to wait when the operating system gives no connection, as when file descriptors have run out.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// `max.connections`
    pub total: usize,
    /// `max.connections.per.ip`
    pub per_ip: usize,
}

/// The accept loop.
pub struct Acceptor {
    /// What every connection gets.
    pub shared: Shared,
    /// Every connection is inside; closed at shutdown.
    pub gate: Gate,
    /// How many there may be.
    pub limits: ConnectionLimits,
    /// Where connections run.
    pub spawner: Spawner,
}

impl Acceptor {
    /// Accepts until shutdown.
    pub async fn run(self, mut listener: Listener, pulse: Pulse) {
        let mut per_ip: BTreeMap<IpAddr, Gate> = BTreeMap::new();
        loop {
            pulse.idle();
            let accepted = tokio::select! {
                biased;
                () = self.shared.shutdown.requested() => break,
                accepted = listener.accept() => accepted,
            };
            pulse.beat();
            match accepted {
                Ok(accepted) => self.admit(accepted, &mut per_ip),
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed; trying again");
                    self.shared.clock.sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    /// Starts the connection, or closes it when there are too many.
    fn admit(&self, accepted: Accepted, per_ip: &mut BTreeMap<IpAddr, Gate>) {
        let metrics = &self.shared.broker.metrics;
        per_ip.retain(|_, gate| gate.inside() > 0);
        let of_ip = per_ip.entry(accepted.peer.ip()).or_default();
        let reached = if self.gate.inside() >= self.limits.total {
            Some("max.connections")
        } else {
            (of_ip.inside() >= self.limits.per_ip).then_some("max.connections.per.ip")
        };
        if let Some(limit) = reached {
            metrics.connection_refused(limit);
            tracing::warn!(peer = %accepted.peer, limit, "connection refused: the limit is reached");
            return;
        }
        let (Some(pass), Some(pass_of_ip)) = (self.gate.enter(), of_ip.enter()) else { return };
        metrics.connections_accepted.inc();
        metrics.connections_open.inc();
        let shared = self.shared.clone();
        let _ended = self.spawner.task(inside((pass, pass_of_ip), async move {
            let metrics = shared.broker.metrics.clone();
            connection::serve(shared, accepted).await;
            metrics.connections_open.dec();
        }));
    }
}

/// Holds the passes as long as the connection lives.
async fn inside(_passes: (Pass, Pass), connection: impl Future<Output = ()>) {
    connection.await;
}
