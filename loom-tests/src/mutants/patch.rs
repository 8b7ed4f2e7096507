//! A unified diff of one or more files, applied strictly: what a hunk takes away, with the lines around it, must be in the file
//! exactly once. (`git apply` passes over files it does not know without a word, and `patch` guesses.)

use std::fmt;
use std::path::{Path, PathBuf};

/// Paths, and what is in the files.
pub type Files = Vec<(PathBuf, String)>;

/// Changes to files below one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    files: Vec<FileChange>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FileChange {
    path: PathBuf,
    hunks: Vec<Hunk>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hunk {
    before: String,
    after: String,
}

/// Why a patch cannot be read or applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchError {
    /// Not a unified diff.
    Malformed(String),
    /// A hunk's lines are not in the file exactly once.
    DoesNotApply {
        /// The file.
        path: PathBuf,
        /// How often they are.
        found: usize,
    },
    /// The file cannot be read or written.
    Io(String),
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(line) => write!(f, "not a unified diff: {line}"),
            Self::DoesNotApply { path, found } => {
                write!(f, "does not apply to {}: a hunk is there {found} times", path.display())
            }
            Self::Io(error) => f.write_str(error),
        }
    }
}

impl Patch {
    /// Reads a unified diff.
    ///
    /// # Errors
    /// A line that does not belong into one, or nothing to change.
    pub fn parse(diff: &str) -> Result<Self, PatchError> {
        let mut files: Vec<FileChange> = Vec::new();
        for line in diff.lines().filter(|line| !line.starts_with("--- ")) {
            if let Some(path) = line.strip_prefix("+++ b/") {
                files.push(FileChange { path: path.into(), hunks: Vec::new() });
                continue;
            }
            let malformed = || PatchError::Malformed(line.to_owned());
            let hunks = &mut files.last_mut().ok_or_else(malformed)?.hunks;
            if line.starts_with("@@ ") {
                hunks.push(Hunk::default());
                continue;
            }
            hunks.last_mut().ok_or_else(malformed)?.push(line).ok_or_else(malformed)?;
        }
        if files.iter().all(|file| file.hunks.is_empty()) {
            return Err(PatchError::Malformed("it changes nothing".to_owned()));
        }
        Ok(Self { files })
    }

    /// Changes the files below `root`. Returns them as they were, to be written back with [`restore`](Self::restore).
    ///
    /// # Errors
    /// It does not apply; then nothing is changed.
    pub fn apply(&self, root: &Path) -> Result<Files, PatchError> {
        let (originals, changed) = self.try_on(root)?;
        Self::restore(&changed)?;
        Ok(originals)
    }

    /// The files below `root` as they are and as they would be; nothing is written.
    ///
    /// # Errors
    /// It does not apply.
    pub fn try_on(&self, root: &Path) -> Result<(Files, Files), PatchError> {
        let (mut originals, mut changed) = (Files::new(), Files::new());
        for file in &self.files {
            let path = root.join(&file.path);
            let original = std::fs::read_to_string(&path)
                .map_err(|error| PatchError::Io(format!("{}: {error}", path.display())))?;
            changed.push((path.clone(), file.apply(&original)?));
            originals.push((path, original));
        }
        Ok((originals, changed))
    }

    /// Writes files.
    ///
    /// # Errors
    /// One cannot be written.
    pub fn restore(files: &[(PathBuf, String)]) -> Result<(), PatchError> {
        files.iter().try_for_each(|(path, text)| {
            std::fs::write(path, text).map_err(|error| PatchError::Io(format!("{}: {error}", path.display())))
        })
    }
}

impl FileChange {
    fn apply(&self, original: &str) -> Result<String, PatchError> {
        self.hunks.iter().try_fold(original.to_owned(), |text, hunk| {
            match text.matches(&hunk.before).count() {
                1 => Ok(text.replacen(&hunk.before, &hunk.after, 1)),
                found => Err(PatchError::DoesNotApply { path: self.path.clone(), found }),
            }
        })
    }
}

impl Hunk {
    fn push(&mut self, line: &str) -> Option<()> {
        let (sign, text) = if line.is_empty() { (" ", "") } else { line.split_at_checked(1)? };
        for (this, side) in [("-", &mut self.before), ("+", &mut self.after)] {
            if sign == " " || sign == this {
                side.push_str(text);
                side.push('\n');
            }
        }
        [" ", "-", "+"].contains(&sign).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/x.rs\n+++ b/x.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+three\n\n";

    fn change(original: &str) -> Result<String, PatchError> {
        Patch::parse(DIFF).expect("a diff").files[0].apply(original)
    }

    #[test]
    fn a_hunk_is_applied_wherever_its_lines_are() {
        assert_eq!(change("zero\none\ntwo\n\nfour\n"), Ok("zero\none\nthree\n\nfour\n".to_owned()));
    }

    #[test]
    fn a_hunk_whose_lines_are_gone_or_ambiguous_is_refused() {
        let refused = |found| Err(PatchError::DoesNotApply { path: "x.rs".into(), found });
        assert_eq!(change("one\n2\n\n"), refused(0));
        assert_eq!(change("one\ntwo\n\none\ntwo\n\n"), refused(2));
    }

    #[test]
    fn what_is_no_diff_is_refused() {
        assert!(Patch::parse("").is_err());
        assert!(Patch::parse("--- a/x.rs\n+++ b/x.rs\n").is_err());
        assert!(Patch::parse("one\n").is_err());
    }
}
