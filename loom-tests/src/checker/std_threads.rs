//! Real threads: shows that the scenario means something outside of a checker, and exercises the production build of a kernel.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use super::Asked;
use super::count::{self, Explored};

pub(super) const NAME: &str = "std";

/// Nobody counts branches here.
pub(super) const BRANCHES_AT_MOST: Option<u64> = None;

const REPETITIONS: u64 = 200;
/// A scenario takes microseconds, on a busy machine milliseconds: one execution that takes as long as this has stopped for ever.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn explore(_asked: Asked<'_>, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    repeat(REPETITIONS, scenario)
}

pub(super) fn explore_sequence(_asked: Asked<'_>, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    repeat(1, scenario)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a scenario that hangs must fail, so it runs on a thread that can be left behind, and tells a plain channel that it gets on"
)]
fn repeat(times: u64, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    let recorded = crate::trace::Handed::to_same_thread();
    let (starts, started) = std::sync::mpsc::channel();
    let repetitions = std::thread::spawn(move || {
        let _recorded = recorded.start();
        count::start();
        for _ in 0..times {
            let _given_up = starts.send(());
            count::execution();
            scenario();
        }
        drop(starts);
        count::explored()
    });
    loop {
        match started.recv_timeout(PATIENCE) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("the scenario hangs"),
        }
    }
    repetitions.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
