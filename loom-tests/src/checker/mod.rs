//! The three checkers behind one call.

#[cfg(loom)]
mod loom;
#[cfg(shuttle)]
mod shuttle;
#[cfg(not(any(loom, shuttle)))]
mod std_threads;

#[cfg(loom)]
use self::loom as chosen;
#[cfg(shuttle)]
use self::shuttle as chosen;
#[cfg(not(any(loom, shuttle)))]
use std_threads as chosen;

mod environment;
mod report;
mod states;

use std::collections::BTreeSet;
use std::fmt::Debug;

use states::FinalStates;

/// What was explored of one scenario.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// `std`, `loom` or `shuttle`.
    pub checker: &'static str,
    /// How often the scenario ran, each time (under loom) in another order.
    pub executions: u64,
    /// The final states, each as its `Debug` text.
    pub final_states: BTreeSet<String>,
    /// How long that took.
    pub seconds: f64,
}

/// The checker that this build was made for.
pub fn built() -> &'static str {
    chosen::NAME
}

pub(crate) fn check<S: Debug>(name: &str, scenario: impl Fn() -> S + Send + Sync + 'static) -> Exploration {
    measure(name, |states| chosen::explore(states.collect(scenario)))
}

pub(crate) fn check_sequence<S: Debug>(
    name: &str,
    scenario: impl Fn() -> S + Send + Sync + 'static,
) -> Exploration {
    let exploration = measure(name, |states| chosen::explore_sequence(states.collect(scenario)));
    assert_eq!(exploration.executions, 1, "{name}: a scenario of one thread has one execution");
    exploration
}

fn measure(name: &str, explore: impl FnOnce(&FinalStates) -> u64) -> Exploration {
    environment::refuse_variables(std::env::vars_os().map(|(variable, _)| variable));
    report::announce_failures();
    let _recording = crate::trace::record(name);
    let states = FinalStates::default();
    let clock = report::Clock::start();
    let executions = explore(&states);
    assert!(executions > 0, "{name}: the checker explored nothing");
    let exploration = Exploration {
        checker: chosen::NAME,
        executions,
        final_states: states.take(),
        seconds: clock.seconds(),
    };
    report::print(name, &exploration);
    exploration
}
