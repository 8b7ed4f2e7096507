//! The certificates of the scenarios, as they are committed, beside what the last run of loom has said.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::suite::Suite;

/// Where they are, from the root of the workspace.
pub const FOLDER: &str = "loom-tests/certificates";

/// What loom has explored of one scenario: the part of the file that a reader wants.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Certificate {
    /// The scenario.
    pub scenario: String,
    /// `proof`, or `search` if preemptions were bounded.
    pub kind: String,
    /// How many interleavings there are.
    pub executions: u64,
    /// The most threads that an execution had.
    pub threads: u32,
    /// How many final states there are.
    pub final_states: u64,
}

/// Reads all of a folder, sorted by scenario.
///
/// # Errors
/// The folder is missing or empty, or a file holds something else.
pub fn read(folder: &Path) -> Result<Vec<Certificate>, String> {
    let mut certificates: Vec<Certificate> =
        super::read_folder(folder).map_err(|error| format!("{FOLDER}: {error}"))?;
    certificates.sort_by(|one, other| one.scenario.cmp(&other.scenario));
    Ok(certificates)
}

/// Where the certificates and a run differ. `alone` are scenarios that other tests run in processes of their own: what those print is not seen.
pub fn differences(certificates: &[Certificate], loom: &Suite, alone: &BTreeSet<String>) -> Vec<String> {
    let mut differences = Vec::new();
    for Certificate { scenario, executions, .. } in certificates {
        match loom.executions(scenario) {
            Some(seen) if seen == *executions => {}
            Some(seen) => differences
                .push(format!("{scenario}: certified are {executions} executions, explored were {seen}")),
            None if alone.contains(scenario) => {}
            None => differences.push(format!("{scenario}: certified, and not explored")),
        }
    }
    for explored in &loom.explored {
        if !certificates.iter().any(|certificate| certificate.scenario == explored.scenario) {
            differences.push(format!("{}: explored, and without a certificate", explored.scenario));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::super::suite::Explored;
    use super::*;

    fn certificate(scenario: &str, executions: u64) -> Certificate {
        Certificate {
            scenario: scenario.to_owned(),
            kind: "proof".to_owned(),
            executions,
            threads: 2,
            final_states: 1,
        }
    }

    #[test]
    fn each_difference_is_named() {
        let explored =
            |scenario: &str| Explored { scenario: scenario.to_owned(), executions: 7, seconds: 0.1 };
        let suite = Suite {
            explored: vec![explored("a::same"), explored("a::other"), explored("a::new")],
            ..Suite::new("loom")
        };
        let certificates = [
            certificate("a::gone", 1),
            certificate("a::other", 8),
            certificate("a::same", 7),
            certificate("b::alone", 2),
        ];
        let alone = BTreeSet::from(["b::alone".to_owned()]);
        let differences = differences(&certificates, &suite, &alone);
        assert_eq!(differences.len(), 3, "{differences:?}");
        for (difference, name) in differences.iter().zip(["a::gone", "a::other", "a::new"]) {
            assert!(difference.starts_with(name), "{difference}");
        }
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        assert!(read(Path::new("/no/such/folder")).is_err_and(|error| error.starts_with(FOLDER)));
    }
}
