//! shuttle: many interleavings, half of them drawn at random, half by changing priorities (PCT).

use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

use super::report;

pub(super) const NAME: &str = "shuttle";

/// Executions of each of the two schedulers.
const ITERATIONS: usize = 1_000;
/// Where both begin: the same executions every time.
const SEED: u64 = 0x0c4c_0a1c;
/// How many preemptions a bug may need for PCT to look for it.
const PCT_DEPTH: usize = 3;

/// Explores and returns the number of executions, which must be all that were asked for.
pub(super) fn explore(scenario: impl Fn() + Send + Sync + 'static) -> u64 {
    let scenario = Arc::new(scenario);
    report::start_counting();
    run(RandomScheduler::new_from_seed(SEED, ITERATIONS), ITERATIONS, scenario.clone());
    run(PctScheduler::new_from_seed(SEED, PCT_DEPTH, ITERATIONS), ITERATIONS, scenario);
    report::counted()
}

/// Runs a scenario of one thread, which PCT would refuse.
pub(super) fn explore_sequence(scenario: impl Fn() + Send + Sync + 'static) -> u64 {
    report::start_counting();
    run(RandomScheduler::new_from_seed(SEED, 1), 1, Arc::new(scenario));
    report::counted()
}

/// With stacks on which a real `RawNode` fits.
fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 512 << 10;
    config
}

/// shuttle may stop early and say that all is well, so it is not believed on its return alone.
fn run(
    scheduler: impl Scheduler + 'static,
    iterations: usize,
    scenario: Arc<impl Fn() + Send + Sync + 'static>,
) {
    let before = report::counted();
    let executions = Runner::new(scheduler, config()).run(move || {
        report::count_execution();
        scenario();
    });
    assert_eq!(executions, iterations, "shuttle stopped early");
    let seen = report::counted() - before;
    assert_eq!(seen, iterations as u64, "shuttle counts other executions than the scenario saw");
}
