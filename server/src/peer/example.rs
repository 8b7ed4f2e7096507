//! Peers for tests of what speaks to them.

use std::sync::Arc;

use bytes::Bytes;

use super::hello::Refusal;
use super::{Answering, Handler, Hello, Identity, NodeId, Peers, Purpose, Settings, Surroundings};
use crate::clock::Clock;
use crate::config::{Config, HostPort};
use crate::rng::Rng;
use crate::spawn::Spawner;
use crate::telemetry::Metrics;
use crate::transport::{Connector, MemoryNetwork};

/// Hears nothing.
struct Deaf;

impl Handler for Deaf {
    fn refuses(&self, _peer: &Hello) -> Option<Refusal> {
        None
    }
    fn heartbeat(&self, _from: NodeId, _bytes: Bytes) {}
    fn raft(&self, _from: NodeId, _bytes: Bytes) {}
    fn data(&self, _from: NodeId, _bytes: Bytes) {}
    fn request(&self, _from: NodeId, _kind: u16, _bytes: Bytes) -> Answering {
        Box::pin(async { None })
    }
    fn connected(&self, _node: NodeId, _purpose: Purpose) {}
    fn lost(&self, _node: NodeId, _purpose: Purpose) {}
}

/// No peers: whatever node `me` says is lost.
pub(crate) fn nobody(me: NodeId, clock: &Clock) -> Peers {
    let (clock, spawner) = (clock.clone(), Spawner::simulated());
    let network = MemoryNetwork::new(clock.clone(), spawner.clone());
    let connector = Connector::Memory(network.endpoint(&HostPort::new("10.0.0.1", 1)));
    let (identity, handler) = (Identity::new(me, 1, None), Arc::new(Deaf));
    let (settings, metrics) = (Settings::new(&Config::default()), Metrics::new());
    let surroundings = Surroundings { identity, handler, settings, clock, spawner, metrics };
    Peers::new(surroundings, connector, Purpose::Data, &mut Rng::seeded(1))
}
