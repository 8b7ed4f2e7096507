//! Certificates: what loom has explored of each scenario, committed and compared with every later run.
//!
//! A checker that has explored less than before is as green as one that has explored all. So the size and the outcome of each exploration stand in
//! a file, `loom-tests/certificates/<kernel>.<scenario>.json`, and a run that comes to something else fails and says what is different: another state
//! space was explored, and somebody has to look why. If it is meant, the certificates are written anew:
//!
//! ```text
//! CHRONIK_BLESS=1 cargo loom
//! ```
//!
//! Whatever depends on the machine is not in them. The versions of the tools are recorded and not compared.
//!
//! std and shuttle read them too: loom has seen every outcome, so no other checker may see one that is not there.

mod compare;
mod settle;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Exploration;
pub use compare::differences;
pub use settle::Standing;
#[cfg(shuttle)]
pub(crate) use settle::is_set;
pub(crate) use settle::settle;

/// Names a folder to use instead of the committed one: for tests of the certificates themselves.
pub const FOLDER_VARIABLE: &str = "CHRONIK_CERTIFICATES";
/// Set to `1`, certificates are written instead of compared.
pub const BLESS_VARIABLE: &str = "CHRONIK_BLESS";
/// Set to `1`, the kernels are not those that the certificates are about: `cargo mutants` has changed them. The line of a scenario says so.
pub const MUTATED_VARIABLE: &str = "CHRONIK_MUTATED";

/// Final states that are listed, at most; of more only the number is kept.
pub const LISTED_AT_MOST: usize = 64;

/// What an exploration claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every interleaving was explored.
    Proof,
    /// Those with at most so many preemptions were: evidence, and no proof.
    Search {
        /// How often a thread may be interrupted that could have gone on.
        preemption_bound: usize,
    },
}

impl Kind {
    /// The bound of a search.
    pub fn preemption_bound(self) -> Option<usize> {
        match self {
            Self::Proof => None,
            Self::Search { preemption_bound } => Some(preemption_bound),
        }
    }
}

/// What loom has explored of one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The scenario: `mailbox::nothing_is_lost_between_two_senders`.
    pub scenario: String,
    /// `proof` or `search`.
    pub kind: String,
    /// That loom said so: it returns without a word when it is cut short.
    pub completed: bool,
    /// `null` in a proof.
    pub preemption_bound: Option<usize>,
    /// How many interleavings there are.
    pub executions: u64,
    /// The most threads that an execution had, with the one that the scenario starts on.
    pub threads: u32,
    /// The most events that the facade reported in one execution: see [`crate::Size::events`].
    pub longest_execution_events: u64,
    /// How many final states there are.
    pub final_states: usize,
    /// Their `Debug` texts, sorted; `null` if there are more than [`LISTED_AT_MOST`].
    pub final_states_listed: Option<BTreeSet<String>>,
    /// What it was explored with.
    pub versions: Versions,
}

/// Of the tools that decide what is explored, as in `Cargo.lock`. Recorded, and not compared: a version that changes nothing is no change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The checker.
    pub loom: String,
    /// Which some scenarios run.
    pub raft: String,
}

impl Certificate {
    /// What `exploration`, which was one of loom, amounts to.
    fn of(scenario: &str, kind: Kind, exploration: &Exploration) -> Self {
        let largest = exploration.largest.expect("loom counts threads and events");
        let states = &exploration.final_states;
        Self {
            scenario: scenario.to_owned(),
            kind: if kind == Kind::Proof { "proof" } else { "search" }.to_owned(),
            completed: true, // or the exploration would have failed
            preemption_bound: kind.preemption_bound(),
            executions: exploration.executions,
            threads: largest.threads,
            longest_execution_events: largest.events,
            final_states: states.len(),
            final_states_listed: (states.len() <= LISTED_AT_MOST).then(|| states.clone()),
            versions: Versions::locked(),
        }
    }

    /// Reads the certificate of a scenario; `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(folder: &Path, scenario: &str) -> io::Result<Option<Self>> {
        match fs::read_to_string(file_of(folder, scenario)) {
            Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads all certificates of a folder, sorted by scenario.
    ///
    /// # Errors
    /// A file cannot be read, holds something else, or is called otherwise than its scenario.
    pub fn read_all(folder: &Path) -> io::Result<Vec<Self>> {
        let mut certificates = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let wrong = |why: String| io::Error::other(format!("{}: {why}", path.display()));
            let text = fs::read_to_string(&path)?;
            let certificate: Self = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            if file_of(folder, &certificate.scenario) != path {
                return Err(wrong(format!("it is the certificate of {}", certificate.scenario)));
            }
            certificates.push(certificate);
        }
        certificates.sort_unstable_by(|one, other| one.scenario.cmp(&other.scenario));
        Ok(certificates)
    }

    /// Writes it to its file.
    fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(file_of(folder, &self.scenario), serde_json::to_string_pretty(self)? + "\n")
    }
}

/// The folder that is committed.
pub fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("certificates")
}

/// The file of a scenario's certificate.
pub fn file_of(folder: &Path, scenario: &str) -> PathBuf {
    folder.join(format!("{}.json", scenario.replace("::", ".")))
}

impl Versions {
    /// Those that `Cargo.lock` names.
    fn locked() -> Self {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        let lock = fs::read_to_string(lock).unwrap_or_default();
        let version = |package: &str| version_in(&lock, package).unwrap_or("unknown").to_owned();
        Self { loom: version("loom"), raft: version("raft") }
    }
}

fn version_in<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, entry) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    entry.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock =
            "[[package]]\nname = \"loom\"\nversion = \"0.7.3\"\n\n[[package]]\nname = \"loom-tests\"\n";
        assert_eq!(version_in(lock, "loom"), Some("0.7.3"));
        assert_eq!(version_in(lock, "raft"), None);
        assert_ne!(Versions::locked().loom, "unknown");
    }
}
