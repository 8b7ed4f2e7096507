//! What may happen to a cluster.

mod cut_off;
mod deletion;
mod failed_sync;
mod moved;
mod one_way;
mod power;
mod slow;

use std::future::Future;
use std::pin::Pin;

use chronik_log::disk::sim::Crash;
use chronik_server::rng::Rng;

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
        &failed_sync::FailedSync,
        &moved::ToAndFro,
        &cut_off::Heal,
    ]
}

/// What becomes of what was not synced.
fn draw_crash(rng: &mut Rng) -> Crash {
    match rng.below(3) {
        0 => Crash::Lost,
        1 => Crash::Kept,
        _ => Crash::Torn(rng.below(u64::MAX)),
    }
}
