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

pub(crate) mod count;
mod environment;
mod report;
mod states;

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::sync::Arc;

use crate::certificate::{self, Kind};
pub use count::Size;
pub(crate) use report::{with_thousands, write_line};
use states::FinalStates;

/// What was explored of one scenario.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// `std`, `loom` or `shuttle`.
    pub checker: &'static str,
    /// How often the scenario ran, each time (under loom) in another order.
    pub executions: u64,
    /// The most threads and the most events that any execution had; `None` under std, which does not count them.
    pub largest: Option<Size>,
    /// The final states, each as its `Debug` text.
    pub final_states: BTreeSet<String>,
    /// How long that took.
    pub seconds: f64,
}

impl Exploration {
    /// Both of them.
    fn and(mut self, other: Self) -> Self {
        self.executions += other.executions;
        self.largest = self.largest.zip(other.largest).map(|(one, other)| one.max(other));
        self.final_states.extend(other.final_states);
        self.seconds += other.seconds;
        self
    }
}

/// Which scenario is explored, and what for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    name: &'a str,
    kind: Kind,
}

/// The checker that this build was made for.
pub fn built() -> &'static str {
    chosen::NAME
}

/// Up to this many executions, a scenario is explored twice under loom: what comes out must be the same.
const TWICE_UP_TO: u64 = 2_000;

/// What a scenario consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Threads, in every order that the checker finds.
    Threads,
    /// One thread, in which there is nothing to interleave: one execution.
    Sequence,
}

/// A scenario without its types: it runs, and returns the text of the state that it ends in. So the checkers are compiled once, not for each scenario.
#[derive(Clone)]
struct Scenario(Arc<dyn Fn() -> String + Send + Sync>);

impl Scenario {
    fn of<S: Debug>(scenario: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || format!("{:?}", scenario())))
    }

    fn run(&self) -> String {
        (self.0)()
    }
}

pub(crate) fn check<S: Debug>(
    name: &str,
    kind: Kind,
    scenario: impl Fn() -> S + Send + Sync + 'static,
) -> Exploration {
    check_one(Asked { name, kind }, Shape::Threads, &Scenario::of(scenario))
}

pub(crate) fn check_sequence<S: Debug>(
    name: &str,
    scenario: impl Fn() -> S + Send + Sync + 'static,
) -> Exploration {
    check_one(Asked { name, kind: Kind::Proof }, Shape::Sequence, &Scenario::of(scenario))
}

/// Explores a scenario once for each of `choices`, which every execution is given: one proof over all of them.
pub(crate) fn check_each<C: Clone + Display + Send + Sync + 'static, S: Debug>(
    name: &str,
    shape: Shape,
    choices: &[C],
    scenario: impl Fn(&C) -> S + Send + Sync + 'static,
) -> Exploration {
    let scenario = Arc::new(scenario);
    let chosen = |choice: &C| {
        let (scenario, given) = (scenario.clone(), choice.clone());
        (format!("{name}[{choice}]"), Scenario::of(move || scenario(&given)))
    };
    check_all(name, shape, &choices.iter().map(chosen).collect::<Vec<_>>())
}

fn check_one(asked: Asked<'_>, shape: Shape, scenario: &Scenario) -> Exploration {
    conclude(asked.name, asked.kind, || explore(asked, shape, scenario))
}

fn check_all(name: &str, shape: Shape, chosen: &[(String, Scenario)]) -> Exploration {
    let kind = Kind::Proof;
    conclude(name, kind, || {
        let explore_one = |(choice, scenario): &(String, Scenario)| {
            report::announce_failures(choice);
            explore(Asked { name, kind }, shape, scenario)
        };
        chosen.iter().map(explore_one).reduce(Exploration::and).expect("there is something to choose from")
    })
}

fn explore(asked: Asked<'_>, shape: Shape, scenario: &Scenario) -> Exploration {
    let explore = || {
        measure(asked.name, |states| {
            let scenario = states.collect(scenario.clone());
            match shape {
                Shape::Threads => chosen::explore(asked, scenario),
                Shape::Sequence => chosen::explore_sequence(asked, scenario),
            }
        })
    };
    let exploration = explore();
    if shape == Shape::Sequence {
        assert_eq!(exploration.executions, 1, "{}: a scenario of one thread has one execution", asked.name);
    } else if cfg!(loom) && exploration.executions <= TWICE_UP_TO {
        demand_the_same(asked.name, &exploration, &explore());
    }
    exploration
}

/// Explores, compares what comes out with the certificate, and prints a line about it.
fn conclude(name: &str, kind: Kind, explore: impl FnOnce() -> Exploration) -> Exploration {
    environment::refuse_influence(name, chosen::NAME);
    report::announce_failures(name);
    let recording = crate::trace::record(name);
    let exploration = explore();
    let coverage = recording.coverage();
    let standing = certificate::settle(name, kind, &exploration);
    report::print(name, kind, &exploration, standing, coverage.as_ref());
    exploration
}

/// Every execution of something small, and its outcomes: neither a scenario nor a certificate.
#[cfg(any(loom, shuttle))]
pub(crate) fn explore_all<S: Debug>(
    program: impl Fn() -> S + Send + Sync + 'static,
) -> (u64, BTreeSet<String>) {
    let states = FinalStates::default();
    let executions = chosen::explore_all(states.collect(Scenario::of(program)));
    (executions, states.take())
}

/// Executions a second of something small.
#[cfg(loom)]
pub(crate) fn rate<S: Debug>(program: impl Fn() -> S + Send + Sync + 'static) -> f64 {
    let clock = report::Clock::start();
    let (executions, _) = explore_all(program);
    executions as f64 / clock.seconds()
}

#[cfg(shuttle)]
fn is_mutated() -> bool {
    certificate::is_set(certificate::MUTATED_VARIABLE)
}

fn measure(name: &str, explore: impl FnOnce(&FinalStates) -> count::Explored) -> Exploration {
    let states = FinalStates::default();
    let clock = report::Clock::start();
    let count::Explored { executions, largest } = explore(&states);
    assert!(executions > 0, "{name}: the checker explored nothing");
    let (final_states, seconds) = (states.take(), clock.seconds());
    Exploration { checker: chosen::NAME, executions, largest, final_states, seconds }
}

/// A scenario that depends on anything but the order of its threads proves nothing.
fn demand_the_same(name: &str, first: &Exploration, second: &Exploration) {
    let telling = |it: &Exploration| (it.executions, it.largest, it.final_states.clone());
    assert_eq!(
        telling(first),
        telling(second),
        "{name}: explored twice, it came to different results: it depends on something else than the order of its threads"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "some::scenario: the checker explored nothing")]
    fn an_exploration_of_nothing_is_a_failure() {
        count::start();
        measure("some::scenario", |_| count::explored());
    }

    #[test]
    #[should_panic(expected = "some::scenario: explored twice")]
    fn a_scenario_that_changes_by_itself_is_a_failure() {
        let explored =
            |executions| measure("some::scenario", |_| count::Explored { executions, largest: None });
        demand_the_same("some::scenario", &explored(1), &explored(2));
    }
}
