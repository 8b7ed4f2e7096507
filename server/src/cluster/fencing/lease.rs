//! The lease of this broker, as everybody on this node sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use concurrency_models::watermark::Watermark;

use crate::limits;

/// Until when this broker may lead. Clones are the same lease; it only grows.
#[derive(Clone)]
pub struct BrokerLease(Arc<Watermark>);

impl BrokerLease {
    /// None yet.
    pub(in super::super) fn new() -> Self {
        Self(Arc::new(Watermark::new(0)))
    }

    /// One for good: nobody else is there who could lead.
    pub(in super::super) fn endless() -> Self {
        Self(Arc::new(Watermark::new(i64::MAX)))
    }

    /// Whether it is held at this uptime of the node's clock. Whoever acts as a leader asks when he acts, not before he waits.
    pub fn is_held(&self, now: Duration) -> bool {
        millis(now) < self.0.get()
    }

    /// How long it lasts if it is not renewed.
    pub fn remaining(&self, now: Duration) -> Duration {
        let left = self.0.get().saturating_sub(millis(now));
        Duration::from_millis(left.try_into().unwrap_or_default())
    }

    /// A heartbeat was granted that left at the uptime `sent`. Rounded down: it must not end later here than where it was granted.
    pub(super) fn extend(&self, sent: Duration) {
        self.0.advance(millis(sent + limits::BROKER_LEASE));
    }
}

/// Whole milliseconds that have passed.
fn millis(uptime: Duration) -> i64 {
    i64::try_from(uptime.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Debug for BrokerLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BrokerLease").field(&self.0.get()).finish()
    }
}
