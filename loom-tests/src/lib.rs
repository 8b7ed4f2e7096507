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
//! A scenario returns its *final state*: what may differ from one interleaving to another, such as who was first, and what must not. What std and shuttle
//! come to must be among what loom has seen, so `()` leaves them nothing to contradict. It is told apart by its `Debug` text, so it holds plain values: no
//! address, no lock.
//!
//! What a scenario may use is in [`run`]: threads, `block_on`, polling a future once and dropping it. A closure must do the same
//! thing each time it is called: no clock, no environment, no random numbers, no randomly seeded map.

use std::fmt::Debug;

pub mod calibration;
pub mod certificate;
mod checker;
pub mod coverage;
pub mod mutants;
#[cfg(not(any(loom, shuttle)))]
pub mod report;
pub mod run;
pub mod scenarios;
pub mod sites;
pub mod trace;
pub mod turns;

use certificate::Kind;
use checker::Shape;
pub use checker::{Exploration, Size, built};
use concurrency_models::sync::sharded_map::stand_in::Placement;

/// Explores a scenario with the checker that this build was made for, and prints one line about it. Under loom the result must be that of its
/// [`certificate`]; elsewhere the final states must be among those that loom has seen.
///
/// # Panics
/// If an execution fails, if the checker did not explore what it promises, and if the certificate says otherwise or there is none.
pub fn check<S: Debug, F: Fn() -> S + Send + Sync + 'static>(scenario: F) -> Exploration {
    let name = scenario_name(std::any::type_name::<F>());
    checker::check(&name, Kind::Proof, scenario)
}

/// The same for a scenario of one thread, in which there is nothing to interleave: what a call returns, and in which order.
///
/// # Panics
/// As [`check`], and under loom if it turns out to have more than one interleaving.
pub fn check_sequence<S: Debug, F: Fn() -> S + Send + Sync + 'static>(scenario: F) -> Exploration {
    let name = scenario_name(std::any::type_name::<F>());
    checker::check_sequence(&name, scenario)
}

/// The same for a scenario over a [`ShardedMap`](concurrency_models::sync::ShardedMap) whose keys hash as `0..keys`. Under loom it is explored once for
/// every way to put them into shards, in every order, since hashes and the number of processors decide that in production; all of that is one proof. The
/// other checkers run it as it is: under std the real map does what it does, and under shuttle all keys share one lock.
///
/// # Panics
/// As [`check`].
pub fn check_sharded<S: Debug + 'static, F: Fn() -> S + Send + Sync + 'static>(
    keys: usize,
    scenario: F,
) -> Exploration {
    let name = scenario_name(std::any::type_name::<F>());
    if !cfg!(loom) {
        return checker::check(&name, Kind::Proof, scenario);
    }
    checker::check_each(&name, Shape::Threads, &Placement::all(keys), placed(scenario))
}

/// The same for a scenario of one thread.
///
/// # Panics
/// As [`check_sequence`].
pub fn check_sharded_sequence<S: Debug + 'static, F: Fn() -> S + Send + Sync + 'static>(
    keys: usize,
    scenario: F,
) -> Exploration {
    let name = scenario_name(std::any::type_name::<F>());
    if !cfg!(loom) {
        return checker::check_sequence(&name, scenario);
    }
    checker::check_each(&name, Shape::Sequence, &Placement::all(keys), placed(scenario))
}

/// The scenario over maps that are placed in a given way.
fn placed<S: 'static>(scenario: impl Fn() -> S) -> impl Fn(&Placement) -> S {
    move |placement| {
        placement.clone().of_new_maps();
        scenario()
    }
}

/// The same for a composition that loom cannot finish: it explores what happens with at most `preemption_bound` preemptions, the largest number
/// with which that ends within two minutes. That is a *search*, and no proof: loom loses outcomes under a bound.
///
/// # Panics
/// As [`check`].
pub fn search<S: Debug, F: Fn() -> S + Send + Sync + 'static>(
    preemption_bound: usize,
    scenario: F,
) -> Exploration {
    let name = scenario_name(std::any::type_name::<F>());
    checker::check(&name, Kind::Search { preemption_bound }, scenario)
}

/// How many executions a second loom goes through of something: what checking costs. It is no scenario and has no certificate.
#[cfg(loom)]
pub fn executions_per_second<S: Debug>(program: impl Fn() -> S + Send + Sync + 'static) -> f64 {
    checker::rate(program)
}

/// `mailbox::nothing_is_lost::{{closure}}` without its end: the test file and the test, which is the property.
fn scenario_name(closure: &str) -> String {
    closure.trim_end_matches("::{{closure}}").to_owned()
}
