//! Recovery at start, as a progress bar.

use chronik_log::Progress as Step;

use super::progress::Progress;
use crate::clock::Clock;

/// Takes the steps of a recovery and shows them if it takes long.
pub(super) fn shown(clock: Clock) -> impl FnMut(Step) + Send + 'static {
    let mut current: Option<(&'static str, Progress)> = None;
    move |step| {
        let Some((what, done, total)) = numbers(step) else {
            current = None;
            return;
        };
        if current.as_ref().is_none_or(|(shown, _)| *shown != what) {
            let bar = match step {
                Step::ScanningWal { .. } => Progress::bytes(what, total, &clock),
                _ => Progress::steps(what, total, &clock),
            };
            current = Some((what, bar));
        }
        if let Some((_, bar)) = &current {
            bar.set(done);
        }
    }
}

fn numbers(step: Step) -> Option<(&'static str, u64, u64)> {
    match step {
        Step::ScanningWal { done_bytes, total_bytes } => {
            Some(("reading the write-ahead log", done_bytes, total_bytes))
        }
        Step::Replaying { done, total } => Some(("replaying the write-ahead log", done, total)),
        Step::Partitions { done, total } => Some(("checking partitions", done as u64, total as u64)),
        Step::Checkpoint => None,
    }
}
