//! The three fixes, and what stands behind each: where it is, what was explored, what happens when it is taken back.

use std::path::Path;

use super::Evidence;
use super::locate::{Location, locate};
use super::results::Tried;

/// A deadlock of the old server, and what must keep it away.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// `#1`.
    pub number: &'static str,
    /// What happened.
    pub issue: &'static str,
    /// What must hold instead.
    pub holds: &'static str,
    /// The types and functions that the fix is. Where they are is looked up.
    pub symbols: &'static [&'static str],
    /// The test files whose scenarios are its proof.
    pub proofs: &'static [&'static str],
    /// The mutants that take it back.
    pub mutants: &'static [&'static str],
}

/// The three.
pub const CLAIMS: [Claim; 3] = [
    Claim {
        number: "#1",
        issue: "Raft message loop deadlock: applying a ConfChange takes the node lock that the loop holds",
        holds: "the lock is taken in one place; what is below it works on `&mut RawNode` and cannot lock",
        symbols: &["RaftLoop::round", "apply"],
        proofs: &["raft_loop"],
        mutants: &["S1"],
    },
    Claim {
        number: "#2",
        issue: "WAL timeout monitor deadlock: the monitor runs the election itself, which locks the Raft node",
        holds: "the monitor only sends triggers and never blocks; a worker acts on them",
        symbols: &["TimeoutMonitor::run", "Triggers::try_send", "ElectionWorker::run"],
        proofs: &["timeout_monitor", "triggers", "election_worker", "failover"],
        mutants: &["S2", "S2b"],
    },
    Claim {
        number: "#3",
        issue: "DashMap iterator deadlock: `remove` inside `iter` on the heartbeat map",
        holds: "iteration only reads; removal comes after it and looks again whether the entry is still stale",
        symbols: &["HeartbeatMap::sweep"],
        proofs: &["heartbeat_map"],
        mutants: &["S3", "H1"],
    },
];

/// A claim with its evidence.
#[derive(Clone, Debug)]
pub struct Fix {
    /// What is claimed.
    pub claim: Claim,
    /// Where each symbol is.
    pub places: Vec<(&'static str, Result<Location, String>)>,
    /// How many scenarios loom has explored whole.
    pub scenarios: usize,
    /// How many interleavings those have.
    pub executions: u64,
    /// How many of the scenarios have a certificate.
    pub certificates: usize,
    /// What came of the mutants that take it back; `None` for one that is missing.
    pub mutants: Vec<(&'static str, Option<Tried>)>,
}

impl Fix {
    /// Collects the evidence for a claim.
    pub fn of(root: &Path, claim: Claim, evidence: &Evidence) -> Self {
        let proves =
            |scenario: &str| scenario.split_once("::").is_some_and(|(file, _)| claim.proofs.contains(&file));
        let loom = evidence.results.suite("loom").into_iter().flat_map(|loom| &loom.explored);
        let whole = loom.filter(|it| proves(&it.scenario) && !evidence.is_search(&it.scenario));
        let explored: Vec<_> = whole.collect();
        let certificates = evidence.certificates.iter().flatten();
        let tried = |id: &&'static str| (*id, evidence.results.mutant(id).cloned());
        Self {
            claim,
            places: claim.symbols.iter().map(|symbol| (*symbol, locate(root, symbol))).collect(),
            scenarios: explored.len(),
            executions: explored.iter().map(|explored| explored.executions).sum(),
            certificates: certificates.filter(|certificate| proves(&certificate.scenario)).count(),
            mutants: claim.mutants.iter().map(tried).collect(),
        }
    }

    /// What is missing for the claim to be proven.
    pub fn problems(&self) -> Vec<String> {
        let number = self.claim.number;
        let mut problems = Vec::new();
        for (_, place) in &self.places {
            problems.extend(place.as_ref().err().map(|error| format!("fix {number}: {error}")));
        }
        if self.executions == 0 {
            problems
                .push(format!("fix {number}: no scenario of {} was explored", self.claim.proofs.join(", ")));
        }
        for (id, tried) in &self.mutants {
            match tried {
                None => problems.push(format!("fix {number}: mutant {id} is missing")),
                Some(tried) if !tried.as_expected => {
                    problems.push(format!("fix {number}: mutant {id} came to: {}", tried.verdict));
                }
                Some(_) => {}
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So that whoever renames one learns it before the report is red.
    #[test]
    fn what_the_fixes_are_is_where_it_can_be_found() {
        let root = super::super::Folders::here().root;
        for symbol in CLAIMS.iter().flat_map(|claim| claim.symbols) {
            if let Err(error) = locate(&root, symbol) {
                panic!("{error}");
            }
        }
    }
}
