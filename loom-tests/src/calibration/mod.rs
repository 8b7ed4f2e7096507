//! The checkers, measured: what they find in small random programs is compared with what there is, which an [`oracle`] of our own finds by brute force.
//!
//! A proof by loom is worth what loom explores. It is complete for locks and for condition variables: that is why kernels synchronise by nothing else. It is
//! *not* complete for sequentially consistent atomics, which is measured here too. shuttle's depth-first scheduler is complete for all of them.
//!
//! With `CHRONIK_CALIBRATION_DIR` set to a folder, each summary is written there, in `<checker>.<fragment>.json`.

#[cfg(any(loom, shuttle))]
mod execute;
pub mod oracle;
pub mod program;

use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use program::Fragment;
#[cfg(any(loom, shuttle))]
use program::Program;

/// Names the folder to write to.
pub const VARIABLE: &str = "CHRONIK_CALIBRATION_DIR";

/// How a checker did on many programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// `loom` or `shuttle`.
    pub checker: String,
    /// What the programs are made of.
    pub fragment: String,
    /// How many there were.
    pub programs: u64,
    /// Of them, those that cannot deadlock.
    pub without_deadlock: u64,
    /// Of these, those in which the checker did not find every outcome.
    pub outcomes_missed_in: u64,
    /// Of these, those in which it found outcomes that sequential consistency excludes.
    pub outcomes_added_in: u64,
    /// Of all, those about which it was right: a deadlock, or none.
    pub verdicts_right: u64,
    /// All executions.
    pub executions: u64,
}

impl Summary {
    /// Of nothing yet.
    pub fn new(fragment: Fragment) -> Self {
        Self {
            checker: crate::built().to_owned(),
            fragment: fragment.name().to_owned(),
            programs: 0,
            without_deadlock: 0,
            outcomes_missed_in: 0,
            outcomes_added_in: 0,
            verdicts_right: 0,
            executions: 0,
        }
    }

    /// Whether every outcome was found, nothing else, and every deadlock.
    pub fn is_complete(&self) -> bool {
        self.verdicts_right == self.programs && self.outcomes_missed_in == 0 && self.outcomes_added_in == 0
    }

    /// Prints it past the test harness, and writes it to the folder that the environment names, if it does.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tell(&self) -> io::Result<()> {
        crate::checker::write_line(&self.to_string());
        let Some(folder) = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
            return Ok(());
        };
        let folder = Path::new(&folder);
        fs::create_dir_all(folder)?;
        let file = folder.join(format!("{}.{}.json", self.checker, self.fragment.replace(' ', "-")));
        fs::write(file, serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads the summaries in a folder.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub fn read_all(folder: &Path) -> io::Result<Vec<Self>> {
        let read =
            |entry: io::Result<fs::DirEntry>| Ok(serde_json::from_str(&fs::read_to_string(entry?.path())?)?);
        fs::read_dir(folder)?.map(read).collect()
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:<7} calibration: {:<14} {:>3} programs, verdict right in {:>3}, outcomes missed in {}, added in {} of {}; {} executions",
            self.checker,
            self.fragment,
            self.programs,
            self.verdicts_right,
            self.outcomes_missed_in,
            self.outcomes_added_in,
            self.without_deadlock,
            crate::checker::with_thousands(self.executions)
        )
    }
}

/// What the checker finds in a program: how many executions there are, and the outcomes as texts of what [`oracle::Endings::outcomes`] holds.
///
/// # Panics
/// If the checker finds a deadlock, or does not come to an end. Under loom a deadlock ends the process.
#[cfg(any(loom, shuttle))]
pub fn explore(program: &Program) -> (u64, std::collections::BTreeSet<String>) {
    let program = program.clone();
    crate::checker::explore_all(move || execute::execute(&program))
}
