//! Everything that a report says, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::calibration::{self, Calibration};
use super::certificates::{self, Certificate};
use super::contract;
use super::fixes::{CLAIMS, Fix};
use super::lock_pairs::{self, LockPairs};
use super::results::Results;
use super::trace::Trace;
use crate::mutants::runner::trace_of;
use crate::mutants::{Expectation, Mutant, Row, read_all, read_catalogue};
use crate::scenarios;
use crate::sites::{Coverage, Reached, scan};

/// Where things are.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The workspace.
    pub root: PathBuf,
    /// What a run writes: `target/verification`.
    pub output: PathBuf,
}

impl Folders {
    /// Those of this source.
    pub fn here() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_owned();
        Self { output: root.join("target/verification"), root }
    }

    /// Results of the last run.
    pub fn results(&self) -> PathBuf {
        self.output.join("results.json")
    }

    /// The sites that the scenarios have reached.
    pub fn sites(&self) -> PathBuf {
        self.output.join("sites")
    }

    /// What the contract suites have measured.
    pub fn contract(&self) -> PathBuf {
        self.output.join("contract")
    }

    /// What the calibration has measured.
    pub fn calibration(&self) -> PathBuf {
        self.output.join("calibration")
    }

    /// Which pairs of locks the scenarios have met.
    pub fn lock_pairs(&self) -> PathBuf {
        self.output.join("lock-pairs")
    }

    /// The failing interleaving of each mutant.
    pub fn traces(&self) -> PathBuf {
        self.output.join("traces")
    }

    /// The patches.
    pub fn mutants(&self) -> PathBuf {
        self.root.join("loom-tests/mutants")
    }
}

/// Something that should be there, or why it is not.
pub type Found<T> = Result<T, String>;

/// Everything that a report says.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What was run.
    pub results: Results,
    /// All mutants, in the order of the catalogue.
    pub mutants: Vec<Mutant>,
    /// The bugs.
    pub catalogue: Vec<Row>,
    /// The failing interleaving of each mutant that must leave one.
    pub traces: BTreeMap<String, Found<Trace>>,
    /// Which sync sites are reached.
    pub coverage: Found<Coverage>,
    /// What loom has explored, as committed.
    pub certificates: Found<Vec<Certificate>>,
    /// Scenarios that other tests run in processes of their own.
    pub alone: BTreeSet<String>,
    /// What blocks while what is held.
    pub contract: Found<Vec<contract::Row>>,
    /// How right the checkers are about small programs whose outcomes are known.
    pub calibration: Found<Calibration>,
    /// How much of the locking shuttle has seen.
    pub lock_pairs: Found<LockPairs>,
    /// The three fixes.
    pub fixes: Vec<Fix>,
}

impl Evidence {
    /// Reads all of it.
    ///
    /// # Errors
    /// The mutants or the catalogue cannot be read: then there is nothing to report on. Whatever else is missing is a problem of the report.
    pub fn read(folders: &Folders, results: Results) -> Result<Self, String> {
        let catalogue = folders.root.join("loom-tests/BUGS.md");
        let catalogue = std::fs::read_to_string(&catalogue).map_err(|error| format!("BUGS.md: {error}"))?;
        let catalogue = read_catalogue(&catalogue);
        let mut mutants = read_all(&folders.mutants())?;
        let place = |mutant: &Mutant| catalogue.iter().position(|row| row.id == mutant.row());
        mutants.sort_by_cached_key(|mutant| (place(mutant), mutant.id.clone()));
        let traces = mutants.iter().filter(|mutant| leaves_a_trace(mutant));
        let traces =
            traces.map(|mutant| (mutant.id.clone(), Trace::read(&trace_of(&folders.traces(), &mutant.id))));
        let mut evidence = Self {
            results,
            traces: traces.collect(),
            mutants,
            catalogue,
            coverage: coverage(folders),
            certificates: certificates::read(&folders.root.join(certificates::FOLDER)),
            alone: alone(&folders.root.join("loom-tests/tests")),
            contract: contract::read(&folders.contract()),
            calibration: calibration::read(&folders.calibration()),
            lock_pairs: lock_pairs::read(&folders.lock_pairs()),
            fixes: Vec::new(),
        };
        evidence.fixes = CLAIMS.map(|claim| Fix::of(&folders.root, claim, &evidence)).to_vec();
        Ok(evidence)
    }

    /// The names of all scenarios that any checker has explored, in order.
    pub fn scenarios(&self) -> BTreeSet<&str> {
        let explored = self.results.suites.iter().flat_map(|suite| &suite.explored);
        explored.map(|explored| explored.scenario.as_str()).collect()
    }

    /// How often a scenario ran under a checker.
    pub fn executions(&self, checker: &str, scenario: &str) -> Option<u64> {
        self.results.suite(checker)?.executions(scenario)
    }

    /// Whether loom explores the scenario only up to a number of preemptions: that is no proof.
    pub fn is_search(&self, scenario: &str) -> bool {
        let mut certificates = self.certificates.iter().flatten();
        certificates.any(|certificate| certificate.scenario == scenario && certificate.kind == "search")
    }

    /// All that is missing or not as it should be. Empty is green.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.results.failures.clone();
        for checker in ["loom", "shuttle", "std"] {
            match self.results.suite(checker) {
                Some(suite) => problems.extend(suite.problems()),
                None => problems.push(format!("{checker}: the scenarios were not run")),
            }
        }
        problems.extend(self.fixes.iter().flat_map(Fix::problems));
        problems.extend(self.untried());
        self.mutants.iter().for_each(|mutant| problems.extend(self.problem_of(mutant)));
        problems.extend(self.problems_of_sites());
        problems.extend(self.problems_of_certificates());
        problems.extend(self.contract.as_ref().err().map(|error| format!("contract matrix: {error}")));
        match &self.calibration {
            Ok(calibration) => problems.extend(calibration.problems()),
            Err(error) => problems.push(format!("calibration: {error}")),
        }
        match &self.lock_pairs {
            Ok(pairs) => problems.extend(pairs.problems()),
            Err(error) => problems.push(format!("lock pairs: {error}")),
        }
        problems
    }

    fn untried(&self) -> Option<String> {
        let ids = self.mutants.iter().map(|mutant| mutant.id.as_str());
        let untried: Vec<&str> = ids.filter(|id| self.results.mutant(id).is_none()).collect();
        (!untried.is_empty()).then(|| format!("mutants that were not tried: {}", untried.join(", ")))
    }

    fn problem_of(&self, mutant: &Mutant) -> Option<String> {
        let id = &mutant.id;
        let tried = self.results.mutant(id)?;
        if !tried.as_expected {
            return Some(format!("mutant {id} came to: {}", tried.verdict));
        }
        match self.traces.get(id) {
            Some(Err(error)) => Some(format!("mutant {id} left no failing interleaving: {error}")),
            Some(Ok(trace)) if tried.execution != Some(trace.execution) => Some(format!(
                "mutant {id}: its interleaving is of execution {}, and execution {} has failed",
                trace.execution,
                tried.execution.unwrap_or(0)
            )),
            _ => None,
        }
    }

    fn problems_of_sites(&self) -> Vec<String> {
        match &self.coverage {
            Err(error) => vec![format!("sync sites: {error}")],
            Ok(coverage) if coverage.rows.is_empty() => vec!["sync sites: there are none".to_owned()],
            Ok(coverage) => {
                let unreached = coverage
                    .unreached()
                    .map(|row| format!("sync site {} is reached by no scenario", row.site));
                let unknown =
                    coverage.unknown.iter().map(|site| format!("{site} was reached and is no sync site"));
                unreached.chain(unknown).collect()
            }
        }
    }

    fn problems_of_certificates(&self) -> Vec<String> {
        match (&self.certificates, self.results.suite("loom")) {
            (Err(error), _) => vec![format!("certificates: {error}")],
            (Ok(certificates), Some(loom)) => certificates::differences(certificates, loom, &self.alone),
            (Ok(_), None) => Vec::new(), // which is a problem already
        }
    }
}

/// Whether the interleaving that kills the mutant must be there. A test of storage runs no scenario, and a control does not fail.
pub(super) fn leaves_a_trace(mutant: &Mutant) -> bool {
    mutant.checker != "std" && mutant.expectation != Expectation::Survives
}

/// None, if the tests cannot be read: then what is missing is named.
fn alone(tests: &Path) -> BTreeSet<String> {
    let scenarios = scenarios::scan(tests, "loom").unwrap_or_default();
    scenarios.into_iter().filter(|scenario| !scenario.passes).map(|scenario| scenario.name).collect()
}

fn coverage(folders: &Folders) -> Found<Coverage> {
    if !folders.sites().exists() {
        return Err("no scenario has written what it reaches".to_owned());
    }
    let named = |error: std::io::Error| format!("what the scenarios have reached: {error}");
    Ok(Coverage::of(&scan(&folders.root).map_err(named)?, &Reached::read(&folders.sites()).map_err(named)?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::results::Tried;
    use super::super::trace::tests::a_trace;
    use super::*;

    /// The evidence of a run of nothing.
    pub(in super::super) fn nothing_ran(results: Results) -> Evidence {
        let folders = Folders { output: PathBuf::from("/no/such/folder"), ..Folders::here() };
        Evidence::read(&folders, results).expect("the mutants and the catalogue are there")
    }

    pub(in super::super) fn tried(id: &str, as_expected: bool, execution: Option<u64>) -> Tried {
        let (verdict, message) = ("deadlock".to_owned(), "deadlock".to_owned());
        Tried { id: id.to_owned(), verdict, as_expected, execution, message, seconds: 0.25 }
    }

    #[test]
    fn a_run_of_nothing_is_red_in_every_part() {
        let problems = nothing_ran(Results::default()).problems();
        for part in [
            "loom: the scenarios were not run",
            "shuttle: the scenarios were not run",
            "std: the scenarios were not run",
            "fix #1: no scenario of raft_loop was explored",
            "fix #1: mutant S1 is missing",
            "mutants that were not tried: S1, ",
            "sync sites: ",
            "contract matrix: ",
            "calibration: ",
            "lock pairs: ",
        ] {
            assert!(problems.iter().any(|problem| problem.starts_with(part)), "{part}: {problems:#?}");
        }
        assert!(!problems.iter().any(|problem| problem.contains("/no/such")), "{problems:#?}");
    }

    #[test]
    fn a_failed_step_is_red() {
        let results = Results { failures: vec!["mutants: no cargo".to_owned()], ..Results::default() };
        assert_eq!(nothing_ran(results).problems()[0], "mutants: no cargo");
    }

    #[test]
    fn a_mutant_needs_its_verdict_and_its_interleaving() {
        let problem = |tried: Tried, trace: Found<Trace>| {
            let mut evidence = nothing_ran(Results { mutants: vec![tried], ..Results::default() });
            evidence.traces.insert("A1".to_owned(), trace);
            let mutant = evidence.mutants.iter().find(|mutant| mutant.id == "A1").expect("a mutant");
            evidence.problem_of(mutant)
        };
        assert_eq!(problem(tried("A1", true, Some(7)), Ok(a_trace(7))), None);
        let survives = problem(tried("A1", false, Some(7)), Ok(a_trace(7)));
        assert_eq!(survives.as_deref(), Some("mutant A1 came to: deadlock"));
        let missing = problem(tried("A1", true, Some(7)), Err("A1.jsonl: gone".to_owned()));
        assert_eq!(missing.as_deref(), Some("mutant A1 left no failing interleaving: A1.jsonl: gone"));
        assert!(problem(tried("A1", true, Some(8)), Ok(a_trace(7))).is_some(), "it is another's");
    }
}
