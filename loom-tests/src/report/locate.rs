//! Where something is defined: found in the source of the kernels each time, so that a report cannot name a place that is gone.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the kernels, from the root of the workspace.
const KERNELS: &str = "concurrency-models/src";

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file, from the root of the workspace.
    pub file: String,
    /// The line, from 1. It moves with every edit above it: not for a file that is committed.
    pub line: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Finds the one definition of `symbol`: a type (`RaftLoop`), a free function (`note_membership`), or a method (`RaftLoop::round`).
///
/// # Errors
/// There is none, or more than one; the message says which.
pub fn locate(root: &Path, symbol: &str) -> Result<Location, String> {
    let mut files = Vec::new();
    let kernels = root.join(KERNELS);
    rust_files(&kernels, &mut files).map_err(|error| format!("{}: {error}", kernels.display()))?;
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        found
            .extend(definitions(&text, symbol).into_iter().map(|line| Location { file: name.clone(), line }));
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(format!("`{symbol}` is defined nowhere in {KERNELS}")),
        several => Err(format!(
            "`{symbol}` is defined {} times: {}",
            several.len(),
            several.iter().map(Location::to_string).collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The lines of a file that define `symbol`. The text is laid out by rustfmt: what is free stands at the margin, a method inside of an
/// `impl` that does.
pub fn definitions(text: &str, symbol: &str) -> Vec<u32> {
    let (owner, name) = match symbol.rsplit_once("::") {
        Some((owner, name)) => (Some(owner), name),
        None => (None, symbol),
    };
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut block = ""; // the item at the margin that a line is in
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(code.lines()) {
        if line.starts_with(|first: char| first.is_alphabetic()) {
            block = line;
        }
        let place_fits = match owner {
            Some(owner) => line.starts_with("    ") && is_block_of(block, owner),
            None => !line.starts_with(' '),
        };
        if place_fits && defines(line.trim_start(), name) {
            lines.push(number);
        }
    }
    lines
}

/// Whether a line is the beginning of the definition of `name`.
fn defines(line: &str, name: &str) -> bool {
    const QUALIFIERS: [&str; 4] = ["pub", "async", "const", "unsafe"];
    const ITEMS: [&str; 6] = ["fn", "struct", "enum", "trait", "type", "const"];
    let mut words = line.split_whitespace().skip_while(|word| {
        QUALIFIERS.contains(word) && !line.starts_with(&format!("const {name}")) || word.starts_with("pub(")
    });
    let is_item = words.next().is_some_and(|word| ITEMS.contains(&word));
    is_item && words.next().is_some_and(|word| begins_with_name(word, name))
}

/// Whether `text` is `name` and then something that belongs to no name.
fn begins_with_name(text: &str, name: &str) -> bool {
    text.strip_prefix(name)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

/// Whether `block` is the first line of an `impl` of `owner` or of its own trait: `impl<T> Owner<T> {`, `pub trait Owner {`.
fn is_block_of(block: &str, owner: &str) -> bool {
    let head = block.trim_end_matches('{');
    let is_own = head.starts_with("impl") && !head.contains(" for ");
    let words = head.split([' ', '>']).filter(|word| !word.is_empty());
    (is_own && words.clone().any(|word| begins_with_name(word, owner))) || defines(head, owner)
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
//! RaftLoop runs.
use a::RaftLoop;

/// struct RaftLoop
pub struct RaftLoop<S> {
    fn_name: u32,
}

impl<S: Store, M> RaftLoop<S> {
    pub async fn run(mut self) {
        self.round();
    }

    fn round(&mut self) -> bool {
        round(1)
    }
}

impl<S> Drop for RaftLoop<S> {
    fn drop(&mut self) {}
}

pub(super) fn round(x: u32) {}
const LIMIT: u32 = 1;
pub trait Store {
    fn put(&mut self);
}

#[cfg(test)]
mod tests {
    struct RaftLoop;
}
";

    #[test]
    fn types_functions_and_methods_are_found_where_they_are_defined() {
        assert_eq!(definitions(TEXT, "RaftLoop"), [5]);
        assert_eq!(definitions(TEXT, "RaftLoop::run"), [10]);
        assert_eq!(definitions(TEXT, "RaftLoop::round"), [14]);
        assert_eq!(definitions(TEXT, "round"), [23]);
        assert_eq!(definitions(TEXT, "LIMIT"), [24]);
        assert_eq!(definitions(TEXT, "Store::put"), [26]);
    }

    #[test]
    fn comments_uses_calls_tests_and_parts_of_names_are_no_definitions() {
        assert_eq!(definitions(TEXT, "Raft"), [0; 0]);
        assert_eq!(definitions(TEXT, "fn_name"), [0; 0]);
        assert_eq!(definitions(TEXT, "RaftLoop::drop"), [0; 0], "it is another's");
        assert_eq!(definitions(TEXT, "Loop::run"), [0; 0]);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let error = locate(root, "NoSuchThing").expect_err("it is not there");
        assert!(error.contains("NoSuchThing"), "{error}");
        let found = locate(root, "RaftLoop").expect("a kernel");
        assert!(found.file.starts_with("concurrency-models/src/raft_loop"), "{found}");
    }
}
