//! What the last run came to: written to a file, so that the page can be drawn again without running anything.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::suite::Suite;

/// Everything that was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// loom, shuttle, std.
    pub suites: Vec<Suite>,
    /// Every mutant, in the order in which they were tried.
    pub mutants: Vec<Tried>,
    /// Steps that failed before they came to a result, each with its name.
    pub failures: Vec<String>,
}

/// What came of a mutant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Which.
    pub id: String,
    /// In a word or two: `deadlock`.
    pub verdict: String,
    /// Whether that is what its header expects.
    pub as_expected: bool,
    /// The number of the execution that failed, under loom and shuttle.
    pub execution: Option<u64>,
    /// The message of what failed.
    pub message: String,
    /// How long it ran, without the build.
    pub seconds: f64,
}

impl Results {
    /// What came of the mutant `id`.
    pub fn mutant(&self, id: &str) -> Option<&Tried> {
        self.mutants.iter().find(|tried| tried.id == id)
    }

    /// The run of `checker`.
    pub fn suite(&self, checker: &str) -> Option<&Suite> {
        self.suites.iter().find(|suite| suite.checker == checker)
    }

    /// Reads what [`write`](Self::write) has written.
    ///
    /// # Errors
    /// There is no such file, or it holds something else.
    pub fn read(file: &Path) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(file).map_err(|error| named(&error))?;
        serde_json::from_str(&text).map_err(|error| named(&error))
    }

    /// Writes it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
    }
}
