//! What may happen to a cluster.

mod cut_off;
mod deletion;
mod one_way;
mod power;
mod slow;

use std::future::Future;
use std::pin::Pin;

use super::Cluster;

/// Something that happens.
pub(super) type Strike<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A kind of trouble.
pub(super) trait Fault {
    /// What it is called.
    fn name(&self) -> &'static str;
    /// It happens, to whom the run's random numbers say.
    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a>;
}

/// Every kind.
pub(super) fn all() -> &'static [&'static dyn Fault] {
    &[
        &power::PowerCut,
        &power::PowerCut,
        &power::Start,
        &cut_off::CutOff,
        &one_way::OneWay,
        &slow::Slow,
        &deletion::Deletion,
        &cut_off::Heal,
    ]
}
