//! Real threads: shows that the scenario means something outside of a checker, and exercises the production build of a kernel.

use std::time::Duration;

use super::Asked;
use super::count::{self, Explored};

pub(super) const NAME: &str = "std";

/// Nobody counts branches here.
pub(super) const BRANCHES_AT_MOST: Option<u64> = None;

const REPETITIONS: u64 = 200;
/// In steps of a millisecond. A scenario takes microseconds: one that is not done by then has stopped for ever.
const PATIENCE_MS: u32 = 60_000;

pub(super) fn explore(_asked: Asked<'_>, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    repeat(REPETITIONS, scenario)
}

pub(super) fn explore_sequence(_asked: Asked<'_>, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    repeat(1, scenario)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a scenario that hangs must fail, so it runs on a thread that can be left behind"
)]
fn repeat(times: u64, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    let recorded = crate::trace::Handed::to_same_thread();
    let repetitions = std::thread::spawn(move || {
        let _recorded = recorded.start();
        count::start();
        for _ in 0..times {
            count::execution();
            scenario();
        }
        count::explored()
    });
    for _ in 0..PATIENCE_MS {
        if repetitions.is_finished() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(repetitions.is_finished(), "the scenario hangs");
    repetitions.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
