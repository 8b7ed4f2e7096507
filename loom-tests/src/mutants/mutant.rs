//! The header of a mutant.

use std::path::{Path, PathBuf};

use super::patch::Patch;

/// A patch and who must notice it.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The row of the catalogue, with a letter behind it if the row has several mutants; `K1`, `K2`... for controls.
    pub id: String,
    /// What is wrong, in one sentence.
    pub bug: String,
    /// What must happen.
    pub expectation: Expectation,
    /// `loom` or `shuttle`; `std` for a bug in a crate of the server, whose own tests must find it.
    pub checker: String,
    /// The package with the test: `loom-tests`, unless the header names another.
    pub package: String,
    /// The test file, which for a kernel has its name.
    pub kernel: String,
    /// The test in it, or `*`.
    pub test: String,
    /// The file that the mutant was read from.
    pub file: PathBuf,
    /// The change.
    pub patch: Patch,
}

/// What a mutant must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The checker finds a deadlock; a lost wake-up is one.
    Deadlock,
    /// An assertion fails whose message contains this.
    Assertion(String),
    /// Nothing fails: the change is no bug.
    Survives,
}

/// Every `*.patch` of a folder, in order of name.
///
/// # Errors
/// A folder that cannot be read, or a file that is not a mutant; the message names it.
pub fn read_all(folder: &Path) -> Result<Vec<Mutant>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "patch"));
    files.sort();
    files.iter().map(|file| Mutant::read(file)).collect()
}

impl Mutant {
    fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        Self::parse(&text, file.to_owned()).map_err(|error| format!("{}: {error}", file.display()))
    }

    fn parse(text: &str, file: PathBuf) -> Result<Self, String> {
        let (header, diff) = text.split_once("\n\n").ok_or("no empty line between header and diff")?;
        let field = |name: &str| {
            let mut lines = header.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            lines.next().map(str::to_owned).ok_or(format!("the header has no `{name}`"))
        };
        let test = field("test")?;
        let (kernel, test) = test.split_once(' ').ok_or("`test` is `<kernel> <test>`")?;
        let checker = field("checker")?;
        if !["loom", "shuttle", "std"].contains(&checker.as_str()) {
            return Err(format!("no checker is called `{checker}`"));
        }
        Ok(Self {
            id: field("id")?,
            bug: field("bug")?,
            expectation: Expectation::parse(&field("expect")?, field("says").ok())?,
            checker,
            package: field("package").unwrap_or_else(|_| "loom-tests".to_owned()),
            kernel: kernel.to_owned(),
            test: test.to_owned(),
            file,
            patch: Patch::parse(diff).map_err(|error| error.to_string())?,
        })
    }

    /// The row of the catalogue: `C6` for `C6b`.
    pub fn row(&self) -> &str {
        self.id.trim_end_matches(|letter: char| letter.is_ascii_lowercase())
    }

    /// The file's name, without its folder.
    pub fn file_name(&self) -> String {
        self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

impl Expectation {
    fn parse(expect: &str, says: Option<String>) -> Result<Self, String> {
        match (expect, says) {
            ("deadlock", None) => Ok(Self::Deadlock),
            ("survives", None) => Ok(Self::Survives),
            ("assertion", Some(says)) => Ok(Self::Assertion(says)),
            ("assertion", None) => Err("an assertion needs `says`".to_owned()),
            _ => Err(format!("cannot expect `{expect}`, with or without `says`")),
        }
    }
}
