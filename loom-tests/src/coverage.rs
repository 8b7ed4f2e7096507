//! How much of a scenario's contention shuttle has met: pairs of lines, *while a lock taken at A was held, one had been asked for at B*, by the same thread
//! or by another. (shuttle switches before it takes a lock and hardly ever while it holds one: so who has asked and has to wait counts, too.)
//!
//! "2,000 executions" says nothing by itself. What does is that new pairs have stopped to come: the curve is level if there was no new one in the last third of
//! the executions, and the line of a scenario says which it is. With `CHRONIK_COVERAGE_DIR` set to a folder, each scenario writes its pairs there, under loom
//! too, in `<checker>.<scenario>.json`; [`read_all`] reads them and [`share`] compares what one checker has seen with what any has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};

use concurrency_models::sync::event::{Event, Kind};
use serde::{Deserialize, Serialize};

/// Names the folder to write to.
pub const VARIABLE: &str = "CHRONIK_COVERAGE_DIR";

/// Points of the curve, about.
const POINTS: u64 = 20;

/// While a lock taken at `held` was held, one had been asked for at `requested`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// File and line: `concurrency-models/src/mailbox.rs:101`.
    pub held: String,
    /// File and line.
    pub requested: String,
}

/// What one checker has seen of one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// `mailbox::nothing_is_lost_between_two_senders`.
    pub scenario: String,
    /// `loom` or `shuttle`.
    pub checker: String,
    /// How many there were.
    pub executions: u64,
    /// The pairs.
    pub pairs: BTreeSet<Pair>,
    /// After so many executions, so many pairs had been seen; the last point is the end.
    pub curve: Vec<(u64, usize)>,
    /// The execution in which the last new pair was seen; 0 if there is none.
    pub last_new: u64,
}

impl Coverage {
    /// Whether the last third of the executions has shown nothing new; of one execution there is no third.
    pub fn is_level(&self) -> bool {
        self.executions == 1 || self.last_new * 3 <= self.executions * 2
    }

    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let file = format!("{}.{}.json", self.checker, self.scenario.replace("::", "."));
        fs::write(folder.join(file), serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Reads what all scenarios have written to a folder, sorted by scenario and checker.
///
/// # Errors
/// A file cannot be read, or holds something else.
pub fn read_all(folder: &Path) -> io::Result<Vec<Coverage>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let wrong = |error| io::Error::other(format!("{}: {error}", path.display()));
        all.push(serde_json::from_str(&fs::read_to_string(&path)?).map_err(wrong)?);
    }
    let key = |it: &Coverage| (it.scenario.clone(), it.checker.clone());
    all.sort_unstable_by_key(key);
    Ok(all)
}

/// How many pairs of a scenario `checker` has seen, and how many any has.
pub fn share(all: &[Coverage], scenario: &str, checker: &str) -> (usize, usize) {
    let of_scenario = || all.iter().filter(|it| it.scenario == scenario);
    let known: BTreeSet<&Pair> = of_scenario().flat_map(|it| &it.pairs).collect();
    let seen = of_scenario().filter(|it| it.checker == checker).flat_map(|it| &it.pairs);
    (seen.collect::<BTreeSet<_>>().len(), known.len())
}

/// The folder that the environment names.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

type Line = (&'static str, u32);

/// A lock, and where it was asked for.
type Step = (u64, &'static Location<'static>);

fn remove(steps: &mut Vec<Step>, step: Step) {
    if let Some(at) = steps.iter().rposition(|it| *it == step) {
        steps.swap_remove(at);
    }
}

fn note(
    first_seen: &mut BTreeMap<(Line, Line), u64>,
    held: &'static Location<'static>,
    asked: &'static Location<'static>,
    execution: u64,
) {
    let line = |site: &'static Location<'static>| (site.file(), site.line());
    first_seen.entry((line(held), line(asked))).or_insert(execution);
}

/// Collects the pairs of the executions of a scenario.
#[derive(Default)]
pub(crate) struct Collector {
    execution: u64,
    /// The locks that are held now.
    held: Vec<Step>,
    /// Those that were asked for, and that whoever asked does not have yet.
    asked: Vec<Step>,
    /// Whether the last event was the end of a sleep.
    woken: bool,
    /// The execution in which each pair was first seen.
    first_seen: BTreeMap<(Line, Line), u64>,
}

impl Collector {
    pub(crate) fn start_execution(&mut self) {
        self.execution += 1;
        self.held.clear();
        self.asked.clear();
    }

    pub(crate) fn add(&mut self, event: &Event) {
        let step = (event.object.serial, event.site);
        let after_sleep = std::mem::replace(&mut self.woken, event.kind == Kind::Woken);
        match event.kind {
            Kind::Requested(_) => {
                self.held.iter().for_each(|held| note(&mut self.first_seen, held.1, step.1, self.execution));
                self.asked.push(step);
            }
            Kind::Acquired(_) => {
                if !after_sleep {
                    remove(&mut self.asked, step); // who sleeps takes its lock again without asking
                }
                self.asked
                    .iter()
                    .for_each(|asked| note(&mut self.first_seen, step.1, asked.1, self.execution));
                self.held.push(step);
            }
            Kind::Released(_) => remove(&mut self.held, step),
            _ => {}
        }
    }

    pub(crate) fn coverage(&self, scenario: &str, checker: &str) -> Coverage {
        let text = |(file, line): Line| format!("{file}:{line}");
        let pair = |(held, requested): &(Line, Line)| Pair { held: text(*held), requested: text(*requested) };
        let seen_after = |executions| self.first_seen.values().filter(|first| **first <= executions).count();
        let step = self.execution.div_ceil(POINTS).max(1);
        let points = (1..).map(|point| point * step).take_while(|executions| *executions < self.execution);
        Coverage {
            scenario: scenario.to_owned(),
            checker: checker.to_owned(),
            executions: self.execution,
            pairs: self.first_seen.keys().map(pair).collect(),
            curve: points
                .chain([self.execution])
                .map(|executions| (executions, seen_after(executions)))
                .collect(),
            last_new: self.first_seen.values().max().copied().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use concurrency_models::sync::event::{Access, Object};

    use super::*;

    fn coverage(checker: &str, requested: &[&str], last_new: u64) -> Coverage {
        let pair = |it: &&str| Pair { held: "a".to_owned(), requested: (*it).to_owned() };
        Coverage {
            scenario: "gate::one".to_owned(),
            checker: checker.to_owned(),
            executions: 300,
            pairs: requested.iter().map(pair).collect(),
            curve: Vec::new(),
            last_new,
        }
    }

    #[test]
    fn a_curve_is_level_if_the_last_third_is_without_news() {
        assert!(coverage("shuttle", &[], 200).is_level());
        assert!(!coverage("shuttle", &[], 201).is_level());
    }

    #[test]
    fn a_share_is_of_what_any_checker_has_seen() {
        let all = [coverage("loom", &["b", "c"], 1), coverage("shuttle", &["c", "d"], 1)];
        assert_eq!(share(&all, "gate::one", "shuttle"), (2, 3));
        assert_eq!(share(&all, "gate::two", "shuttle"), (0, 0));
    }

    #[track_caller]
    fn here() -> &'static Location<'static> {
        Location::caller()
    }

    fn pair(held: &Location<'_>, requested: &Location<'_>) -> Pair {
        let line = |site: &Location<'_>| format!("{}:{}", site.file(), site.line());
        Pair { held: line(held), requested: line(requested) }
    }

    #[test]
    fn what_is_held_when_a_lock_is_asked_for_is_a_pair() {
        let a = here();
        let b = here();
        let c = here();
        let mut collector = Collector::default();
        let mut step = |kind: fn(Access) -> Kind, serial, site| {
            let object = Object { serial, guards: "u32", created: a };
            collector.add(&Event { kind: kind(Access::Lock), object, site });
        };
        step(Kind::Requested, 1, a);
        step(Kind::Acquired, 1, a);
        step(Kind::Requested, 2, b);
        step(Kind::Released, 1, a);
        step(Kind::Acquired, 2, b);
        step(Kind::Released, 2, b);
        step(Kind::Requested, 1, c); // nothing is held any more
        let coverage = collector.coverage("gate::one", "shuttle");
        assert_eq!(coverage.pairs, BTreeSet::from([pair(a, b)]));
    }

    #[test]
    fn who_asks_first_and_gets_it_second_makes_a_pair() {
        let a = here();
        let b = here();
        let mut collector = Collector::default();
        let mut step = |kind: fn(Access) -> Kind, site| {
            let object = Object { serial: 1, guards: "u32", created: a };
            collector.add(&Event { kind: kind(Access::Lock), object, site });
        };
        step(Kind::Requested, b);
        step(Kind::Requested, a);
        step(Kind::Acquired, a);
        assert_eq!(collector.coverage("gate::one", "shuttle").pairs, BTreeSet::from([pair(a, b)]));
    }

    #[test]
    fn the_curve_counts_what_was_new_and_ends_at_the_end() {
        let first_seen = [((("x", 1), ("x", 2)), 1), ((("x", 2), ("x", 1)), 30)].into();
        let collector = Collector { execution: 100, first_seen, ..Collector::default() };
        let coverage = collector.coverage("gate::one", "shuttle");
        assert_eq!((coverage.curve[0], coverage.last_new), ((5, 1), 30));
        assert_eq!(coverage.curve.last(), Some(&(100, 2)));
        assert_eq!(coverage.curve.len(), 20);
    }
}
