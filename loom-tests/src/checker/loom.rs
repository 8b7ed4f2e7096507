//! loom: every interleaving of the scenario, or a failure.

use std::cell::Cell;
use std::rc::Rc;

use loom::model::Builder;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::Asked;
use super::count::{self, Explored};
use super::report::{Clock, NARROW};
use crate::certificate::Kind;

pub(super) const NAME: &str = "loom";

/// More choices in one execution than any scenario needs; beyond it loom fails, it does not cut.
const MAX_BRANCHES: usize = 10_000;
pub(super) const BRANCHES_AT_MOST: Option<u64> = Some(MAX_BRANCHES as u64);
/// A scenario that takes longer than this fails.
const SECONDS_AT_MOST: f64 = 120.0;

/// Explores all of it, or what is within the bound of a search.
///
/// loom stops early without a word when it meets one of its limits, so it is not believed on its return alone: it must say that it
/// has completed, and count as many executions as the closure saw.
pub(super) fn explore(asked: Asked<'_>, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    explore_within(SECONDS_AT_MOST, asked.kind, scenario)
}

/// The same: that there is only one execution is for loom to find out.
pub(super) fn explore_sequence(asked: Asked<'_>, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    explore(asked, scenario)
}

/// Explores all of something small.
pub(super) fn explore_all(scenario: impl Fn() + Send + Sync + 'static) -> u64 {
    explore_within(SECONDS_AT_MOST, Kind::Proof, scenario).executions
}

fn explore_within(seconds_at_most: f64, kind: Kind, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    count::start();
    let clock = Clock::start();
    let completed = watch(|| {
        builder(kind).check(move || {
            let seconds = clock.seconds();
            assert!(seconds <= seconds_at_most, "not explored within {seconds_at_most} s: {NARROW}");
            count::execution();
            scenario();
        });
    });
    let completed = completed.expect("loom returned without saying that it has completed");
    assert_eq!(completed, count::executions(), "loom counts other executions than the scenario saw");
    count::explored()
}

/// Every limit is set here, to none, whatever the environment says.
fn builder(kind: Kind) -> Builder {
    let mut builder = Builder::new();
    builder.max_threads = loom::MAX_THREADS;
    builder.max_branches = MAX_BRANCHES;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = kind.preemption_bound();
    builder.checkpoint_file = None;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    builder
}

thread_local! {
    /// What loom said last on this thread: "Completed in N iterations".
    static COMPLETED: Rc<Cell<Option<u64>>> = Rc::default();
}

/// Runs `exploration` and returns the N of loom's "Completed in N iterations", if it said so.
fn watch(exploration: impl FnOnce()) -> Option<u64> {
    COMPLETED.with(|completed| completed.set(None));
    tracing::subscriber::with_default(Listener, exploration);
    COMPLETED.with(|completed| completed.get())
}

/// Hears the events of loom's model and nothing else: loom traces every operation, and listening to that is slow.
struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == "loom::model"
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Message);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Message;

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message"
            && let Some(iterations) = completed_iterations(&format!("{value:?}"))
        {
            COMPLETED.with(|completed| completed.set(Some(iterations)));
        }
    }
}

fn completed_iterations(message: &str) -> Option<u64> {
    message.strip_prefix("Completed in ")?.strip_suffix(" iterations")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::spawn;

    /// Two threads that add to one number.
    fn two_add() {
        let lock = std::sync::Arc::new(concurrency_models::sync::Mutex::new(0));
        let other = spawn({
            let lock = lock.clone();
            move || *lock.lock() += 1
        });
        *lock.lock() += 1;
        other.join();
        assert_eq!(*lock.lock(), 2);
    }

    #[test]
    fn all_orders_of_two_threads_are_explored() {
        let Explored { executions, largest } = explore_within(SECONDS_AT_MOST, Kind::Proof, two_add);
        assert!(executions > 1, "two threads over one lock have more than one order");
        assert_eq!(largest.map(|size| size.threads), Some(2));
    }

    #[test]
    fn a_bound_leaves_orders_out() {
        let bounded =
            explore_within(SECONDS_AT_MOST, Kind::Search { preemption_bound: 0 }, two_add).executions;
        assert!(bounded < explore_within(SECONDS_AT_MOST, Kind::Proof, two_add).executions);
    }

    #[test]
    #[should_panic(expected = "not explored within 0 s: narrow it")]
    fn an_exploration_that_takes_too_long_is_a_failure() {
        explore_within(0.0, Kind::Proof, two_add);
    }

    #[test]
    #[should_panic(expected = "without saying that it has completed")]
    fn an_exploration_cut_short_is_not_believed() {
        let completed = watch(|| {});
        completed.expect("loom returned without saying that it has completed");
    }

    #[test]
    fn only_the_closing_event_counts() {
        assert_eq!(completed_iterations("Completed in 392 iterations"), Some(392));
        assert_eq!(completed_iterations(" ================== Iteration 20000 =================="), None);
    }
}
