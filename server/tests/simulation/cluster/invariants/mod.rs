//! What must hold whatever happens.

mod acknowledged;
mod agreement;
mod high_watermark;
mod in_sync;
mod leases;
mod one_leader;
mod one_leader_per_epoch;
mod records;

use super::Cluster;

/// Something that must hold.
pub(super) trait Invariant {
    /// What it has seen, in a word.
    fn name(&self) -> &'static str;
    /// Looks at the cluster after a step; panics, naming the seed, if it does not hold.
    fn look(&mut self, cluster: &Cluster);
    /// Looks at it when it has come to rest.
    fn end(&mut self, cluster: &Cluster);
    /// How often there was something to see: one that has seen nothing has shown nothing.
    fn met(&self) -> usize;
}

/// Those that look for what was acknowledged in the end.
pub(super) fn kept() -> Vec<Box<dyn Invariant>> {
    vec![Box::new(acknowledged::AcknowledgedIsKept::default()), Box::new(records::RecordsAreKept::default())]
}

/// Those that hold for the metadata, whoever is there.
pub(super) fn of_metadata() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(one_leader::OneLeaderPerTerm::default()),
        Box::new(acknowledged::AcknowledgedIsKept::default()),
        Box::new(agreement::VersionsAgree::default()),
    ]
}

/// Every one.
pub(super) fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(one_leader::OneLeaderPerTerm::default()),
        Box::new(acknowledged::AcknowledgedIsKept::default()),
        Box::new(leases::OneLeaderUnderALease::default()),
        Box::new(agreement::VersionsAgree::default()),
        Box::new(one_leader_per_epoch::OneLeaderPerEpoch::default()),
        Box::new(high_watermark::HighWatermarkNeverGoesBack::default()),
        Box::new(records::RecordsAreKept::default()),
        Box::new(in_sync::InSyncHasAcknowledged::default()),
    ]
}
