//! Bad days: a cluster of real processes whose nodes are killed, stand still, are restarted, cut off, or have a full disk while a client produces.
//! Afterwards the cluster is whole, and everything that was acknowledged is there, once, in its order.
//! `CHRONIK_BAD_DAYS=100 cargo test -p chronik-server --test bad_days -- --nocapture` for so many rounds of each; the figures are printed.
//! `CHRONIK_BAD_DAYS_STOP_SECONDS=30`, `CHRONIK_BAD_DAYS_CUT_SECONDS=30` and `CHRONIK_BAD_DAYS_MB=1000` are how long a node stands still or is cut off, and
//! how much a node misses; `CHRONIK_BAD_DAYS_LOADED_SECONDS=600` is how long a cluster to which nothing happens is loaded as hard as the machine allows.
//! `server/tests/clients/bad-days kafka-clients` has another client produce and read.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test stands outside the seams")]

#[path = "../support/mod.rs"]
mod support;

mod day;
mod foreign;
mod full_disk;
mod idle;
mod killed;
mod ledger;
mod load;
mod loaded;
mod members;
mod network;
mod partitioned;
mod rolling;
mod stopped;
mod thousands;

use std::time::Duration;

/// How long anything may take on a machine that has much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// How long nobody may serve a partition whose leader is gone; it is about a second on a quiet machine.
pub(crate) const FAILOVER: Duration = Duration::from_secs(30);

/// A number from the environment.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    let Ok(given) = std::env::var(name) else { return otherwise };
    given.parse().unwrap_or_else(|_| panic!("{name}={given} is not a number"))
}
