//! Scenarios over Chronik's kernels, and the harness that runs them.
//!
//! A *scenario* is a closure: a few threads that use a kernel, and assertions on what they saw. One source runs under three checkers:
//!
//! | built with | checker | explores |
//! |---|---|---|
//! | nothing | std | real threads, the scenario repeated some hundred times |
//! | `--cfg loom` | loom | every interleaving, without a bound |
//! | `--cfg shuttle` | shuttle | interleavings drawn at random and by priorities, from fixed seeds |
//!
//! ```ignore
//! #[test]
//! fn answer_arrives() {
//!     check(|| {
//!         let (reply, mut answer) = reply::channel();
//!         let server = spawn(move || reply.send(7));
//!         assert_eq!(block_on(answer.wait()), Ok(7));
//!         assert_eq!(server.join(), Ok(()));
//!     });
//! }
//! ```
//!
//! What a scenario may use is in [`run`]: threads, `block_on`, polling a future once and dropping it. A closure must do the same
//! thing each time it is called: no clock, no environment, no random numbers, no randomly seeded map.

mod checker;
pub mod mutants;
pub mod run;
pub mod sites;
pub mod trace;

pub use checker::{Exploration, built};
use concurrency_models::sync::sharded_map::stand_in::Placement;

/// Explores a scenario with the checker that this build was made for, and prints one line about it.
///
/// # Panics
/// If an execution fails, and if the checker did not explore what it promises.
pub fn check<F: Fn() + Send + Sync + 'static>(scenario: F) -> Exploration {
    let name = scenario_name(std::any::type_name::<F>());
    checker::check(&name, scenario)
}

/// The same for a scenario of one thread, in which there is nothing to interleave: what a call returns, and in which order.
///
/// # Panics
/// If it fails, and under loom if it turns out to have more than one interleaving.
pub fn check_sequence<F: Fn() + Send + Sync + 'static>(scenario: F) -> Exploration {
    let name = scenario_name(std::any::type_name::<F>());
    checker::check_sequence(&name, scenario)
}

/// The same for a scenario over a [`ShardedMap`](concurrency_models::sync::ShardedMap) whose keys hash as `0..keys`: under loom one exploration
/// for every way to put them into shards, since hashes and the number of processors decide in production who shares one. The other checkers
/// run it once: under std the real map does what it does, and under shuttle all keys share one lock.
///
/// # Panics
/// As [`check`].
pub fn check_sharded<F: Fn() + Send + Sync + 'static>(keys: usize, scenario: F) -> Vec<Exploration> {
    over_placements(keys, scenario, checker::check)
}

/// The same for a scenario of one thread.
///
/// # Panics
/// As [`check_sequence`].
pub fn check_sharded_sequence<F: Fn() + Send + Sync + 'static>(keys: usize, scenario: F) -> Vec<Exploration> {
    over_placements(keys, scenario, checker::check_sequence)
}

fn over_placements<F: Fn() + Send + Sync + 'static>(
    keys: usize,
    scenario: F,
    check: impl Fn(&str, Box<dyn Fn() + Send + Sync>) -> Exploration,
) -> Vec<Exploration> {
    let name = scenario_name(std::any::type_name::<F>());
    if !cfg!(loom) {
        return vec![check(&name, Box::new(scenario))];
    }
    let scenario = std::sync::Arc::new(scenario);
    let explore = |placement: Placement| {
        let (name, scenario) = (format!("{name}[{placement}]"), scenario.clone());
        let placed = move || {
            placement.clone().of_new_maps();
            scenario();
        };
        check(&name, Box::new(placed))
    };
    Placement::all(keys).into_iter().map(explore).collect()
}

/// `mailbox::nothing_is_lost::{{closure}}` without its end: the test file and the test, which is the property.
fn scenario_name(closure: &str) -> String {
    closure.trim_end_matches("::{{closure}}").to_owned()
}
