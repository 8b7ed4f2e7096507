//! shuttle: many interleavings, some drawn at random, some by changing priorities (PCT: Burckhardt, Kothari, Musuvathi and Nagarakatte, 2010), from fixed
//! seeds; before them the schedules that have failed once.

mod schedule;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};

use super::count::{self, Explored};
use super::report::write_line;
use super::{Asked, is_mutated};
use schedule::{Kept, Recording, Replay};

pub(super) const NAME: &str = "shuttle";

/// Nobody counts branches here.
pub(super) const BRANCHES_AT_MOST: Option<u64> = None;

/// Where all schedulers begin: the same executions every time.
const SEED: u64 = 0x0c4c_0a1c;
/// Executions drawn at random.
const RANDOM: usize = 800;
/// How many preemptions a bug may need for PCT to look for it, and for how many executions it does.
const PCT: [(usize, usize); 2] = [(3, 600), (5, 600)];
/// An exhaustive search of a calibration program that needs more is none.
const ALL_AT_MOST: usize = 2_000_000;

/// Explores, and demands as many executions as were asked for.
pub(super) fn explore(asked: Asked<'_>, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    let scenario = Arc::new(scenario);
    count::start();
    let kept = (!is_mutated()).then(|| Kept::of(asked.name));
    for (file, steps) in kept.iter().flat_map(|kept| kept.all().expect("schedules can be read")) {
        write_line(&format!("{NAME:<7} {} replays {}", asked.name, file.display()));
        run(Replay::of(steps), 1, None, scenario.clone());
    }
    let kept = kept.as_ref();
    run(RandomScheduler::new_from_seed(SEED, RANDOM), RANDOM, kept, scenario.clone());
    for (depth, executions) in PCT {
        run(PctScheduler::new_from_seed(SEED, depth, executions), executions, kept, scenario.clone());
    }
    count::explored()
}

/// Runs a scenario of one thread, which PCT would refuse.
pub(super) fn explore_sequence(_asked: Asked<'_>, scenario: impl Fn() + Send + Sync + 'static) -> Explored {
    count::start();
    run(RandomScheduler::new_from_seed(SEED, 1), 1, None, Arc::new(scenario));
    count::explored()
}

/// Explores every schedule of something small.
pub(super) fn explore_all(scenario: impl Fn() + Send + Sync + 'static) -> u64 {
    let executions = Runner::new(DfsScheduler::new(Some(ALL_AT_MOST), false), config()).run(scenario);
    assert!(executions < ALL_AT_MOST, "it has more schedules than {ALL_AT_MOST}");
    executions as u64
}

/// With stacks on which a real `RawNode` fits.
fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 512 << 10;
    config.failure_persistence = FailurePersistence::None; // we keep schedules ourselves
    config
}

/// shuttle may stop early and say that all is well, so it is not believed on its return alone. A schedule that fails is kept.
fn run(
    scheduler: impl Scheduler + 'static,
    iterations: usize,
    kept: Option<&Kept>,
    scenario: Arc<impl Fn() + Send + Sync + 'static>,
) {
    let before = count::executions();
    let (scheduler, steps) = Recording::of(scheduler);
    let run = catch_unwind(AssertUnwindSafe(|| {
        Runner::new(scheduler, config()).run(move || {
            count::execution();
            scenario();
        })
    }));
    let executions = run.unwrap_or_else(|panic| {
        if let Some(kept) = kept {
            keep(kept, &steps.borrow(), &*panic);
        }
        resume_unwind(panic)
    });
    assert_eq!(executions, iterations, "shuttle stopped early");
    let seen = count::executions() - before;
    assert_eq!(seen, iterations as u64, "shuttle counts other executions than the scenario saw");
}

fn keep(kept: &Kept, steps: &[usize], panic: &(dyn std::any::Any + Send)) {
    let failure =
        panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let line = match kept.keep(steps, failure.unwrap_or_default()) {
        Ok(file) => format!(
            "the failing schedule is kept in {}; copied to loom-tests/schedules it is replayed in every run",
            file.display()
        ),
        Err(error) => format!("the failing schedule is not kept: {error}"),
    };
    write_line(&line);
}
