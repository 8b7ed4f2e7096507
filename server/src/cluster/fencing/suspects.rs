//! Brokers that followers suspect, whose lease has not expired. Plain data.
//!
//! A follower suspects before a lease ends. What it says is kept until then, so that no time passes between the end of the lease and the next suspicion. One for
//! each broker that is registered, whatever the number of partitions and followers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::leases::Leases;

/// By node id, the life that is suspected.
#[derive(Debug, Default)]
pub(super) struct Suspects(BTreeMap<i32, i64>);

impl Suspects {
    pub(super) fn suspect(&mut self, node_id: i32, broker_epoch: i64) {
        self.0.insert(node_id, broker_epoch);
    }

    /// A heartbeat of it was granted. Whoever does not hear of it all the same says so again, before this lease ends.
    pub(super) fn acquit(&mut self, node_id: i32) {
        self.0.remove(&node_id);
    }

    /// Nobody is suspected: another term has begun.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// When the next one has to be looked at. Not those that `may_be_there`: a heartbeat of theirs has come, and it is not known yet what comes of it.
    pub(super) fn next(&self, leases: &Leases, may_be_there: impl Fn(i32, i64) -> bool) -> Option<Duration> {
        let silent = self.0.iter().filter(|(node_id, broker_epoch)| !may_be_there(**node_id, **broker_epoch));
        silent.map(|(node_id, _)| leases.until(*node_id)).min()
    }

    /// Takes out those whose lease has expired, with their broker epochs.
    pub(super) fn take_expired(
        &mut self,
        leases: &Leases,
        now: Duration,
        may_be_there: impl Fn(i32, i64) -> bool,
    ) -> BTreeMap<i32, i64> {
        let has_ended = |node_id: &i32, broker_epoch: &mut i64| {
            leases.has_expired(*node_id, now) && !may_be_there(*node_id, *broker_epoch)
        };
        self.0.extract_if(.., has_ended).collect()
    }
}
